"""What a model was made from, what a conversation went into, what rests on a policy: read from tables and manifests.

What belongs here: following names from one to the other. What does not: printing (`commands`). Models are found by
`forget.models`, stale judgements by `policies.stale`: both are used here, not repeated.
"""

from pathlib import Path
from typing import Any, Final

import polars as pl

from wow_flywheel.datasets.manifest import Manifest
from wow_flywheel.datasets.tables import DATASETS
from wow_flywheel.errors import DatasetError
from wow_flywheel.forget.models import trained_on
from wow_flywheel.lake import Lake
from wow_flywheel.policies.stale import resting_on, stale_matches
from wow_flywheel.policies.units import Policy
from wow_flywheel.release.store import RELEASE_ID, ReleaseStore

MANIFEST: Final = "manifest.json"
TRAINERS: Final = ("-sft", "-dpo")


def of_model(lake: Lake, models: Path, name: str) -> list[dict[str, Any]]:
    """The conversations that made a model: its cycle's, then those of each release that it started from, newest first.

    Args:
        lake: The tables.
        models: `WOW_MODELS_URI`.
        name: A release's id, `current`, a cycle, or a cycle with `-sft` or `-dpo`.

    Returns:
        A mapping a cycle: cycle, base_model, previous_release, and conversations: dt, conversation_id, dataset, source. A pair
        whose chosen reply was said elsewhere names that conversation too, with the source `reply`.

    Raises:
        DatasetError: No cycle belongs to the name.
    """
    cycle: str | None = _cycle_of(models, name)
    chain: list[dict[str, Any]] = []
    while cycle is not None and cycle not in {each["cycle"] for each in chain}:
        path = models / "cycles" / cycle / MANIFEST
        if not path.is_file():
            break
        manifest = Manifest.load(path)
        rows = _trained_rows(lake, cycle)
        start = manifest.parents
        chain.append(
            {"cycle": cycle, "base_model": start.base_model, "previous_release": start.previous_release, "conversations": rows}
        )
        before = RELEASE_ID.match(start.previous_release or "")
        cycle = before["cycle"] if before else None
    if not chain:
        known = sorted(path.parent.name for path in (models / "cycles").glob(f"*/{MANIFEST}"))
        raise DatasetError(f"there is no manifest of a cycle for {name!r}", hint=f"the cycles are {known}")
    return chain


def of_conversation(lake: Lake, models: Path, conversation_id: str) -> dict[str, Any]:
    """The datasets and models that saw a conversation.

    Returns:
        conversation_id; datasets: cycle, dataset, split, as (itself, or reply for a pair that prefers a reply of it); models:
        as `forget.models.trained_on` finds them from the cycles that trained on it.
    """
    named, reply = (
        pl.col("conversation_id") == conversation_id,
        _reply() & (pl.col("source_conversation_id") == conversation_id),
    )
    found = []
    for table in DATASETS:
        asked = [("itself", named), *([("reply", reply)] if table == "preference_dataset" else [])]
        for role, rule in asked:
            rows = lake.scan(table).filter(rule.fill_null(value=False)).select("cycle", "split").unique().collect()
            found += [
                {"cycle": cycle, "dataset": table, "split": split, "as": role}
                for cycle, split in rows.sort("cycle").iter_rows()
            ]
    cycles = {each["cycle"] for each in found if each["split"] == "train"}
    reached = [
        {"cycle": each.cycle, "directly": each.trained_on_them, "models": list(each.models), "releases": list(each.releases)}
        for each in (trained_on(cycles, models) if cycles else [])
    ]
    return {"conversation_id": conversation_id, "datasets": found, "models": reached}


def of_policy(lake: Lake, models: Path, policies: list[Policy], policy_id: str) -> dict[str, Any]:
    """What rests on a policy or a knowledge unit, and what of it is stale by now.

    Returns:
        policy_id; versions: conversations by version that they were judged by; stale: table and rows that rest on another
        version than today's; datasets: training rows by cycle and dataset, of conversations judged by it or made from it;
        models: as in `of_conversation`.

    Raises:
        DatasetError: No policy, match or dialogue has this id.
    """
    matches = lake.scan("policy_matches").filter(pl.col("policy_id") == policy_id).collect()
    judged = matches.select("dt", "conversation_id").unique()
    own = [policy for policy in policies if policy.policy_id == policy_id]
    counted = _training_counts(lake, judged, policy_id)
    if matches.is_empty() and not own and not counted:
        raise DatasetError(f"no policy or knowledge unit {policy_id!r} is known", hint="check the id in WOW_POLICIES_URI")
    resting = resting_on(lake, stale_matches(matches, own)).group_by("table").agg(pl.col("rows").sum()).sort("table")
    cycles = {cycle for cycle, _, _ in counted}
    versions = matches.group_by("policy_version").len().sort("policy_version")
    return {
        "policy_id": policy_id,
        "versions": dict(versions.iter_rows()),
        "stale": dict(resting.iter_rows()),
        "datasets": [{"cycle": cycle, "dataset": name, "rows": rows} for cycle, name, rows in counted],
        "models": [{"cycle": each.cycle, "models": list(each.models), "releases": list(each.releases)}
                   for each in (trained_on(cycles, models) if cycles else [])],
    }  # fmt: skip


def _cycle_of(models: Path, name: str) -> str:
    release = ReleaseStore(models).current_id() if name == "current" else name
    match = RELEASE_ID.match(release or "")
    if match and match["cycle"] and (models / "releases" / (release or "")).is_dir():
        return match["cycle"]
    return next((name.removesuffix(end) for end in TRAINERS if name.endswith(end)), name)


def _trained_rows(lake: Lake, cycle: str) -> list[dict[str, Any]]:
    parts = []
    for table in DATASETS:
        rows = lake.scan(table).filter(pl.col("cycle") == cycle, pl.col("split") == "train")
        columns = ("dt", "conversation_id", "source")
        parts.append(rows.select(*columns, dataset=pl.lit(table)))
        if table == "preference_dataset":
            said = rows.filter(_reply()).select("dt", "source_conversation_id")
            parts.append(
                said.select(pl.lit(None, pl.Date).alias("dt"), conversation_id="source_conversation_id", source=pl.lit("reply"),
                            dataset=pl.lit(table))
            )  # fmt: skip
    found = pl.concat(parts, how="diagonal").unique().collect().sort("dataset", "dt", "conversation_id", "source")
    return found.with_columns(pl.col("dt").cast(pl.String)).select("dt", "conversation_id", "dataset", "source").to_dicts()


def _reply() -> pl.Expr:
    return pl.col("source") == "good_case"


def _training_counts(lake: Lake, judged: pl.DataFrame, policy_id: str) -> list[tuple[str, str, int]]:
    counted = []
    for table in DATASETS:
        train = lake.scan(table).filter(pl.col("split") == "train")
        rests = [train.join(judged.lazy(), on=["dt", "conversation_id"], how="semi").select("cycle")]
        if table == "sft_dataset":
            rests.append(train.filter(pl.col("conversation_id").str.starts_with(f"knowledge/{policy_id}/")).select("cycle"))
        rows = pl.concat(rests).group_by("cycle").len().sort("cycle").collect()
        counted += [(cycle, table, count) for cycle, count in rows.iter_rows()]
    return counted
