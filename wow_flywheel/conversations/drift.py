"""The contract of a log record, and what becomes of a field that does not keep to it: its drift mode, column by column.

What belongs here: the modes, their setting, and applying one to a value. What does not: what each field must be (`record`,
`messages`). The version is raised when a reader of logs can notice a change.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Final, TypeVar

from wow_flywheel.contracts import Drift
from wow_flywheel.conversations.fields import BrokenRecordError
from wow_flywheel.errors import SettingsError

T = TypeVar("T")
VERSION: Final = 3
SETTING: Final = "WOW_LOG_DRIFT"
OTHERS: Final = "others"
"""Stands for the fields of a record, of its messages and of its feedback that the contract does not know."""
TEXTS: Final = ("channel", "scenario", "locale", "model", "action")
OPTIONAL: Final = (*TEXTS, "feedback", "created_at", "usage", OTHERS)
"""What may drift; ids, times and messages are always frozen, since nothing can be done without them."""


@dataclass(frozen=True, slots=True)
class LogContract:
    """What becomes of values that the contract does not expect.

    freeze: the line is quarantined. discard_value: the value is dropped, and counted. evolve: a text column keeps the value as
    JSON text; other fields are kept, redacted, as JSON in the column `extra`.

    Attributes:
        modes: By column of `OPTIONAL`; without one a column is frozen, and other fields are discarded.
    """

    modes: Mapping[str, Drift] = field(default_factory=dict)

    def mode(self, column: str) -> Drift:
        """The mode of a column."""
        return self.modes.get(column, Drift.DISCARD if column == OTHERS else Drift.FREEZE)

    def settle(self, column: str, raw: Any, read: Callable[[], T], drifted: list[str]) -> T | str | None:
        """A field's value, or what its column's mode makes of one that does not fit.

        Args:
            column: Of `OPTIONAL`.
            raw: As logged.
            read: Reads it.
            drifted: Is told of a column that does not fit.

        Raises:
            BrokenRecordError: It does not fit, and the column is frozen.
        """
        try:
            return read()
        except BrokenRecordError:
            mode = self.mode(column)
            if mode is Drift.FREEZE:
                raise
            drifted.append(column)
            return json.dumps(raw) if mode is Drift.EVOLVE else None


def read_contract(text: str) -> LogContract:
    """The contract that `WOW_LOG_DRIFT` asks for, such as `locale=discard_value,others=evolve`.

    Raises:
        SettingsError: A column or a mode is unknown, or they do not go together.
    """
    modes: dict[str, Drift] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        column, _, mode = (piece.strip() for piece in part.partition("="))
        if column not in OPTIONAL:
            meant = get_close_matches(column, OPTIONAL, 1)
            guess = f"; did you mean {meant[0]}?" if meant else ""
            raise SettingsError(f"{SETTING} names the column {column!r}", hint=f"the columns are {', '.join(OPTIONAL)}{guess}")
        if mode not in {each.value for each in Drift}:
            raise SettingsError(f"{SETTING} gives {column} the mode {mode!r}", hint=f"the modes are {', '.join(Drift)}")
        if mode == Drift.EVOLVE and column not in {*TEXTS, OTHERS}:
            raise SettingsError(f"{SETTING}: {column} cannot evolve", hint=f"{', '.join((*TEXTS, OTHERS))} can")
        modes[column] = Drift(mode)
    return LogContract(modes)
