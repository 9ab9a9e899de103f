"""How the project's errors look in Dagster: one plain message that says what to do, and no retry of what cannot succeed.

What belongs here: the translation and the retry policy. What does not: the errors themselves (`wow_flywheel.errors`).

The policy is applied here and not given to the assets, where Dagster would also repeat what fails through a defect of the code.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

import dagster as dg

from wow_flywheel.errors import FlywheelError, RetryableError

RETRY: Final = dg.RetryPolicy(max_retries=2, delay=10, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)
"""For an endpoint or an object store that does not answer: two more attempts, after about 10 and 30 seconds."""

Context = dg.AssetExecutionContext | dg.OpExecutionContext | dg.AssetCheckExecutionContext


@contextmanager
def plain_failures(context: Context) -> Iterator[None]:
    """Turn the project's errors into a step failure whose description is the message and its hint.

    Args:
        context: Of the step.

    Raises:
        dagster.Failure: The error is permanent.
        dagster.RetryRequested: The error is a `RetryableError`; after the last retry the step fails with the same message.
    """
    try:
        yield
    except FlywheelError as error:
        failure = dg.Failure(
            description=str(error),
            metadata={"error": type(error).__name__, "what to do": error.hint or "see the message"},
            allow_retries=False,
        )
        if not isinstance(error, RetryableError):
            raise failure from error
        context.log.warning("%s", error)
        pause = RETRY.calculate_delay(context.op_execution_context.retry_number + 1)
        raise dg.RetryRequested(max_retries=RETRY.max_retries, seconds_to_wait=pause) from failure


def reported(results: Iterable[dg.AssetCheckResult], what_to_do: str) -> Iterator[dg.AssetCheckResult]:
    """Report check results, then fail the step in plain words if one of severity ERROR did not pass.

    Dagster by itself would fail it too, but with a stack and the check's name alone.

    Args:
        results: Those of severity ERROR block what comes after the step.
        what_to_do: For the person who reads the failure.

    Raises:
        dagster.Failure: A result of severity ERROR did not pass; the description is what it says.
    """
    refused = []
    for result in results:
        yield result
        if not result.passed and result.severity is dg.AssetCheckSeverity.ERROR:
            refused.append(result.description or str(result.check_name))
    if refused:
        raise dg.Failure(
            description=f"{'; '.join(refused)} → {what_to_do}", metadata={"what to do": what_to_do}, allow_retries=False
        )
