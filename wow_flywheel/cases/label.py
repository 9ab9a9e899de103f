"""The case rules: Good, Bad, Failed, Review, each with the reasons that decided it.

What belongs here: the rules and their thresholds. What does not: evidence, which inspection and satisfaction give. A person's
decision always wins.
"""

from dataclasses import dataclass
from typing import Final

import polars as pl

from wow_flywheel.cases.decisions import latest
from wow_flywheel.contracts import CASES, SEVERITIES

BY_RULES = "rules"
VERSION: Final = "3"
"""Raised when equal evidence gets another label. Since 2, Good needs `proven` where tools are used, and a high risk that the
triage has learned withholds it; since 3 that risk heeds the evidence's own verdict, and 0.3 of it withholds."""

TOOLS_ARE_USED: Final = 0.5
"""Share of a scenario's conversations of the day with a tool call, from which on a solved demand would have left a trace."""


@dataclass(frozen=True, slots=True)
class CaseRules:
    """Where scores become labels.

    Attributes:
        solved: Solved from this solved_score on.
        proven: Good only from this one on, in a scenario that uses tools: below it, thanks are all that speaks for it. Chosen
            on STAR and tau, see docs/labelling/calibration.md.
        unsolved_risk: Good only below this risk, where the triage has learned one from people's decisions; chosen there too.
        failed: Not solved below this one; between the two a person decides.
        satisfied: Satisfied from this satisfied_score on.
        dissatisfied: Dissatisfied up to this one.
        confidence: Below it a person decides.
        severity: Accepted findings count from this severity on.
    """

    solved: float = 0.6
    proven: float = 0.75
    unsolved_risk: float = 0.3
    failed: float = 0.45
    satisfied: float = 0.65
    dissatisfied: float = 0.35
    confidence: float = 0.4
    severity: str = "major"

    @property
    def severe(self) -> list[str]:
        """The severities that count."""
        return list(SEVERITIES[SEVERITIES.index(self.severity) :])


def label(
    conversations: pl.DataFrame,
    satisfaction: pl.DataFrame,
    inspections: pl.DataFrame,
    verdicts: pl.DataFrame,
    decisions: pl.DataFrame,
    rules: CaseRules | None = None,
    triage: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Label a day's conversations.

    Good: solved and proven so, satisfied, and no accepted severe finding. Bad: solved, and dissatisfied or with such a finding.
    Failed: not solved. Review: the evidence disagrees or is weak. A high learned risk that it was not solved withholds Good,
    and makes no other label. The latest decision of a person wins over all of it. The customer's own rating, where there is
    one, is the satisfied_score; without a rating the verdict's counts, which weighs the signals.

    Args:
        conversations: Contract `conversations`, one day.
        satisfaction: Contract `satisfaction`, the same day.
        inspections: Contract `inspections`, the same day.
        verdicts: Contract `verdicts`, the same day.
        decisions: Contract `decisions`, any days.
        rules: The thresholds.
        triage: Contract `triage`, the same day; None, or a risk that is null, withholds nothing.

    Returns:
        Contract `cases`, one row a conversation, with at least one reason each.
    """
    thresholds = rules or CaseRules()
    rows = (
        conversations.select("dt", "conversation_id", "user_id", "scenario")
        .join(verdicts.drop("dt", "scenario"), on="conversation_id", how="left")
        .join(_signals(satisfaction), on="conversation_id", how="left")
        .join(_severe_findings(inspections, thresholds), on="conversation_id", how="left")
        .join(latest(decisions), on=["dt", "conversation_id"], how="left")
        .join(_tools(conversations), on="conversation_id", how="left")
        .join(_risks(triage), on="conversation_id", how="left")
        .with_columns(
            pl.col("solved_score").fill_null(0.5),
            pl.when("explicit")
            .then("signal_score")
            .otherwise(pl.coalesce("satisfied_score", "signal_score", 0.5))
            .alias("satisfied_score"),
            pl.col("confidence").fill_null(0.0),
            pl.col("findings", "issue_types", "signals", "failures").fill_null([]),
        )
    )
    doubted = rows.with_columns(doubts=_doubts(thresholds), withheld=_withheld(thresholds))
    by_rules = doubted.with_columns(ruled=_ruled(thresholds), why=_why(thresholds))
    return CASES.conform(
        by_rules.select(
            "dt",
            "conversation_id",
            "user_id",
            "scenario",
            pl.coalesce("decided_label", "ruled").alias("label"),
            pl.concat_list(_decided_reason(), pl.col("why")).list.drop_nulls().alias("reasons"),
            "solved_score",
            "satisfied_score",
            pl.col("issue_types").list.unique().list.sort(),
            pl.coalesce("decided_by", pl.lit(BY_RULES)).alias("decided_by"),
        ).sort("conversation_id")
    )


def _signals(satisfaction: pl.DataFrame) -> pl.DataFrame:
    return satisfaction.select("conversation_id", "explicit", signals="reasons", signal_score="satisfied_score")


def _severe_findings(inspections: pl.DataFrame, rules: CaseRules) -> pl.DataFrame:
    accepted = inspections.filter(pl.col("decision") == "accepted", pl.col("severity").is_in(rules.severe))
    sentence = pl.format("accepted {} ({}) at turn {} by {}", "issue_type", "severity", "turn", "inspector")
    return (
        accepted.sort("turn", "inspector")
        .group_by("conversation_id")
        .agg("issue_type", findings=sentence)
        .rename({"issue_type": "issue_types"})
    )


def _ruled(rules: CaseRules) -> pl.Expr:
    solved = pl.col("solved_score") >= rules.solved
    severe = pl.col("findings").list.len() > 0
    dissatisfied = pl.col("satisfied_score") <= rules.dissatisfied
    satisfied = pl.col("satisfied_score") >= rules.satisfied
    return (
        pl.when(pl.col("doubts").list.len() > 0)
        .then(pl.lit("review"))
        .when(pl.col("solved_score") < rules.failed)
        .then(pl.lit("failed"))
        .when(solved & (severe | dissatisfied))
        .then(pl.lit("bad"))
        .when(solved & satisfied & (pl.col("withheld").list.len() == 0))
        .then(pl.lit("good"))
        .otherwise(pl.lit("review"))
    )


def _doubts(rules: CaseRules) -> pl.Expr:
    """Why the evidence cannot be trusted, in plain words: any one of these sends the case to a person."""
    rated_good = pl.col("explicit").fill_null(value=False) & (pl.col("satisfied_score") >= rules.satisfied)
    doubts = (
        (pl.col("inspected_by").is_null(), pl.lit("not inspected")),
        (pl.col("confidence") < rules.confidence, pl.format("low confidence {}", pl.col("confidence").round(2))),
        (pl.col("failures").list.len() > 0, pl.format("inspection failed: {}", pl.col("failures").list.join(", "))),
        (rated_good & (pl.col("solved_score") < rules.failed), pl.lit("the customer rated it good, but it seems unsolved")),
    )
    return pl.concat_list(*(pl.when(doubt).then(reason) for doubt, reason in doubts)).list.drop_nulls()


def _withheld(rules: CaseRules) -> pl.Expr:
    """Why a case that looks good is not taken for one: people look at it first."""
    good = (pl.col("solved_score") >= rules.solved) & (pl.col("satisfied_score") >= rules.satisfied)
    unproven = good & pl.col("tools_used") & (pl.col("solved_score") < rules.proven)
    risky = good & (pl.col("unsolved_risk") >= rules.unsolved_risk)
    parts = (
        (unproven, pl.lit(f"no tool result proves it: Good needs solved_score {rules.proven:g} where tools are used")),
        (risky, pl.format("the triage has learned an unsolved risk of {}", pl.col("unsolved_risk").round(2))),
    )
    return pl.concat_list(*(pl.when(part.fill_null(value=False)).then(reason) for part, reason in parts)).list.drop_nulls()


def _tools(conversations: pl.DataFrame) -> pl.DataFrame:
    """Whether at least half of the day's conversations of its scenario call a tool."""
    calls = pl.col("messages").list.eval(pl.element().struct.field("tool_calls").list.len() > 0).list.any()
    share = calls.fill_null(value=False).mean().over("scenario")
    return conversations.select("conversation_id", tools_used=share >= TOOLS_ARE_USED)


def _risks(triage: pl.DataFrame | None) -> pl.DataFrame:
    schema = {"conversation_id": pl.String, "unsolved_risk": pl.Float64}
    return pl.DataFrame(schema=schema) if triage is None else triage.select(list(schema))


def _why(rules: CaseRules) -> pl.Expr:
    unclear = pl.col("solved_score").is_between(rules.failed, rules.solved, closed="left")
    lukewarm = pl.col("satisfied_score").is_between(rules.dissatisfied, rules.satisfied, closed="none")
    return pl.concat_list(
        pl.format("solved_score {} from {}", pl.col("solved_score").round(2), pl.col("inspected_by").fill_null("nothing")),
        pl.format("satisfied_score {}", pl.col("satisfied_score").round(2)),
        pl.when(pl.col("signals").list.len() > 0)
        .then(pl.format("customer: {}", pl.col("signals").list.join(", ")))
        .otherwise(pl.lit("customer: no satisfaction signal")),
        pl.when(unclear).then(pl.lit("whether it was solved is unclear")),
        pl.when(lukewarm).then(pl.lit("neither satisfied nor dissatisfied")),
        pl.col("doubts"),
        pl.col("withheld"),
        pl.col("findings"),
    )


def _decided_reason() -> pl.Expr:
    note = pl.when(pl.col("decided_note").fill_null("") != "").then(pl.format(": {}", "decided_note")).otherwise(pl.lit(""))
    return pl.when(pl.col("decided_label").is_not_null()).then(pl.format("decided by {}{}", "decided_by", note))
