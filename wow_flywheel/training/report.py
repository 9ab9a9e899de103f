"""Where a run says how it is doing: to Dagster when Dagster started it through Pipes, else to standard output.

What belongs here: the two reporters. What does not: what is measured (`loop`). `dagster_pipes` is a small package of its own; a
training box needs no Dagster.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from wow_flywheel.training.plot import by_issue, curves_png, loss_curve_png


class Reporter(Protocol):
    """Takes progress and the outcome of a run."""

    def log(self, message: str, /) -> None:
        """Say something while the run goes on."""

    def finished(self, record: Mapping[str, Any], losses: Sequence[Mapping[str, Any]], /) -> None:
        """Report the outcome: what run.json says, and the rows of loss.jsonl."""


class StdoutReporter:
    """Prints."""

    def log(self, message: str) -> None:
        """Print a line at once."""
        print(message, flush=True)

    def finished(self, record: Mapping[str, Any], _losses: Sequence[Mapping[str, Any]], /) -> None:
        """Print a line a fact; the curve is in loss.jsonl."""
        for name, value in facts(record).items():
            self.log(f"{name}: {value}")


class SilentReporter:
    """For the processes of a distributed run other than the main one."""

    def log(self, _message: str, /) -> None:
        """Say nothing."""

    def finished(self, _record: Mapping[str, Any], _losses: Sequence[Mapping[str, Any]], /) -> None:
        """Say nothing."""


class PipesReporter:
    """Reports to the Dagster step that started this process."""

    def __init__(self, context: Any) -> None:
        self._context = context

    def log(self, message: str) -> None:
        """Write to the step's log."""
        self._context.log.info(message)

    def finished(self, record: Mapping[str, Any], losses: Sequence[Mapping[str, Any]], /) -> None:
        """Report the materialization: the facts, and the loss curve as a picture."""
        metadata: dict[str, Any] = {
            "loss curve": picture(loss_curve_png([(row["step"], row["loss"]) for row in losses if "loss" in row]), "loss"),
            "model": {"raw_value": record["model_path"], "type": "path"},
        }
        for name in ("margins", "accuracies"):
            if curves := by_issue(losses, f"rewards/{name}/"):
                metadata[f"{name} by issue type"] = picture(curves_png(curves, name), name)
        metadata |= {name: value for name, value in facts(record).items() if name not in metadata}
        self._context.report_asset_materialization(metadata=metadata, data_version=record["identity"][:16])


def picture(png: bytes, what: str) -> dict[str, str]:
    """A picture as Markdown metadata, which carries it along."""
    return {"raw_value": f"![{what} by step](data:image/png;base64,{base64.b64encode(png).decode()})", "type": "md"}


def is_main(env: Mapping[str, str]) -> bool:
    """Whether this is the process of a distributed run that writes and reports; a run of one process always is."""
    return env.get("RANK", "0") == "0"


@contextmanager
def reporter(env: Mapping[str, str]) -> Iterator[Reporter]:
    """The reporter that the environment asks for: Pipes, silent on all but the main process, or standard output."""
    if not is_main(env):
        yield SilentReporter()
    elif "DAGSTER_PIPES_CONTEXT" in env:
        from dagster_pipes import open_dagster_pipes

        with open_dagster_pipes() as context:
            yield PipesReporter(context)
    else:
        yield StdoutReporter()


def facts(record: Mapping[str, Any]) -> dict[str, Any]:
    """What a reader wants to know of a run, by name, nulls left out."""
    values = {
        "model": record["model_path"],
        "trainer": record["trainer"],
        "first loss": record["first_loss"],
        "final loss": record["final_loss"],
        "evaluation loss": record.get("eval_loss"),
        "steps": record["steps"],
        "tokens": record["tokens"],
        "seconds": record["seconds"],
        "tokens per second": record["tokens_per_second"],
        "model TFLOP/s": round(record["model_flops_per_second"] / 1e12, 3),
        "model FLOPs utilisation": record["model_flops_utilisation"],
        "examples": record["examples"],
        "padding": "none: packed" if record["plan"]["packed"] else "to the longest of a batch",
        "examples dropped as too long": record["dropped"],
        "device": record["device"],
        "git commit": record["git_commit"],
        "data sha256": " ".join(digest[:16] for digest in record["data_sha256"].values()),
    }
    return {name: value for name, value in values.items() if value is not None}
