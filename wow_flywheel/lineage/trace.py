"""What a model was made from, what a conversation went into, what rests on a policy: read from records and manifests.

What belongs here: following names from one to the other. What does not: printing (`commands`). Which rows a file had is
recorded by `datasets.recorded`, models are found by `forget.models`, stale judgements by `policies.stale`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import polars as pl

from wow_flywheel.datasets.manifest import Manifest, Parents
from wow_flywheel.datasets.recorded import STAGES, TRAINED, recorded_rows
from wow_flywheel.errors import DatasetError
from wow_flywheel.forget.models import Model, all_models, manifest_of_release, sightings, trained_on
from wow_flywheel.lake import Lake
from wow_flywheel.policies.stale import resting_on, stale_matches
from wow_flywheel.policies.units import Policy
from wow_flywheel.release.store import RELEASE_ID, ReleaseStore

MANIFEST: Final = "manifest.json"


def of_model(lake: Lake, models: Path, name: str) -> list[dict[str, Any]]:
    """The conversations that made a model: its cycle's, then those of each release that it started from, newest first.

    Args:
        lake: The tables.
        models: `WOW_MODELS_URI`.
        name: A release's id, `current`, a cycle (its candidate), or a cycle with `-sft`, `-dpo` or `-kto`.

    Returns:
        A mapping a cycle: cycle, base_model, previous_release, recorded, and conversations: dt, conversation_id, dataset,
        source. A pair whose chosen reply was said elsewhere names that conversation too, with the source `reply`. `recorded` is
        false where no record says which rows the model saw: then these are all that are known of the cycle.

    Raises:
        DatasetError: No cycle belongs to the name.
    """
    known = all_models(models, lake)
    chain: list[dict[str, Any]] = []
    found = _named(models, known, name)
    while found is not None:
        cycle, parents, files = found
        rows, recorded = _trained_rows(lake, cycle, files)
        chain.append({"cycle": cycle, **parents.model_dump(), "recorded": recorded, "conversations": rows})
        before = parents.previous_release
        found = _named(models, known, before) if before and len(chain) < len(known) + 1 else None
    if not chain:
        cycles = sorted(path.parent.name for path in (models / "cycles").glob(f"*/{MANIFEST}"))
        raise DatasetError(f"there is no manifest of a cycle for {name!r}", hint=f"the cycles are {cycles}")
    return chain


def of_conversation(lake: Lake, models: Path, conversation_id: str) -> dict[str, Any]:
    """The datasets and models that saw a conversation, those that were built again without it since included.

    Returns:
        conversation_id; datasets: cycle, dataset, split, as (itself, or reply for a pair that prefers a reply of it); models:
        as `forget.models.trained_on` finds them from the files that had it.
    """
    named, reply = (
        pl.col("conversation_id") == conversation_id,
        _reply() & (pl.col("source_conversation_id") == conversation_id),
    )
    rows, found = recorded_rows(lake), []
    for role, rule in (("itself", named), ("reply", reply)):
        asked = rows.filter(rule.fill_null(value=False)).select("cycle", "dataset", "split").unique().collect()
        found += [dict(row) | {"as": role} for row in asked.iter_rows(named=True)]
    order = {dataset: place for place, dataset in enumerate(TRAINED)}
    found.sort(key=lambda row: (order[row["dataset"]], row["as"], row["cycle"], row["split"]))
    reached = [
        {"cycle": each.cycle, "directly": each.trained_on_them, "models": list(each.models), "releases": list(each.releases)}
        for each in trained_on(sightings(lake, named | reply), models, lake)
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
    rule = _rests_on(judged, policy_id)
    counted = _training_counts(lake, rule)
    if matches.is_empty() and not own and not counted:
        raise DatasetError(f"no policy or knowledge unit {policy_id!r} is known", hint="check the id in WOW_POLICIES_URI")
    resting = resting_on(lake, stale_matches(matches, own)).group_by("table").agg(pl.col("rows").sum()).sort("table")
    versions = matches.group_by("policy_version").len().sort("policy_version")
    return {
        "policy_id": policy_id,
        "versions": dict(versions.iter_rows()),
        "stale": dict(resting.iter_rows()),
        "datasets": [{"cycle": cycle, "dataset": name, "rows": rows} for cycle, name, rows in counted],
        "models": [{"cycle": each.cycle, "models": list(each.models), "releases": list(each.releases)}
                   for each in trained_on(sightings(lake, rule), models, lake)],
    }  # fmt: skip


def _named(models: Path, known: list[Model], name: str) -> tuple[str, Parents, Mapping[str, str | None]] | None:
    """Cycle, parents and files of the model behind a name; files by dataset, a null where no record has it."""
    release = ReleaseStore(models).current_id() if name == "current" else name
    match = RELEASE_ID.match(release or "")
    if match and match["cycle"] and (models / "releases" / (release or "")).is_dir():
        files = next(model.files for model in known if model.name == release)
        manifest = manifest_of_release(models / "releases" / (release or ""))
        return (match["cycle"], manifest.parents, files) if manifest is not None else None
    cycle, named = next(
        ((name.removesuffix(f"-{stage}"), stage) for stage in STAGES if name.endswith(f"-{stage}")), (name, None)
    )
    path = models / "cycles" / cycle / MANIFEST
    if not path.is_file():
        return None
    manifest = Manifest.load(path)
    stage = named or ("kto" if TRAINED["labelled_dataset"] in manifest.files else "dpo")
    trained = {Path(model.name).parent.name: model.files for model in known if model.cycle == cycle and not model.released}
    default = {dataset: manifest.files.get(TRAINED[dataset]) for dataset in STAGES[stage]}
    return cycle, manifest.parents, trained.get(stage, default)


def _trained_rows(lake: Lake, cycle: str, files: Mapping[str, str | None]) -> tuple[list[dict[str, Any]], bool]:
    """The conversations of a cycle's training files, and whether it is recorded which rows these had."""
    rows = recorded_rows(lake).filter(pl.col("cycle") == cycle, pl.col("split") == "train").collect()
    parts, recorded = [], True
    for dataset, file in files.items():
        all_known = rows.filter(dataset=dataset)
        of_file = all_known.filter(file=file) if file is not None else all_known.clear()
        recorded &= not of_file.is_empty() or all_known.is_empty()
        parts.append(all_known if of_file.is_empty() else of_file)
    trained = pl.concat(parts)
    said = trained.filter(_reply().fill_null(value=False), dataset="preference_dataset").select(
        pl.lit(None, pl.Date).alias("dt"), "dataset", conversation_id="source_conversation_id", source=pl.lit("reply")
    )
    columns = ("dt", "conversation_id", "dataset", "source")
    found = pl.concat([trained.select(columns), said.select(columns)]).unique().sort("dataset", *columns[:2], "source")
    return found.with_columns(pl.col("dt").cast(pl.String)).to_dicts(), recorded


def _reply() -> pl.Expr:
    return (pl.col("dataset") == "preference_dataset") & (pl.col("source") == "good_case")


def _rests_on(judged: pl.DataFrame, policy_id: str) -> pl.Expr:
    """Rows of conversations that a policy judged, and rows that were made from it."""
    keys = judged.select(pl.format("{}/{}", pl.col("dt").cast(pl.String), "conversation_id")).to_series().implode()
    of_judged = pl.format("{}/{}", pl.col("dt").cast(pl.String), "conversation_id").is_in(keys)
    return of_judged.fill_null(value=False) | pl.col("conversation_id").str.starts_with(f"knowledge/{policy_id}/")


def _training_counts(lake: Lake, rule: pl.Expr) -> list[tuple[str, str, int]]:
    """Cycle, dataset, rows that rest on something, each once however often the cycle was built."""
    rows = recorded_rows(lake).filter(pl.col("split") == "train", rule.fill_null(value=False))
    each = rows.select("cycle", "dataset", "dt", "conversation_id", "pair_id").unique()
    counted = each.group_by("cycle", "dataset").len().collect().sort("dataset", "cycle", descending=[True, False])
    return [(cycle, dataset, count) for cycle, dataset, count in counted.iter_rows()]
