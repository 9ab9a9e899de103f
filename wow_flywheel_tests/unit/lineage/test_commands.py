"""`wow-flywheel lineage` on a lake with one cycle: two conversations trained on, one held out, a policy that changed since."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from wow_flywheel.cli import app
from wow_flywheel.contracts import SFT_DATASET
from wow_flywheel.datasets.manifest import Manifest, Parents
from wow_flywheel.lake import Lake
from wow_flywheel.policies.recognise import match
from wow_flywheel.policies.units import load_policies
from wow_flywheel_tests.unit.cases.rows import DAY
from wow_flywheel_tests.unit.datasets.good_cases import TALK, conversation, conversations, labels

RUNNER = CliRunner()
POLICY = "id: refund-time\nscenarios: [refund]\ntext: A refund arrives in {} days.\n"


def trained(conversation_id: str, split: str, **columns: Any) -> dict[str, Any]:
    row = dict.fromkeys(SFT_DATASET.columns) | {
        "cycle": "c1", "dt": DAY, "conversation_id": conversation_id, "user_id": conversation_id, "scenario": "refund",
        "split": split, "messages": TALK, "language": "en", "source": "good_case",
    }  # fmt: skip
    return row | columns


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """Conversations a, b and e, judged by the policy of three days; today's says four."""
    lake, policies, models = Lake(str(tmp_path / "lake")), tmp_path / "policies", tmp_path / "models"
    for name, value in {"LAKE": lake.uri, "POLICIES": str(policies), "MODELS": str(models)}.items():
        monkeypatch.setenv(f"WOW_{name}_URI", value)
    talks = [conversation(name, name) for name in "abe"]
    said = conversations(*talks)
    lake.replace("conversations", said, DAY)
    lake.replace("cases", labels("good", *talks), DAY)
    policies.mkdir()
    (policies / "refund.yaml").write_text(POLICY.format(3))
    lake.replace("policy_matches", match(said, load_policies(str(policies)), said.clear()), DAY)
    (policies / "refund.yaml").write_text(POLICY.format(4))
    rows = [
        trained("a", "train"), trained("b", "train"), trained("e", "held_out"),
        trained("knowledge/refund-time/0", "train", dt=None, source="knowledge"),
    ]  # fmt: skip
    lake.replace("sft_dataset", pl.DataFrame(rows, schema=SFT_DATASET.columns), "c1")
    folder = models / "cycles" / "c1"
    (folder / "sft" / "model").mkdir(parents=True)
    Manifest(
        cycle="c1", created_at=dt.datetime(2026, 3, 4, tzinfo=dt.UTC), source_partitions=(DAY,), files={}, counts={},
        table_versions={}, parents=Parents(base_model="tiny"),
    ).save(folder / "manifest.json")  # fmt: skip
    return lake


def call(*arguments: str) -> Result:
    return RUNNER.invoke(app, ["lineage", *arguments])


def told(*arguments: str) -> Any:
    result = call(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


def test_a_policy_names_what_is_stale_what_was_trained_on_and_by_which_models(lake: Lake, tmp_path: Path) -> None:
    (judged_by,) = lake.read("policy_matches")["policy_version"].unique()
    assert told("policy", "refund-time") == {
        "policy_id": "refund-time",
        "versions": {judged_by: 3},
        "stale": {"cases": 3},
        "datasets": [{"cycle": "c1", "dataset": "sft_dataset", "rows": 3}],
        "models": [{"cycle": "c1", "models": [str(tmp_path / "models/cycles/c1/sft/model")], "releases": []}],
    }


@pytest.mark.usefixtures("lake")
def test_a_policy_that_nobody_knows_is_refused_with_where_to_look() -> None:
    result = call("policy", "refund-tme")
    assert result.exit_code == 1
    assert "no policy or knowledge unit 'refund-tme' is known" in result.output
    assert "WOW_POLICIES_URI" in result.output


@pytest.mark.usefixtures("lake")
def test_a_conversation_names_its_datasets_and_only_a_trained_one_reached_a_model() -> None:
    seen, kept_aside = told("conversation", "a"), told("conversation", "e")
    assert seen["datasets"] == [{"cycle": "c1", "dataset": "sft_dataset", "split": "train", "as": "itself"}]
    assert [(each["cycle"], each["directly"]) for each in seen["models"]] == [("c1", True)]
    assert [each["split"] for each in kept_aside["datasets"]] == ["held_out"]
    assert kept_aside["models"] == []


@pytest.mark.usefixtures("lake")
def test_a_model_names_its_conversations_and_the_table_shows_the_same() -> None:
    (cycle,) = told("model", "c1-sft")
    assert {row["conversation_id"] for row in cycle["conversations"]} == {"a", "b", "knowledge/refund-time/0"}
    assert cycle["base_model"] == "tiny"
    shown = call("model", "c1-sft")
    assert shown.exit_code == 0
    assert "cycle c1, started from tiny" in shown.output
    assert "knowledge/refund-time/0" in shown.output
