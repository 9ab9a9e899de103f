"""Calls of a model that are plainly well formed, many at once: no Python per line.

What belongs here: running the formats' files under `sql/ingest/` on a block of lines. What does not: which JSON types are
covered (`call_structures`); linking calls to conversations (`chains`); the lines that are not plain, which go to the careful
`readers`.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

from wow_flywheel.contracts import TIMESTAMP
from wow_flywheel.conversations.lines import Block
from wow_flywheel.conversations.plain import lines_table
from wow_flywheel.conversations.readers.scores import DOWN, UP
from wow_flywheel.conversations.redaction.names import names_in_document
from wow_flywheel.conversations.structures import REMEMBERED, fits, transform
from wow_flywheel.queries import Parameter, Session, load

MESSAGE: Final = pl.Struct(
    {
        "role": pl.String,
        "content": pl.String,
        "tool_calls": pl.List(pl.Struct({"id": pl.String, "name": pl.String, "arguments": pl.String})),
        "tool_call_id": pl.String,
    }
)
CALLS: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "place": pl.Int64,
    "plain": pl.Boolean,
    "is_call": pl.Boolean,
    "call_id": pl.String,
    "started": TIMESTAMP,
    "ended": TIMESTAMP,
    "session": pl.String,
    "customer": pl.String,
    "model": pl.String,
    "scenario": pl.String,
    "usage": pl.Struct({"prompt_tokens": pl.Int64, "completion_tokens": pl.Int64}),
    "feedback": pl.Struct({"thumb": pl.String, "score": pl.Float64, "comment": pl.String}),
    "system": pl.List(MESSAGE),
    "said": pl.List(MESSAGE),
    "length": pl.Int64,
    "full": pl.UInt64,
    "parent": pl.UInt64,
    "opening": pl.UInt64,
    "instructions": pl.UInt64,
    "trace": pl.String,
}
"""One call: `said` is what its request repeats, without leading system messages, and its reply; see `sql/ingest`."""


@dataclass(slots=True)
class PlainCalls:
    """Reads blocks of calls; one for all blocks of a day.

    Args:
        name: The format, and the file under `sql/ingest/`: `openai_calls`.
        expected: The JSON types that are covered.
        personal: Dotted paths of fields that name the customer; a line that has one is not plain.
    """

    name: str
    expected: dict[str, Any]
    personal: Sequence[str] = ()
    _known: dict[str, bool] = field(default_factory=dict)
    _session: Session = field(default_factory=lambda: Session({}))

    def read(self, block: Block) -> pl.DataFrame:
        """One row a line, in order, with the columns of `CALLS`, which mean something only where `plain`."""
        self._session.put("lines", lines_table(block))
        rows = self._session.run(load(f"ingest/{self.name}"), self._parameters())
        covered = rows["structure"].is_in([each for each in rows["structure"].unique() if each and self._covers(each)])
        return rows.with_columns(pl.col("plain") & covered).select(list(CALLS)).cast(pl.Schema(CALLS))

    def _covers(self, structure: str) -> bool:
        if structure not in self._known:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            found = json.loads(structure)
            self._known[structure] = fits(found, self.expected) and not self._names(found)
        return self._known[structure]

    def _names(self, structure: Any) -> bool:
        """Whether a line of this structure may name its customer, but for attributes, at which the SQL looks."""
        return any(each != "NULL" for each in names_in_document(structure, self.personal))

    def _parameters(self) -> dict[str, Parameter]:
        """The types to read, and what `conversations.redaction.names` and `conversations.readers.scores` know."""
        shared: dict[str, Parameter] = {"record_structure": json.dumps(transform(self.expected))}
        if self.personal:
            shared["names"] = _naming(self.personal)
        if self.name == "openai_calls":
            shared["up"], shared["down"] = [*sorted(UP)], [*sorted(DOWN)]
        elif self.personal:
            shared["personal"] = list(self.personal)
        return shared


def _naming(personal: Sequence[str]) -> str:
    """What JSON text has that may name its customer at one of these paths, where its structure does not tell: a pattern."""
    alone = {path for path in personal if "." not in path}
    holders = {path.split(".")[0] for path in personal if "." in path and path.rpartition(".")[2] not in alone}
    paths, objects = ("|".join(map(re.escape, sorted(each))) for each in (set(personal), holders))
    patterns = [rf'"(?:{paths})"\s*:', rf'"key"\s*:\s*"(?:{paths})"']
    return "|".join([*patterns, *([rf'"(?:{objects})"\s*:\s*[\[{{]'] if objects else [])])
