"""How the project's errors look in Dagster: one plain message that says what to do, and no retry of what cannot succeed.

What belongs here: the translation and the retry policy. What does not: the errors themselves (`wow_flywheel.errors`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import dagster as dg

from wow_flywheel.errors import FlywheelError, RetryableError

RETRY: Final = dg.RetryPolicy(max_retries=2, delay=10, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)
"""For steps that talk to an endpoint or an object store: two more attempts, after about 10 and 20 seconds."""


@contextmanager
def plain_failures() -> Iterator[None]:
    """Turn the project's errors into a step failure whose description is the message and its hint.

    Raises:
        dagster.Failure: Retried by the step's policy only if the error is a `RetryableError`.
    """
    try:
        yield
    except FlywheelError as error:
        raise dg.Failure(
            description=str(error),
            metadata={"error": type(error).__name__, "what to do": error.hint or "see the message"},
            allow_retries=isinstance(error, RetryableError),
        ) from error
