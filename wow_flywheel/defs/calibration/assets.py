"""Calibration of a day: how good the labels are.

What belongs here: the asset. What does not: measuring (`wow_flywheel.inspection.calibration`).
"""

import datetime as dt
from collections.abc import Callable
from typing import Any, Final

import dagster as dg
import polars as pl

from wow_flywheel.defs.calibration.sources import own, reference
from wow_flywheel.defs.failures import plain_failures
from wow_flywheel.defs.metadata import frame_table, lines_by_day, recent, written
from wow_flywheel.defs.partitions import day_of
from wow_flywheel.defs.resources import Flywheel
from wow_flywheel.defs.specs import table_spec

CONVERSATIONS: Final = 80
EACH: Final = 30
TREND_DAYS: Final = 28
LAYERS: Final = ("rules", "evidence", "panel")

CALIBRATION = table_spec(
    "calibration",
    "calibration",
    "Recall and precision of rules, evidence inspectors and panel on defects planted into clean conversations, English and "
    "Chinese, and their agreement with what people decided lately. The gate on pairs and training reads it.",
    deps=["knowledge", "policies", "cases"],
    kinds=("python",),
)


@dg.multi_asset(specs=[CALIBRATION], pool="llm")
def calibration(context: dg.AssetExecutionContext, flywheel: Flywheel) -> dg.MaterializeResult[None]:
    """Plant, look, count; then ask what people decided."""
    from wow_flywheel.contracts import CALIBRATION as CONTRACT
    from wow_flywheel.conversations.thresholds import read_section
    from wow_flywheel.inspection.calibration.gate import SECTION, read_limits
    from wow_flywheel.inspection.calibration.people import agreement

    with plain_failures(context):
        day, lake = day_of(context.partition_key), flywheel.lake()
        limits = read_limits(read_section(flywheel.settings().checks, SECTION))
        planned: list[str] = []

        def say(line: str) -> None:
            context.log.info(line)
            planned.append(line)

        planted = planted_rows(flywheel, day, say)
        rows = CONTRACT.conform(pl.concat([planted, agreement(lake, day, limits.days)]))
        version = lake.replace("calibration", rows, day)
        weeks = recent(lake, "calibration", day, TREND_DAYS)
    context.log.info("%s: %d rows of calibration", day, rows.height)
    plan = {"plan": dg.MetadataValue.md("\n".join(f"- {line}" for line in planned))} if planned else {}
    return dg.MaterializeResult(metadata=written(lake, "calibration", rows, version) | plan | shown(rows, weeks))


def planted_rows(flywheel: Flywheel, day: dt.date, say: Callable[[str], None] = lambda _: None) -> pl.DataFrame:
    """Measure all sets together: English and Chinese stand in the column `locale`. `say` is told the panel's plan of each."""
    from wow_flywheel.inspection.calibration.measure import claims_on, measure
    from wow_flywheel.inspection.calibration.plant import Planted, plant
    from wow_flywheel.rules.overrides import load_overrides

    panel, overrides = flywheel.panel(), load_overrides(flywheel.settings().rules)
    planted, claims = [], []
    for source in [*reference(day, CONVERSATIONS), *own(flywheel, day, CONVERSATIONS)]:
        made = plant(source.conversations, knowledge=source.knowledge, procedures=source.procedures, each=EACH)
        planted.append(made)
        rules = {"knowledge": source.knowledge, "procedures": source.procedures}
        claims.append(claims_on(made, **rules, panel=panel, say=say, overrides=overrides, policies=source.policies))
    together = Planted(pl.concat([each.conversations for each in planted]), pl.concat([each.defects for each in planted]))
    return measure(together, pl.concat(claims), day, with_panel=panel is not None)


def shown(rows: pl.DataFrame, weeks: pl.DataFrame) -> dict[str, Any]:
    """Recall and precision of the day, their trend by layer, and agreement with people."""
    columns = ("inspector", "issue_type", "defects", "found", "recall", "precision")
    planted = rows.filter(pl.col("basis") == "planted", pl.col("inspector").is_in(LAYERS))
    whole = planted.filter(locale="*").select(columns)
    by_language = planted.filter(pl.col("locale") != "*").select("locale", *columns)
    people = rows.filter(basis="people").select("inspector", "issue_type", "claims", "upheld", "precision", "kappa")
    return {
        "planted defects": frame_table(whole),
        "planted defects by language": frame_table(by_language),
        "agreement with people": frame_table(people),
        **{f"trend of {kind}": _trend(weeks, kind) for kind in ("recall", "precision")},
    }


def _trend(weeks: pl.DataFrame, kind: str) -> dg.MarkdownMetadataValue:
    """The mean over issue types by day, a line a layer."""
    of_layers = weeks.filter(pl.col("basis") == "planted", pl.col("locale") == "*", pl.col("inspector").is_in(LAYERS))
    wide = of_layers.group_by("dt", "inspector").agg(pl.col(kind).mean()).pivot("inspector", index="dt", values=kind)
    names: dict[str, str] = {name: name for name in LAYERS if name in wide.columns}
    return lines_by_day(wide, names, f"{kind} on planted defects, mean of the issue types", unit="%")
