"""Recall and precision of rules, evidence inspectors and panel, by issue type and language, on planted defects.

What belongs here: who claims what on planted conversations, and the rows of the table `calibration`. What does not: planting
(`plant`), what people decided (`people`).
"""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from wow_flywheel.cases.satisfaction import signals
from wow_flywheel.contracts import CALIBRATION, CONVERSATIONS, ISSUE_TYPES
from wow_flywheel.evaluation.intervals import wilson
from wow_flywheel.inspection.calibration.plant import Planted
from wow_flywheel.inspection.run import inspect
from wow_flywheel.policies.apply import Applied
from wow_flywheel.policies.recognise import UNKNOWN
from wow_flywheel.policies.units import Policy
from wow_flywheel.rules.engine import find
from wow_flywheel.rules.overrides import NONE, Overrides

if TYPE_CHECKING:
    from wow_flywheel.inspection.panel import Panel

LAYERS = ("rules", "evidence", "panel")
ALL = "*"
CLAIMS = {"conversation_id": pl.String, "issue_type": pl.String, "turn": pl.Int64, "layer": pl.String, "name": pl.String}


def claims_on(
    planted: Planted,
    *,
    knowledge: pl.DataFrame,
    procedures: pl.DataFrame,
    panel: "Panel | None" = None,
    say: Callable[[str], None] = lambda _: None,
    overrides: Overrides = NONE,
    policies: Sequence[Policy] = (),
) -> pl.DataFrame:
    """Everything that is claimed about planted and clean conversations; `say` is told the panel's plan before it is asked.

    Args:
        planted: What was planted.
        knowledge: Columns unit_id, title, content.
        procedures: Columns policy_id, scenario, reply_id, text, next_reply_id.
        panel: None leaves it out.
        overrides: What differs from the rules' headers: the rules are measured as they run.
        policies: Units that apply to every conversation, whatever its scenario; none leaves `applied` open.

    Returns:
        conversation_id, issue_type, turn, layer (rules, evidence or panel), name (the rule's id, or the inspector).
    """
    rows = planted.conversations
    findings = find(rows, knowledge, procedures, overrides)
    done = inspect(
        rows,
        rule_findings=findings,
        satisfaction=signals(rows, CONVERSATIONS.empty()),
        knowledge=knowledge,
        procedures=procedures,
        panel=panel,
        say=say,
        applied=_applied(rows, policies) if policies else None,
    )
    accepted = done.inspections.filter(pl.col("decision") == "accepted")
    layer = pl.when(pl.col("kind") == "llm").then(pl.lit("panel")).otherwise(pl.lit("evidence"))
    by_rules = findings.select("conversation_id", "issue_type", "turn", layer=pl.lit("rules"), name="rule_id")
    by_inspectors = accepted.select("conversation_id", "issue_type", "turn", layer=layer, name="inspector")
    both: pl.DataFrame = pl.concat([by_rules, by_inspectors]).cast(pl.Schema(CLAIMS))
    return both


def _applied(rows: pl.DataFrame, policies: Sequence[Policy]) -> dict[str, Applied]:
    names = rows.select("conversation_id", pl.col("scenario").fill_null(UNKNOWN))
    return {key: Applied(scenario, tuple(policies)) for key, scenario in names.iter_rows()}


def measure(planted: Planted, claims: pl.DataFrame, day: dt.date, *, with_panel: bool = False) -> pl.DataFrame:
    """Contract `calibration`, basis planted: by language and for all, by layer and by each inspector that claimed anything.

    A defect is found if its type is claimed at one of its turns. An alarm is an original, without the defect, of which the type
    is claimed; so precision is at one clean conversation for each planted one.

    Args:
        planted: What was planted.
        claims: See `claims_on`.
        day: The day of the rows.
        with_panel: False leaves the panel out: it was not asked.
    """
    locales = [*sorted(planted.defects["locale"].unique()), ALL]
    rows: list[dict[str, Any]] = []
    for issue_type in ISSUE_TYPES:
        said = claims.filter(issue_type=issue_type)
        for who, chosen in _inspectors(said, with_panel=with_panel):
            for locale in locales:
                of_locale = pl.lit(True) if locale == ALL else pl.col("locale") == locale
                defects = planted.defects.filter(pl.col("issue_type") == issue_type, of_locale)
                if defects.height:
                    rows.append(_row(day, locale, who, issue_type, defects, chosen))
    return CALIBRATION.conform(pl.DataFrame(rows, schema=CALIBRATION.columns).sort("locale", "inspector", "issue_type"))


def _inspectors(said: pl.DataFrame, *, with_panel: bool) -> Iterator[tuple[str, pl.DataFrame]]:
    for layer in LAYERS:
        if layer != "panel" or with_panel:
            yield layer, said.filter(layer=layer)
    for (layer, name), own in said.partition_by("layer", "name", as_dict=True).items():
        yield f"{layer}/{name}", own


def _row(day: dt.date, locale: str, who: str, issue_type: str, defects: pl.DataFrame, said: pl.DataFrame) -> dict[str, Any]:
    joined = defects.join(said.select("conversation_id", at="turn"), on="conversation_id")
    found = joined.filter(pl.col("at").is_between(pl.col("turn"), pl.col("until")))["conversation_id"].n_unique()
    alarms = defects.filter(pl.col("original_id").is_in(said["conversation_id"].implode())).height
    return counted(day, "planted", locale, who, issue_type, defects.height, found, found + alarms, found)


def counted(
    day: dt.date, basis: str, locale: str, who: str, issue_type: str, defects: int, found: int, claims: int, upheld: int
) -> dict[str, Any]:
    """One row of `calibration` from its four counts."""
    recall, precision = wilson(found, defects), wilson(upheld, claims)
    return {
        "dt": day,
        "basis": basis,
        "locale": locale,
        "inspector": who,
        "issue_type": issue_type,
        "defects": defects,
        "found": found,
        "claims": claims,
        "upheld": upheld,
        "recall": recall.value,
        "recall_low": recall.low,
        "recall_high": recall.high,
        "precision": precision.value,
        "precision_low": precision.low,
        "precision_high": precision.high,
        "kappa": None,
    }
