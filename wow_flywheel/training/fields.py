"""Fields of a config: their range, default and source, and the checks that they give.

What belongs here: declaring and checking a field. What does not: which fields a trainer has (`config`), reading them from files
or flags (`options`).
"""

import dataclasses
import difflib
import math
from typing import Any

from wow_flywheel.errors import TrainingError


def option(
    text: str,
    default: Any = dataclasses.MISSING,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
) -> Any:
    """A config field.

    Args:
        text: What it means and where the default comes from; shown by `--help`.
        default: Its default; none makes the field required.
        low: The least value allowed.
        high: The greatest value allowed.
        choices: The values allowed.
    """
    return dataclasses.field(default=default, metadata={"help": text, "low": low, "high": high, "choices": choices})


def checked(config: type[Any], values: dict[str, Any]) -> dict[str, Any]:
    """The values, each of its field's type (an int may stand for a float).

    Raises:
        TrainingError: A field is unknown (with the closest name), missing, or of the wrong type.
    """
    fields = {field.name: field for field in dataclasses.fields(config)}
    for name in values:
        if name not in fields:
            close = difflib.get_close_matches(name, fields, n=1)
            raise TrainingError(
                f"{config.__name__} has no field {name!r}",
                hint=f"did you mean {close[0]!r}?" if close else f"its fields are {', '.join(fields)}",
            )
    for name, field in fields.items():
        if field.default is dataclasses.MISSING and name not in values:
            raise TrainingError(f"{config.__name__} needs {name}", hint=field.metadata["help"])
    return {name: _typed(fields[name], value) for name, value in values.items()}


def _typed(field: "dataclasses.Field[Any]", value: Any) -> Any:
    if field.type is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not field.type:
        expected = getattr(field.type, "__name__", field.type)
        raise TrainingError(f"{field.name}={value!r} is not of type {expected}", hint=field.metadata["help"])
    return value


def check(field: "dataclasses.Field[Any]", value: Any) -> None:
    low, high, choices = (field.metadata[key] for key in ("low", "high", "choices"))
    if choices and value not in choices:
        raise TrainingError(f"{field.name}={value!r} is not one of {', '.join(choices)}", hint=field.metadata["help"])
    if (
        (low is not None and value < low)
        or (high is not None and value > high)
        or (isinstance(value, float) and math.isnan(value))
    ):
        raise TrainingError(f"{field.name}={value!r} is out of range", hint=field.metadata["help"])
    if field.default is dataclasses.MISSING and not value:
        raise TrainingError(f"{field.name} is empty", hint=field.metadata["help"])
