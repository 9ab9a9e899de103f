"""People's decisions about findings: adding one, and what they make of inspectors' claims.

What belongs here: the table `finding_decisions`, and which claim a decision is about. What does not: inspecting, labels.

A decision is about what is claimed, not about who claims it: an issue type at a turn, known by its quote. An inspector that
runs again may quote more or less of the same words, so quotes match if one contains the other. The latest decision wins, and a
rerun asks for it again: it holds for good.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from wow_flywheel.cases.decisions import case, conversation
from wow_flywheel.cases.typed import note as as_note
from wow_flywheel.cases.typed import who
from wow_flywheel.contracts import FINDING_DECISIONS, INSPECTIONS
from wow_flywheel.errors import DecisionError
from wow_flywheel.lake import Lake

HOLDS: Final = ("accepted", "rejected")
Row = Mapping[str, Any]
Place = tuple[str, int, str]
"""Conversation, turn, issue type."""


@dataclass(frozen=True, slots=True)
class FindingDecisions:
    """What people decided about findings of one day, newest first at each place."""

    _by_place: Mapping[Place, list[Row]]

    @classmethod
    def of(cls, decisions: pl.DataFrame) -> "FindingDecisions":
        """From rows of one day, contract `finding_decisions`."""
        by_place: dict[Place, list[Row]] = {}
        for row in decisions.sort("decided_at", descending=True, maintain_order=True).iter_rows(named=True):
            by_place.setdefault((row["conversation_id"], row["turn"], row["issue_type"]), []).append(row)
        return cls(by_place)

    def on(self, conversation_id: str, turn: int, issue_type: str, quote: str) -> Row | None:
        """The latest decision about a finding; None if nobody decided."""
        return next(self.all_on(conversation_id, turn, issue_type, quote), None)

    def all_on(self, conversation_id: str, turn: int, issue_type: str, quote: str) -> Iterator[Row]:
        """All decisions about a finding, the newest first."""
        rows = self._by_place.get((conversation_id, turn, issue_type), [])
        return (row for row in rows if same_words(row["quote"], quote))


def same_words(one: str, other: str) -> bool:
    """Whether two quotes of one turn are about the same words."""
    return one in other or other in one


def decided(inspections: pl.DataFrame, decisions: pl.DataFrame) -> pl.DataFrame:
    """Claims with people's latest decisions on them; contract `inspections`.

    Args:
        inspections: Contract `inspections`, one day.
        decisions: Contract `finding_decisions`, the same day.
    """
    if decisions.is_empty() or inspections.is_empty():
        return inspections
    by_people = FindingDecisions.of(decisions)
    return INSPECTIONS.conform(
        pl.DataFrame([_with_decision(row, by_people) for row in inspections.iter_rows(named=True)], schema=inspections.schema)
    )


def adjudicated(inspections: pl.DataFrame) -> pl.DataFrame:
    """Claims as evidence and panel decided them, as if no person had: what calibration measures and triage learns from."""
    none = pl.lit(None, pl.String)
    return inspections.with_columns(decision=pl.coalesce("adjudication", "decision"), adjudication=none, decided_by=none)


def decide_finding(
    lake: Lake,
    day: dt.date,
    conversation_id: str,
    finding: tuple[int, str, str],
    decision: str,
    by: str,
    note: str,
    now: dt.datetime,
) -> pl.DataFrame:
    """Add a person's decision about one finding; see `finding_decision`."""
    row = finding_decision(lake, day, conversation_id, finding, decision, by, note, now)
    lake.append("finding_decisions", row)
    return row


def finding_decision(
    lake: Lake,
    day: dt.date,
    conversation_id: str,
    finding: tuple[int, str, str],
    decision: str,
    by: str,
    note: str,
    now: dt.datetime,
) -> pl.DataFrame:
    """A person's decision about one finding, checked and not yet added.

    Args:
        lake: The tables.
        day: The conversation's day.
        conversation_id: The conversation; it must have a case on that day.
        finding: Turn, issue type and quote, of a claim that some inspector made.
        decision: `accepted` or `rejected`.
        by: The person who decides.
        note: Why; may be empty.
        now: When, with a timezone.

    Returns:
        The row for `finding_decisions`.

    Raises:
        DecisionError: There is no such claim, or the decision is none.
    """
    case(lake, day, conversation_id)
    turn, issue_type, quote = finding
    if decision not in HOLDS:
        raise DecisionError(f"{decision!r} decides nothing about a finding", hint=f"use one of {list(HOLDS)}")
    if not any(claims_at(lake, day, conversation_id, turn, issue_type, quote)):
        raise DecisionError(
            f"no inspector claims {issue_type} at turn {turn} of {conversation_id!r} by these words",
            hint="the day was inspected again since: open the case again",
        )
    row = {
        "dt": day,
        "conversation_id": conversation_id,
        "turn": turn,
        "issue_type": issue_type,
        "quote": quote,
        "decision": decision,
        "decided_by": who(by),
        "decided_at": now,
        "note": as_note(note, conversation(lake, day, conversation_id)),
    }
    return pl.DataFrame([row], schema=FINDING_DECISIONS.columns)


def claims_at(lake: Lake, day: dt.date, conversation_id: str, turn: int, issue_type: str, quote: str) -> Iterable[str]:
    """The inspectors that claim a finding."""
    here = (pl.col("dt") == day) & (pl.col("conversation_id") == conversation_id)
    place = (pl.col("turn") == turn) & (pl.col("issue_type") == issue_type)
    claims = lake.scan("inspections").filter(here, place).select("inspector", "quote").collect()
    return (who for who, words in claims.iter_rows() if same_words(words, quote))


def _with_decision(row: dict[str, Any], by_people: FindingDecisions) -> dict[str, Any]:
    found = by_people.on(row["conversation_id"], row["turn"], row["issue_type"], row["quote"])
    return row if found is None else row | overruled(row["adjudication"] or row["decision"], found)


def overruled(adjudication: str, found: Row) -> dict[str, Any]:
    """The fields of a claim that a person's decision sets; what was adjudicated is kept beside it."""
    words = f": {found['note']}" if found["note"] else ""
    return {
        "decision": found["decision"],
        "adjudication": adjudication,
        "decided_by": found["decided_by"],
        "decision_reason": f"{found['decided_by']} {found['decision']} it{words}",
    }
