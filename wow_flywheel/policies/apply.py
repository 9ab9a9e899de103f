"""What each conversation was to follow, for those that judge it: its scenario, and the policies that applied.

What belongs here: reading the table `policy_matches`. What does not: making it (`recognise`), judging by it (`rules`,
`inspection`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from wow_flywheel.policies.recognise import LEAST, UNKNOWN
from wow_flywheel.policies.units import Policy

SURE: Final = 0.5
"""Confidence from which on a recognised scenario takes the place of one that the log does not name: from here on it is likelier
right than wrong."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What one conversation was to follow.

    Attributes:
        scenario: The log's; where it names none, the recognised one, or `unknown` where none is sure enough.
        policies: Those in force at its time that govern its scenario, best match first; none where none applied.
    """

    scenario: str
    policies: tuple[Policy, ...]


def names_none() -> pl.Expr:
    """True where a log names no scenario: it has none, an empty one, or `unknown`."""
    return pl.col("scenario").fill_null("").str.strip_chars().str.to_lowercase().is_in(["", UNKNOWN])


def with_scenarios(conversations: pl.DataFrame, matches: pl.DataFrame) -> pl.DataFrame:
    """Conversations with the recognised scenario where the log names none and one is sure enough; the others as they are.

    Args:
        conversations: Contract `conversations`.
        matches: Contract `policy_matches`.
    """
    sure = matches.filter(pl.col("rank") == 1, pl.col("confidence") >= SURE)
    best = sure.select("conversation_id", "recognised").unique("conversation_id")
    joined = conversations.join(best, on="conversation_id", how="left", maintain_order="left")
    scenario = pl.when(names_none()).then(pl.coalesce("recognised", "scenario")).otherwise("scenario")
    return joined.with_columns(scenario=scenario).drop("recognised")


def applied(conversations: pl.DataFrame, matches: pl.DataFrame, policies: Sequence[Policy]) -> dict[str, Applied]:
    """What each conversation was to follow, by its id.

    Where the log names a scenario only the policies that govern that one apply; else each that was matched with a confidence of
    at least `LEAST`.

    Args:
        conversations: Contract `conversations`.
        matches: Contract `policy_matches` of these conversations.
        policies: All policies, in all versions.
    """
    versions = {(policy.policy_id, policy.version): policy for policy in policies}
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in matches.sort("conversation_id", "rank", "policy_id").iter_rows(named=True):
        found.setdefault(row["conversation_id"], []).append(row)
    named = conversations.select("conversation_id", log=pl.when(names_none().not_()).then("scenario"))
    scenarios = with_scenarios(conversations, matches).select("conversation_id", pl.col("scenario").fill_null(UNKNOWN))
    return {
        key: Applied(scenario, _policies(log, found.get(key, []), versions))
        for key, log, scenario in named.join(scenarios, on="conversation_id", maintain_order="left").iter_rows()
    }


def origins(conversations: pl.DataFrame, matches: pl.DataFrame) -> dict[str, int]:
    """How many conversations got their scenario from where, for people."""
    none = names_none()
    unnamed = conversations.filter(none).height
    left = with_scenarios(conversations, matches).filter(none).height
    return {
        "scenario named by the log": conversations.height - unnamed,
        "scenario by recognition": unnamed - left,
        "no scenario": left,
    }


def _policies(
    log: str | None, rows: Sequence[Mapping[str, Any]], versions: Mapping[tuple[str, str], Policy]
) -> tuple[Policy, ...]:
    fit = [row for row in rows if (row["recognised"] == log if log is not None else row["confidence"] >= LEAST)]
    ids = [(row["policy_id"], row["policy_version"]) for row in fit]
    return tuple(versions[each] for each in dict.fromkeys(ids) if each in versions)
