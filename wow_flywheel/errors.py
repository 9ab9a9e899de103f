"""The error tree of the project: what went wrong, where, and what to do about it.

What belongs here: exception classes that more than one stage raises or that an operator sees. What does not: handling.

    FlywheelError
    ├── PermanentError      trying again cannot help; a person has to change something
    │   ├── SettingsError       an environment variable is missing or malformed
    │   ├── ContractError       data breaks a table's contract
    │   ├── SourceError         a log source cannot be listed or opened
    │   ├── VaultError          the vault has no such entry
    │   ├── QueryError          a file under sql/ is malformed, or does not run
    │   ├── DecisionError       a person decided about a case that is not there
    │   ├── DatasetError        a dataset cannot be built as asked (too few rows, a leak)
    │   ├── TrainingError       a trainer refused its config or its run went wrong
    │   ├── ReleaseError        a release is missing, incomplete or refused
    │   └── EndpointRefused     the LLM endpoint said no for good (401, 403, 404, 400)
    └── RetryableError      the same call may succeed later
        ├── EndpointUnavailable the LLM endpoint is down, slow or over its limit
        └── StorageUnavailable  an object store does not answer

Every error carries a `hint`: one sentence that tells an operator what to do next. No error message carries a log line's
content: before redaction nothing of it may leave the reader.
"""


class FlywheelError(Exception):
    """Base of all errors raised on purpose by this project.

    Args:
        message: What happened and where, in one sentence, without any content of a log line.
        hint: What to do about it, in one sentence.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} → {self.hint}" if self.hint else self.message


class PermanentError(FlywheelError):
    """Trying again cannot help: an operator has to change something first."""


class RetryableError(FlywheelError):
    """The same call may succeed later, so a bounded retry is worth it."""


class SettingsError(PermanentError):
    """An environment variable is missing or malformed; the message names it."""


class ContractError(PermanentError):
    """Data breaks a table's contract (a column missing, a wrong type, a null where none may be)."""


class SourceError(PermanentError):
    """A log source cannot be listed or opened."""


class VaultError(PermanentError):
    """The vault has no entry for what is asked, or several."""


class QueryError(PermanentError):
    """A file under `sql/` is malformed or does not run; the message names the file."""


class DecisionError(PermanentError):
    """A person's decision names a conversation that has no case, an unknown label, or nobody."""


class DatasetError(PermanentError):
    """A dataset cannot be built as asked."""


class TrainingError(PermanentError):
    """A trainer refused its config, or a run went wrong in a way that a retry repeats."""


class ReleaseError(PermanentError):
    """A release is missing, incomplete or refused."""


class EndpointRefused(PermanentError):
    """The LLM endpoint refused for good: a wrong key, an unknown model, a request that it cannot read."""


class EndpointUnavailable(RetryableError):
    """The LLM endpoint is down, slow or over its rate limit, and the bounded retries are used up."""


class StorageUnavailable(RetryableError):
    """An object store did not answer within the bounded retries."""
