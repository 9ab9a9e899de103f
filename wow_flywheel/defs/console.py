"""What a person sees in the terminal: one short line for each thing worth knowing.

What belongs here: the console logger of all jobs. What does not: Dagster's own event log, which keeps everything for the UI.
"""

import logging
import sys
from typing import Any, Final

import dagster as dg

LOGGERS: Final = {"loggers": {"console": {"config": {"log_level": "INFO"}}}}
"""Run config that makes this logger the one in use, at INFO: Dagster's own step events are DEBUG.

`dagster job execute` ignores the default config of a partitioned job, and there shows Dagster's longer lines."""


class ShortLines(logging.Formatter):
    """`07:41:05 nightly 2020-05-15 │ message`, and for a failed step the message without its stack (which the UI keeps)."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, or a few for a failure."""
        meta: dict[str, Any] = getattr(record, "dagster_meta", {})
        said = meta.get("orig_message") or record.getMessage()
        event = meta.get("dagster_event")
        if event is not None and event.is_failure:
            said = f"{event.step_key or 'run'} failed: {failure_message(event)}"
        mark = "" if record.levelno < logging.WARNING else f"{record.levelname.lower()}: "
        return f"{self.formatTime(record, '%H:%M:%S')} {meta.get('job_name') or 'dagster'} │ {mark}{said}"


def failure_message(event: dg.DagsterEvent) -> str:
    """What went wrong, in the words of the error nearest to its cause that was written for people."""
    data = event.event_specific_data
    told = getattr(getattr(data, "user_failure_data", None), "description", None)
    error = getattr(data, "error", None)
    while error is not None and error.cause is not None:
        error = error.cause
    return told or (error.message.strip() if error else event.message or "")


def worth_a_line(record: logging.LogRecord) -> bool:
    """Not: the handshake of Pipes, the steps that were skipped, and the failure of a run, which its step has told already."""
    event = getattr(record, "dagster_meta", {}).get("dagster_event")
    said = record.getMessage()
    if event is not None and event.is_failure:
        return bool(event.is_step_failure) or getattr(event.event_specific_data, "first_step_failure_event", None) is None
    return "successfully opened dagster pipes" not in said and not said.endswith("Not executing.")


@dg.logger({"log_level": dg.Field(str, default_value="INFO", is_required=False)}, description="Short lines for people.")
def console(context: dg.InitLoggerContext) -> logging.Logger:
    """A logger that writes short lines to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(ShortLines())
    handler.addFilter(worth_a_line)
    logger = logging.getLogger(f"wow_flywheel.console.{context.run_id}")
    logger.setLevel(context.logger_config["log_level"])
    logger.propagate = False
    logger.handlers = [handler]
    return logger
