"""Runs inside a run: the wheel starts `nightly` and `training_cycle` on its own instance and looks at how they ended.

What belongs here: starting a job in this process, and telling its failure plainly. What does not: what a turn is (`turn`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import dagster as dg

from wow_flywheel.defs.console import failure_message

PARENT_TAG = "wow/parent_run"


@dataclass(frozen=True, slots=True)
class SubRun:
    """How a sub-run ended.

    Attributes:
        run_id: Its id, under which the UI shows it.
        failures: Message by failed step, in the order in which they failed.
    """

    run_id: str
    failures: Mapping[str, str]


def run_job(context: dg.OpExecutionContext, name: str, partition_key: str) -> SubRun:
    """Run a job for one partition, in this process and on this instance.

    Args:
        context: Of the step that asks.
        name: The job.
        partition_key: Its partition, which exists.
    """
    from wow_flywheel.definitions import defs

    result = defs.resolve_job_def(name).execute_in_process(
        instance=context.instance,
        partition_key=partition_key,
        tags={PARENT_TAG: context.run_id},
        raise_on_error=False,
    )
    return SubRun(result.run_id, failures_of(result))


def failures_of(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    """Message by failed step of a run, in the order in which they failed; empty for a run that succeeded."""
    failed = {event.step_key or "run": failure_message(event) for event in result.all_events if event.is_step_failure}
    return failed if failed or result.success else {"run": "it failed before its first step"}


def require(name: str, partition_key: str, sub_run: SubRun) -> None:
    """Do nothing if the sub-run succeeded.

    Raises:
        dagster.Failure: It failed; the description names the sub-run, the step and its message.
    """
    if not sub_run.failures:
        return
    step, message = next(iter(sub_run.failures.items()))
    raise dg.Failure(
        description=f"{name} {partition_key} failed in run {sub_run.run_id}, step {step}: {message}",
        metadata={"sub-run": sub_run.run_id, "step": step},
        allow_retries=False,
    )
