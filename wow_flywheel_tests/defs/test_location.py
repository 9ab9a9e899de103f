"""The code location: light to load, and shaped as drawn."""

import json
import subprocess
import sys
from pathlib import Path

import dagster as dg
import yaml

from wow_flywheel.contracts import TABLES
from wow_flywheel.definitions import defs
from wow_flywheel.defs.console import LOGGERS
from wow_flywheel.defs.contract_checks import UNCHECKED, contract_checks

HEAVY = ("torch", "trl", "transformers", "great_expectations", "openai", "s3fs", "matplotlib", "sklearn")
LOAD = f"""
import json, sys, time
started = time.process_time()
import dagster
loaded = time.process_time()
from wow_flywheel.definitions import defs
defs.get_repository_def()
share = (time.process_time() - loaded) / (loaded - started)
print(json.dumps([share, [name for name in {HEAVY!r} if name in sys.modules]]))
"""
DAILY = {
    "conversations": ("conversations", {"production_logs"}),
    "quarantine": ("conversations", {"production_logs"}),
    "fingerprints": ("conversations", {"conversations"}),
    "duplicates": ("conversations", {"fingerprints"}),
    "policy_matches": ("policies", {"conversations", "policies"}),
    "rule_findings": ("rules", {"conversations", "policy_matches", "knowledge", "policies"}),
    "satisfaction": ("satisfaction", {"conversations"}),
    "satisfaction_daily": ("satisfaction", {"satisfaction"}),
    "triage": ("inspection", {"conversations", "satisfaction", "rule_findings", "knowledge", "policies"}),
    "inspections": (
        "inspection",
        {"conversations", "rule_findings", "satisfaction", "triage", "policy_matches", "knowledge", "policies"},
    ),
    "verdicts": ("inspection", {"inspections"}),
    "panel_calls": ("inspection", {"inspections"}),
    "inspection_audit": ("inspection", {"inspections"}),
    "cases": ("cases", {"conversations", "satisfaction", "inspections", "verdicts", "triage"}),
    "rewrite_candidates": (
        "pairs",
        {"cases", "conversations", "duplicates", "inspections", "policy_matches", "knowledge", "policies"},
    ),
    "preference_pairs": ("pairs", {"rewrite_candidates"}),
}
CYCLE = {
    "sft_dataset": ("datasets", {"cases", "conversations", "duplicates", "fingerprints", "knowledge", "policies"}),
    "preference_dataset": ("datasets", {"preference_pairs", "duplicates", "fingerprints"}),
    "labelled_dataset": ("datasets", {"cases", "conversations", "inspections", "duplicates", "fingerprints"}),
    "sft_model": ("training", {"sft_dataset"}),
    "dpo_model": ("training", {"sft_model", "preference_dataset"}),
    "kto_model": ("training", {"sft_model", "labelled_dataset"}),
    "evaluation": ("evaluation", {"sft_model", "dpo_model", "kto_model", "knowledge", "policies"}),
    "release": ("release", {"evaluation"}),
}
EXPERIMENTS = {
    "knowledge_ablation": ("experiments", {"release"}),
    "single_issue_dpo": ("experiments", {"sft_model", "preference_dataset"}),
}
CALIBRATION = {
    "calibration": ("calibration", {"knowledge", "policies", "cases"}),
}
EXTERNAL = {"production_logs": "conversations", "knowledge": "knowledge", "policies": "knowledge"}


def test_loading_is_quick_and_imports_nothing_heavy() -> None:
    runs = [subprocess.run([sys.executable, "-c", LOAD], capture_output=True, text=True, check=True) for _ in range(2)]
    shares, heavy = zip(*(json.loads(run.stdout) for run in runs), strict=True)
    assert heavy == ([], [])
    assert min(shares) < 3, "our own definitions take three times what importing Dagster takes"


def test_the_console_file_is_run_config_that_the_jobs_take() -> None:
    config = yaml.safe_load((Path(__file__).parents[2] / "console.yaml").read_text())
    assert config == LOGGERS
    assert dg.validate_run_config(defs.resolve_job_def("nightly"), config)["loggers"] == LOGGERS["loggers"]


def test_the_graph_is_as_drawn() -> None:
    graph = defs.resolve_asset_graph()
    drawn = {
        key.to_user_string(): (graph.get(key).group_name, {parent.to_user_string() for parent in graph.get(key).parent_keys})
        for key in graph.get_all_asset_keys()
    }
    assert drawn == DAILY | CALIBRATION | CYCLE | EXPERIMENTS | {name: (group, set()) for name, group in EXTERNAL.items()}


def test_every_asset_tells_what_it_is_and_who_owns_it() -> None:
    for spec in defs.resolve_all_asset_specs():
        name = spec.key.to_user_string()
        assert len(spec.description or "") > 40, name
        assert spec.owners == ["team:flywheel"], name
        assert spec.kinds, name


def test_every_table_has_a_blocking_check_of_its_contract() -> None:
    specs = {spec.name: spec for check in contract_checks() for spec in check.check_specs}
    loaded = {key.name for key in defs.resolve_asset_graph().asset_check_keys}
    for table in set(TABLES) - set(UNCHECKED):
        assert specs[f"{table}_keeps_contract"].blocking, table
    assert set(specs) < loaded


def test_the_jobs_cover_every_asset_once() -> None:
    experiments = {"ablate_knowledge": "knowledge_ablation", "tune_single_issues": "single_issue_dpo"}
    selected = {name: _assets(name) for name in ("nightly", "calibrate", "training_cycle", *experiments)}
    alone = {job: {asset} for job, asset in experiments.items()}
    assert selected == {"nightly": set(DAILY), "calibrate": set(CALIBRATION), "training_cycle": set(CYCLE), **alone}


def _assets(job: str) -> set[str]:
    return {key.to_user_string() for key in defs.resolve_job_def(job).asset_layer.executable_asset_keys}


def test_the_instance_and_the_workspace_are_valid(tmp_path, monkeypatch) -> None:
    root = Path(__file__).parents[2]
    (tmp_path / "dagster.yaml").write_bytes((root / "dagster.yaml").read_bytes())
    monkeypatch.chdir(tmp_path)
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert not instance.telemetry_enabled
        assert not instance.get_settings("run_retries")["retry_on_asset_or_op_failure"]
    assert (tmp_path / ".dagster" / "storage").is_dir()
    for name in ("dagster.yaml", "workspace.yaml"):
        lines = [line for line in (root / name).read_text().splitlines() if line.strip()]
        assert sum("#" in line for line in lines) >= len(lines) / 3, name


def test_the_location_is_one_repository_that_loads_as_the_web_ui_loads_it() -> None:
    dg.Definitions.validate_loadable(defs)
