"""What a cycle learns from and starts from, its datasets on a real instance, and the gate before the release."""

import datetime as dt
import json
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from wow_flywheel.contracts import CASES, COMPARISONS, EVALUATIONS, SFT_DATASET
from wow_flywheel.datasets.manifest import Manifest, Parents
from wow_flywheel.definitions import defs
from wow_flywheel.defs.datasets.cycle import parents, source_days
from wow_flywheel.defs.evaluation.checks import results
from wow_flywheel.defs.evaluation.judge import gate, model_names
from wow_flywheel.defs.flywheel.sub_runs import failures_of
from wow_flywheel.defs.partitions import day_of_cycle, open_cycle
from wow_flywheel.defs.release.assets import release
from wow_flywheel.defs.resources import Flywheel
from wow_flywheel.defs.training.recipes import dpo_config, kto_config, sft_config
from wow_flywheel.errors import DatasetError, SettingsError
from wow_flywheel.lake import Lake
from wow_flywheel.model_files import model_digest
from wow_flywheel.release.decision import Decision
from wow_flywheel.release.store import ReleaseStore
from wow_flywheel.settings import Settings
from wow_flywheel.training.config import DpoConfig, KtoConfig, SftConfig
from wow_flywheel_tests.defs.conftest import DATASETS, checks, conversation, write_logs
from wow_flywheel_tests.unit.release.conftest import judged, make_checkpoint

CYCLE = "2026-01-05"
PASSED = Decision(passed=True, reason="first", baseline="none", candidate="x", checks=())


@pytest.mark.parametrize("key", ["2026-01-05", "2026-01-05-b", "2026-01-05-try.2"])
def test_a_cycle_key_begins_with_its_newest_day(key: str) -> None:
    assert day_of_cycle(key) == dt.date(2026, 1, 5)


@pytest.mark.parametrize("key", ["base", "2026-13-01", "2026-01-05/b", "2026-01-05\n", "2026-01-05-", "../2026-01-05"])
def test_a_malformed_cycle_key_is_refused_before_it_is_registered(key: str, instance: dg.DagsterInstance) -> None:
    with pytest.raises(SettingsError, match="no cycle key"):
        open_cycle(instance, key)
    assert instance.get_dynamic_partitions("cycle") == []


def test_a_cycle_learns_from_the_newest_days_with_cases_up_to_its_own(lake: Lake) -> None:
    for day in (1, 2, 4, 5, 7):
        lake.replace("cases", _case(dt.date(2026, 1, day)), dt.date(2026, 1, day))
    assert [day.day for day in source_days(lake, "2026-01-06", 3)] == [2, 4, 5]
    with pytest.raises(DatasetError, match="no day up to its own has cases"):
        source_days(lake, "2025-12-31", 3)


def _case(day: dt.date) -> pl.DataFrame:
    row = {"dt": day, "conversation_id": "c", "user_id": "u", "scenario": "s", "label": "good", "reasons": ["r"],
           "solved_score": 1.0, "satisfied_score": 1.0, "issue_types": [], "decided_by": "rules"}  # fmt: skip
    return pl.DataFrame([row], schema=pl.Schema(CASES.columns))


def test_a_cycle_starts_from_the_release_and_after_its_own_from_what_it_started_from(place: Path, monkeypatch) -> None:
    store, folder = ReleaseStore(place / "models"), place / "models" / "cycles" / CYCLE
    with pytest.raises(SettingsError, match="WOW_MODEL is not set"):
        parents(store, _settings(), folder, CYCLE)
    assert parents(store, _settings(WOW_MODEL="org/m"), folder, CYCLE) == Parents(base_model="org/m")
    (place / "model").mkdir()
    (place / "model" / "weights").write_bytes(b"1")
    base = store.promote(place / "model", {}, PASSED, "base")
    started = parents(store, _settings(), folder, CYCLE)
    assert started == Parents(base_model=str(base.model_dir), previous_release="0001-base")
    _manifest(started).save(folder / "manifest.json")
    (place / "model" / "weights").write_bytes(b"2")
    store.promote(place / "model", {}, judged(store, place / "model"), CYCLE)
    assert parents(store, _settings(), folder, CYCLE) == started


def _settings(**env: str) -> Settings:
    return Settings.from_env(env)


def _manifest(start: Parents, pairs: int = 1) -> Manifest:
    counts = {"preference_dataset.split": {"train": pairs}}
    return Manifest(
        cycle=CYCLE, created_at=dt.datetime(2026, 1, 6, tzinfo=dt.UTC), source_partitions=(), table_versions={}, files={},
        counts=counts, parents=start,
    )  # fmt: skip


def test_the_recipes_are_configs_that_the_trainers_take(tmp_path: Path) -> None:
    for settings in (_settings(), _settings(WOW_LOGS_URI="/logs")):
        sft = SftConfig.from_mapping(sft_config(settings, tmp_path, "m"))
        dpo = DpoConfig.from_mapping(dpo_config(settings, tmp_path))
        kto = KtoConfig.from_mapping(kto_config(settings, tmp_path, {"good": 30, "bad": 10}))
        assert dpo.model == kto.model == f"{sft.output_dir}/model"
        assert kto.replies == str(tmp_path / "labelled.train.jsonl")
        assert kto.learning_rate == (3e-5 if settings.embedded else 1e-6)
        assert sft.learning_rate == (1e-3 if settings.embedded else 2e-5)


def test_the_users_file_changes_the_trainers_defaults(tmp_path: Path) -> None:
    file = tmp_path / "training.yaml"
    file.write_text("sft: {max_length: 4096, epochs: 2}\n")
    settings = _settings(WOW_LOGS_URI="/logs", WOW_TRAINING_CONFIG=str(file))
    assert SftConfig.from_mapping(sft_config(settings, tmp_path, "m")).max_length == 4096
    assert DpoConfig.from_mapping(dpo_config(settings, tmp_path)).max_length == 1024
    assert sft_config(_settings(WOW_TRAINING_CONFIG=str(file)), tmp_path, "m")["learning_rate"] == 1e-3


@pytest.mark.parametrize(
    ("replies", "weights"),
    [({"good": 30, "bad": 10}, (1.0, 3.0)), ({"good": 10, "bad": 15}, (1.5, 1.0)), ({"good": 12, "bad": 12}, (1.0, 1.0))],
)
def test_the_rarer_label_weighs_as_much_more_as_it_is_rarer(tmp_path: Path, replies: dict, weights: tuple) -> None:
    config = KtoConfig.from_mapping(kto_config(_settings(), tmp_path, replies))
    assert (config.desirable_weight, config.undesirable_weight) == weights
    (tmp_path / "training.yaml").write_text("kto: {undesirable_weight: 0.5, beta: 0.3}")
    settings = _settings(WOW_TRAINING_CONFIG=str(tmp_path / "training.yaml"))
    config = KtoConfig.from_mapping(kto_config(settings, tmp_path, replies))
    assert (config.desirable_weight, config.undesirable_weight, config.beta) == (weights[0], 0.5, 0.3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "cannot be read (No such file or directory)"),
        ("sft: [", "is not YAML (ParserError)"),
        ("- sft", "holds no mapping of fields"),
        ("max_length: 3", "has other sections than sft, dpo and kto"),
        ("sft: 3", "or one that holds no fields"),
        ("sft: {model: m}", "sets model of sft"),
        ("sft: {replies: f}", "sets replies of sft"),
    ],
)
def test_a_wrong_file_of_the_user_is_refused_by_name(tmp_path: Path, text: str | None, message: str) -> None:
    file = tmp_path / "training.yaml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(SettingsError) as refused:
        sft_config(_settings(WOW_TRAINING_CONFIG=str(file)), tmp_path, "m")
    assert message in refused.value.message
    assert refused.value.message.startswith("WOW_TRAINING_CONFIG: ")


def test_without_pairs_the_sft_model_is_the_candidate(tmp_path: Path) -> None:
    start = Parents(base_model="/m", previous_release="0001-base")
    _manifest(start, pairs=0).save(tmp_path / "manifest.json")
    assert list(model_names(tmp_path, CYCLE)) == ["0001-base", f"{CYCLE}-sft"]
    _manifest(start, pairs=9).save(tmp_path / "manifest.json")
    assert list(model_names(tmp_path, CYCLE)) == ["0001-base", f"{CYCLE}-sft", f"{CYCLE}-dpo"]


def test_with_labelled_replies_instead_the_kto_model_is(tmp_path: Path) -> None:
    start = Parents(base_model="/m", previous_release="0001-base")
    counts = {"preference_dataset.split": {"held_out": 4}, "labelled_dataset.label": {"bad": 12, "good": 40}}
    _manifest(start).model_copy(update={"counts": counts}).save(tmp_path / "manifest.json")
    assert model_names(tmp_path, CYCLE) == {
        "0001-base": "/m", f"{CYCLE}-sft": f"{tmp_path}/sft/model", f"{CYCLE}-kto": f"{tmp_path}/kto/model",
    }  # fmt: skip


def test_datasets_of_a_day_are_written_and_checked(place: Path, lake: Lake, nightly, instance, monkeypatch) -> None:
    monkeypatch.setenv("WOW_MODEL", "org/model")
    rest = ("I am sorry, it arrives at noon.", "Thank you, great!")
    write_logs(place, [conversation(i, f"Hello, my tea number {i} is late.", *rest, thumb="up") for i in range(20)])
    lake.append("decisions", _all_good(20))
    assert nightly(until=["cases"]).success
    result = _run(instance, *DATASETS)
    assert result.success
    split = checks(result)
    assert split["sft_dataset.no_held_out_customer_in_training"].passed
    assert split["sft_dataset.no_held_out_customer_in_training"].blocking
    folder = place / "models" / "cycles" / CYCLE
    manifest = Manifest.load(folder / "manifest.json")
    assert manifest.parents == Parents(base_model="org/model")
    assert manifest.source_partitions == (dt.date(2026, 1, 5),)
    lines = (folder / "sft.train.jsonl").read_text().splitlines()
    assert len(lines) == lake.read("sft_dataset", CYCLE).filter(split="train").height > 0
    assert json.loads(lines[0])["messages"][0]["role"] == "user"


def _all_good(count: int) -> pl.DataFrame:
    at = dt.datetime(2026, 1, 6, tzinfo=dt.UTC)
    rows = [
        {
            "dt": dt.date(2026, 1, 5),
            "conversation_id": f"c-{i}",
            "label": "good",
            "decided_by": "ana",
            "decided_at": at,
            "note": None,
        }
        for i in range(count)
    ]
    return pl.DataFrame(rows, schema_overrides={"note": pl.String})


def _run(instance: dg.DagsterInstance, *assets: str) -> dg.ExecuteInProcessResult:
    open_cycle(instance, CYCLE)
    job = defs.resolve_job_def("training_cycle")
    keys = [dg.AssetKey(name) for name in assets]
    return job.execute_in_process(instance=instance, partition_key=CYCLE, asset_selection=keys, raise_on_error=False)


def test_a_leak_is_named(place: Path, lake: Lake, instance) -> None:
    from wow_flywheel.defs.datasets.checks import leakage_checks

    rows = pl.DataFrame(
        {"cycle": CYCLE, "dt": dt.date(2026, 1, 5), "conversation_id": ["a", "b"], "user_id": ["u", "u"], "scenario": "s",
         "language": "en", "source": "good_case", "split": ["train", "held_out"], "messages": [[], []]}
    )  # fmt: skip
    lake.replace("sft_dataset", SFT_DATASET.conform(rows), CYCLE)
    open_cycle(instance, CYCLE)
    from wow_flywheel.defs.resources import Flywheel

    with dg.build_asset_context(partition_key=CYCLE) as context:
        found = leakage_checks[0].op.compute_fn.decorated_fn(context, Flywheel())
        assert not next(found).passed
        with pytest.raises(dg.Failure) as failure:
            next(found)
    assert failure.value.description == (
        "1 of 1 held-out customers are among the 1 of the training side → materialize the datasets of the cycle again"
    )


def test_a_copied_row_blocks_and_is_named_by_its_id(place: Path, lake: Lake, instance) -> None:
    from wow_flywheel.defs.datasets.checks import contamination_checks
    from wow_flywheel.defs.resources import Flywheel

    talk = [{"role": "user", "content": "Where is my blue umbrella, the one with the long wooden handle, that I paid for?"}]
    rows = pl.DataFrame(
        {"cycle": CYCLE, "dt": dt.date(2026, 1, 5), "conversation_id": ["a", "b"], "user_id": ["u", "v"], "scenario": "s",
         "language": "en", "source": "good_case", "split": ["train", "held_out"], "messages": [talk, talk]}
    )  # fmt: skip
    lake.replace("sft_dataset", SFT_DATASET.conform(rows), CYCLE)
    _manifest(Parents(base_model="/m")).save(place / "models" / "cycles" / CYCLE / "manifest.json")
    open_cycle(instance, CYCLE)
    with dg.build_asset_context(partition_key=CYCLE) as context:
        found = contamination_checks[0].op.compute_fn.decorated_fn(context, Flywheel())
        result = next(found)
        assert not result.passed
        assert result.description == "1 of 1 training rows hold something of 1 evaluated rows"
        assert "| a | sft_dataset | b | equal | 1.000 |" in result.metadata["rows"].md_str
        assert "umbrella" not in result.metadata["rows"].md_str
        with pytest.raises(dg.Failure):
            next(found)


def test_a_cycle_without_good_cases_fails_in_plain_words(place: Path, lake: Lake, nightly, instance, monkeypatch) -> None:
    monkeypatch.setenv("WOW_MODEL", "org/model")
    result = _run(instance, *DATASETS)
    assert failures_of(result)["datasets"].startswith(f"cycle {CYCLE}: no day up to its own has cases")


def test_the_gate_blocks_a_worse_candidate_with_its_reason(place: Path, lake: Lake) -> None:
    folder = place / "models" / "cycles" / CYCLE
    _manifest(Parents(base_model="/m", previous_release="0001-base")).save(folder / "manifest.json")
    lake.replace("comparisons", _comparison(rr=0.08), CYCLE)
    lake.replace("evaluations", _evaluation(), CYCLE)
    decision = gate(lake, folder, CYCLE, None)
    shown = {each.check_name: each for each in results(decision)}
    assert not shown["gate"].passed
    assert shown["gate"].severity is dg.AssetCheckSeverity.ERROR
    assert shown["gate"].description.startswith("rr did not improve: +0.080")
    assert not shown["gate_target_improves"].passed
    lake.replace("comparisons", _comparison(rr=-0.2), CYCLE)
    assert gate(lake, folder, CYCLE, None).passed


def test_the_users_file_changes_the_gate(place: Path, lake: Lake) -> None:
    folder, file = place / "models" / "cycles" / CYCLE, place / "checks.yaml"
    _manifest(Parents(base_model="/m", previous_release="0001-base")).save(folder / "manifest.json")
    lake.replace("comparisons", _comparison(rr=-0.2), CYCLE)
    lake.replace("evaluations", _evaluation(), CYCLE)
    file.write_text("gate: {required: [rr, repair_rate]}\n")
    decision = gate(lake, folder, CYCLE, str(file))
    assert not decision.passed
    assert decision.reason.startswith("repair_rate is required and was not measured → hold out Bad Cases")
    assert decision.rules["required"] == ["rr", "repair_rate"]
    shown = {each.check_name: each.passed for each in results(decision)}
    assert (shown["gate"], shown["gate_required_measured"], shown["gate_nothing_worse"]) == (False, False, True)


def test_weights_that_were_replaced_after_the_evaluation_are_not_released(place: Path, lake: Lake) -> None:
    folder = place / "models" / "cycles" / CYCLE
    _manifest(Parents(base_model="/m", previous_release="0001-base"), pairs=9).save(folder / "manifest.json")
    model = make_checkpoint(folder / "dpo" / "model", b"the model that was evaluated")
    lake.replace("comparisons", _comparison(rr=-0.2), CYCLE)
    lake.replace("evaluations", _evaluation().with_columns(model_sha256=pl.lit(model_digest(model))), CYCLE)
    (model / "model.safetensors").write_bytes(b"another one, trained afterwards")
    with (
        dg.build_asset_context(partition_key=CYCLE) as context,
        pytest.raises(dg.Failure, match="are not those that were judged"),
    ):
        release.op.compute_fn.decorated_fn(context, Flywheel())
    assert ReleaseStore(place / "models").current_id() is None


def _comparison(rr: float) -> pl.DataFrame:
    models = {"baseline": "0001-base", "candidate": f"{CYCLE}-dpo"}
    row = MEASURED | models | {"difference": rr, "low": rr - 0.02, "high": rr + 0.02}
    same = [
        MEASURED | models | {"metric": name, "difference": 0.0, "low": 0.0, "high": 0.0, "higher_is_better": True}
        for name in REQUIRED
    ]
    return pl.DataFrame([row, *same], schema=pl.Schema(COMPARISONS.columns))


def _evaluation() -> pl.DataFrame:
    values = {"value": 0.5, "low": 0.4, "high": 0.6}
    models = ("0001-base", f"{CYCLE}-dpo")
    rows = [MEASURED | values | {"model": model, "metric": name} for model in models for name in ("rr", *REQUIRED)]
    return pl.DataFrame(rows, schema=pl.Schema(EVALUATIONS.columns))


REQUIRED = ("usm1", "usm2", "solve_rate", "format_validity")
MEASURED = {"cycle": CYCLE, "metric": "rr", "n": 200, "higher_is_better": False, "kind": "simulated"}
