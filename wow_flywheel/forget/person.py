"""What a lake holds of one person: their conversations, and what was made from them.

What belongs here: which rows of which table are theirs. What does not: deleting them (`erase`).

A row is theirs if it names them, names a conversation of theirs on its day, or was made from such a conversation: a rewrite
whose reply was first said there, the pair with that rewrite, and the dataset row with that pair. A line in quarantine is theirs
if it names such a conversation or holds their id in quotes. Each table is asked by the columns that it has, so a new table with
these columns is covered; a test sees to it that every other one is known to hold nobody.
"""

from dataclasses import dataclass, field, replace

import polars as pl

from wow_flywheel.contracts import TABLES, Contract
from wow_flywheel.conversations.redaction.placeholders import Redactor, pseudonym
from wow_flywheel.lake import Lake

NOBODYS = (
    "satisfaction_daily", "inspection_audit", "evaluations", "comparisons", "comparison_slices", "knowledge_ablation",
    "single_issue_dpo", "forgotten", "log_files", "calibration", "cycle_inputs", "policies_known",
)  # fmt: skip
"""Tables without a row of any one person: sums over many, tombstones, what is known of log files, and hashes."""


@dataclass(frozen=True, slots=True)
class Person:
    """A customer, and the names of their things.

    Attributes:
        user_ids: The id as it was given, and as ingestion stores it where it holds an e-mail or a phone number.
        conversations: `<dt>/<conversation_id>` of each of their conversations.
        conversation_ids: The same without the day.
        logged_ids: Of calls and traces in them.
        pair_ids: Preference pairs of theirs, or made with a reply from their conversations.
    """

    user_ids: tuple[str, ...]
    conversations: frozenset[str] = frozenset()
    conversation_ids: frozenset[str] = frozenset()
    pair_ids: frozenset[str] = field(default_factory=frozenset)
    logged_ids: frozenset[str] = frozenset()

    @property
    def ids(self) -> frozenset[str]:
        """By which feedback may name a conversation of theirs."""
        return self.conversation_ids | self.logged_ids

    def owns(self, contract: Contract) -> pl.Expr:
        """Which rows of a table are theirs: Boolean, never null."""
        found = [
            rule
            for columns, rule in (
                (("user_id",), pl.col("user_id").is_in(self.user_ids)),
                (("dt", "conversation_id"), _key().is_in(self.conversations)),
                (("of_dt", "of_conversation_id"), _key("of_").is_in(self.conversations)),
                (("source", "source_conversation_id"), self._said_by()),
                (("rated_conversation_id",), pl.col("rated_conversation_id").is_in(self.conversation_ids)),
                (("rated_ids",), pl.col("rated_ids").list.eval(pl.element().is_in(self.ids)).list.any()),
                (("pair_id",), pl.col("pair_id").is_in(self.pair_ids)),
                (("redacted_line",), self._quoted()),
            )
            if set(columns) <= set(contract.columns)
        ]
        return pl.any_horizontal(*(rule.fill_null(value=False) for rule in found)) if found else pl.lit(value=False)

    def is_subject(self, about: str) -> bool:
        """Whether a question to the endpoint was about a conversation of theirs, a turn of one (`<id>#3`), or a pair."""
        return about in self.pair_ids or about in self.conversation_ids or about.rpartition("#")[0] in self.conversation_ids

    def _said_by(self) -> pl.Expr:
        return (pl.col("source") == "good_case") & pl.col("source_conversation_id").is_in(self.conversation_ids)

    def _quoted(self) -> pl.Expr:
        return pl.any_horizontal(*(pl.col("redacted_line").str.contains(f'"{each}"', literal=True) for each in self.user_ids))


def find_person(lake: Lake, user_id: str) -> Person:
    """Everything in the lake that bears a person's name.

    Args:
        lake: The tables.
        user_id: As the logs have it, or as the table `conversations` does.
    """
    person = Person(forms(user_id))
    keys = [
        lake.scan(name).filter(person.owns(table)).select(_key().alias("key"), "conversation_id")
        for name, table in TABLES.items()
        if {"user_id", "dt", "conversation_id"} <= set(table.columns)
    ]
    found = pl.concat(keys).unique().collect()
    theirs = (
        lake.scan("conversations")
        .filter(person.owns(TABLES["conversations"]))
        .select(pl.col("logged_ids").explode().struct.field("id"))
    )
    called = frozenset(theirs.collect()["id"].drop_nulls())
    known = Person(person.user_ids, frozenset(found["key"]), frozenset(found["conversation_id"]), logged_ids=called)
    owns = known.owns(TABLES["preference_pairs"])
    pairs = lake.scan("preference_pairs").filter(owns).select("pair_id").collect()
    return replace(known, pair_ids=frozenset(pairs["pair_id"]))


def forms(user_id: str) -> tuple[str, ...]:
    """An id as it was given, and the pseudonym that ingestion gives it, if it does."""
    return tuple(dict.fromkeys((user_id, pseudonym(Redactor(), user_id))))


def _key(prefix: str = "") -> pl.Expr:
    return pl.format("{}/{}", pl.col(f"{prefix}dt").cast(pl.String), pl.col(f"{prefix}conversation_id"))
