"""What a contract is, and how a frame is held to it.

What belongs here: the checks of every write. What does not: which columns a table has (`conversations`, `labels`, `learning`).
"""

from dataclasses import dataclass, field
from enum import StrEnum

import polars as pl

from wow_flywheel.errors import ContractError


class Drift(StrEnum):
    """What happens to a column that the contract does not know."""

    EVOLVE = "evolve"
    """The column is added to the table."""
    FREEZE = "freeze"
    """The write is refused with a `ContractError`."""
    DISCARD = "discard_value"
    """The value is dropped; the row stays."""


@dataclass(frozen=True, slots=True)
class Contract:
    """What a table promises.

    Attributes:
        name: The table's name, also its folder under `WOW_LAKE_URI`.
        version: Raised when a reader can notice the change.
        grain: What one row is.
        columns: Polars type by column name, in the order of the table.
        required: Columns that are never null.
        key: Columns whose values together are unique within a partition; empty where rows may repeat.
        partition: The column by which a part of the table is replaced: `dt`, or `cycle`.
        drift: What happens to a column that the contract does not know.
    """

    name: str
    version: int
    grain: str
    columns: dict[str, pl.DataType | type[pl.DataType]]
    required: tuple[str, ...]
    key: tuple[str, ...] = ()
    partition: str = "dt"
    drift: Drift = Drift.FREEZE
    pattern: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Closed sets of values by column."""

    def empty(self) -> pl.DataFrame:
        """A frame of no rows with the table's columns."""
        return pl.DataFrame(schema=self.columns)

    def conform(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame with exactly the table's columns, in order and of the right types.

        Missing nullable columns are filled with nulls. Unknown columns follow the drift mode.

        Raises:
            ContractError: A required column is missing or has nulls, a type cannot be cast, a value is outside its closed
                set, a key repeats, or an unknown column meets the mode `freeze`.
        """
        unknown = [name for name in frame.columns if name not in self.columns]
        if unknown and self.drift is Drift.FREEZE:
            raise ContractError(
                f"table {self.name} v{self.version} does not know the columns {unknown}",
                hint="add them to its contract and raise the version, or drop them before the write",
            )
        absent = [name for name in self.columns if name not in frame.columns]
        filled = frame.with_columns(pl.lit(None).cast(self.columns[name]).alias(name) for name in absent)
        kept = [*self.columns, *(unknown if self.drift is Drift.EVOLVE else [])]
        try:
            shaped = filled.select(kept).cast(pl.Schema(self.columns))
        except pl.exceptions.PolarsError:
            shaped = None
        if shaped is None:  # outside the handler: Polars quotes values in its message, and a cause would show them
            raise ContractError(
                f"table {self.name} v{self.version}: a column has the wrong type: {self._misfits(filled)}",
                hint="cast or map it before the write",
            )
        self._check(shaped)
        return shaped

    def _misfits(self, frame: pl.DataFrame) -> str:
        """The columns that do not cast to their type, without their values."""
        said = []
        for name, dtype in self.columns.items():
            try:
                frame[name].cast(dtype)
            except pl.exceptions.PolarsError:
                said.append(f"{name} is {frame[name].dtype}, not {dtype}")
        return "; ".join(said)

    def _check(self, frame: pl.DataFrame) -> None:
        nulls = [name for name in self.required if frame[name].null_count()]
        if nulls:
            raise ContractError(
                f"table {self.name} v{self.version}: nulls in required columns {nulls}",
                hint="rows without these values belong in quarantine",
            )
        for column, allowed in self.pattern.items():
            strange = frame[column].drop_nulls().is_in(list(allowed)).not_().sum()
            if strange:
                raise ContractError(
                    f"table {self.name} v{self.version}: {strange} values of {column} are not among {list(allowed)}",
                    hint="map them before the write",
                )
        if self.key and frame.select(pl.struct(self.partition, *self.key).is_duplicated().any()).item():
            raise ContractError(
                f"table {self.name} v{self.version}: the key {list(self.key)} repeats",
                hint="keep one row a key before the write",
            )
