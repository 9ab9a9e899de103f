"""The checks of pairs in a Dagster run: telltale pairs block, of a day and of a cycle, unless the user's file says `warn`."""

import datetime as dt
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from wow_flywheel.contracts import PREFERENCE_DATASET, PREFERENCE_PAIRS
from wow_flywheel.defs.datasets.pair_checks import trained_pairs_are_sound
from wow_flywheel.defs.pairs.checks import pairs_are_sound
from wow_flywheel.defs.partitions import cycles, days, open_cycle
from wow_flywheel.defs.resources import Flywheel
from wow_flywheel.dialogue import DialogueAction
from wow_flywheel.lake import Lake

DAY, CYCLE = dt.date(2026, 1, 5), "2026-01-05"


def telltale(count: int) -> list[dict[str, object]]:
    """Pairs whose chosen side is always the shorter."""
    sides = [(f"Yes {i}.", f"No, that is certainly not what we can do for you {i}, sorry.") for i in range(count)]
    common = {"dt": DAY, "scenario": "s", "issue_type": "hallucination", "source": "good_case"}
    return [
        common | {"conversation_id": f"c{i}", "pair_id": f"c{i}#1", "user_id": f"u{i}", "prompt": [],
                  "chosen": DialogueAction(reply=one).to_json(), "rejected": DialogueAction(reply=other).to_json()}
        for i, (one, other) in enumerate(sides)
    ]  # fmt: skip


def run(check: dg.AssetChecksDefinition, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    """A run of the checked asset, whose table is written already, and of its checks."""
    (name,) = {key.asset_key.to_user_string() for key in check.check_keys}

    @dg.asset(name=name, partitions_def=days if check is pairs_are_sound else cycles)
    def written() -> None:
        """It stands in the lake."""

    job = dg.define_asset_job("checked", dg.AssetSelection.assets(written))
    made = dg.Definitions(assets=[written], asset_checks=[check], jobs=[job], resources={"flywheel": Flywheel()})
    return made.resolve_job_def("checked").execute_in_process(instance=instance, partition_key=CYCLE, raise_on_error=False)


def failed(result: dg.ExecuteInProcessResult) -> set[str]:
    return {each.check_name for each in result.get_asset_check_evaluations() if not each.passed}


def test_a_telltale_day_fails_its_check_and_warn_lets_it_pass(
    place: Path, lake: Lake, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = {"turn": 1, "verified_by": "rules+evidence", "length_ratio": 0.5}
    lake.replace("preference_pairs", PREFERENCE_PAIRS.conform(_frame([row | more for row in telltale(29)])), DAY)
    result = run(pairs_are_sound, instance)
    assert not result.success
    assert "length_does_not_tell" in failed(result)
    (place / "checks.yaml").write_text(
        "pairs: {severity: {length_does_not_tell: warn, no_telltale_prefix: warn}, length_ratio: 9}"
    )
    monkeypatch.setenv("WOW_CHECKS", str(place / "checks.yaml"))
    warned = run(pairs_are_sound, instance)
    assert warned.success
    assert "length_does_not_tell" in failed(warned)


def test_days_that_add_up_to_telltale_training_pairs_fail_the_cycle(
    place: Path, lake: Lake, instance: dg.DagsterInstance
) -> None:
    open_cycle(instance, CYCLE)
    more = {"cycle": CYCLE, "language": "en", "split": "train"}
    lake.replace("preference_dataset", PREFERENCE_DATASET.conform(_frame([row | more for row in telltale(20)])), CYCLE)
    result = run(trained_pairs_are_sound, instance)
    assert not result.success
    assert "length_does_not_tell" in failed(result)


def test_few_telltale_pairs_may_be_chance(place: Path, lake: Lake, instance: dg.DagsterInstance) -> None:
    open_cycle(instance, CYCLE)
    more = {"cycle": CYCLE, "language": "en", "split": "train"}
    rows = [row | more | {"rejected": DialogueAction(reply=f"Never {row['pair_id']}").to_json()} for row in telltale(3)]
    lake.replace("preference_dataset", PREFERENCE_DATASET.conform(_frame(rows)), CYCLE)
    assert run(trained_pairs_are_sound, instance).success


def _frame(rows: list[dict[str, object]]) -> pl.DataFrame:
    return pl.DataFrame(rows)
