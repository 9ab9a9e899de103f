"""DPO end to end."""

import json
import math
from pathlib import Path

import pytest

from wow_flywheel.errors import TrainingError
from wow_flywheel.training import dpo
from wow_flywheel.training.config import DpoConfig
from wow_flywheel_tests.training import world


def run(model: Path, data: Path, folder: Path, *more: str) -> list[dict]:
    argv = ["--model", str(model), "--pairs", str(data / "pairs.jsonl"), "--output-dir", str(folder), *world.SHORT]
    assert dpo.main([*argv, "--learning-rate", "0.002", *more]) == 0
    return [json.loads(line) for line in (folder / "loss.jsonl").read_text().splitlines()]


@pytest.mark.parametrize(
    "more",
    [
        ("--epochs", "3", "--packing", "always"),
        ("--max-steps", "3"),
        ("--lora-rank", "4", "--max-steps", "8", "--learning-rate", "0.01"),
    ],
    ids=["packed", "padded", "LoRA"],
)
def test_the_first_loss_is_ln_2_and_the_margin_grows(sft_model: Path, data: Path, tmp_path: Path, more: tuple) -> None:
    rows = run(sft_model / "model", data, tmp_path, *more)
    assert rows[0]["loss"] == pytest.approx(0.6931, abs=1e-3)
    assert rows[0]["rewards/margins"] == pytest.approx(0, abs=1e-4)
    assert rows[-1]["rewards/margins"] > 0.05
    assert rows[-1]["rewards/accuracies"] >= 0.5
    assert rows[-1]["loss"] < rows[0]["loss"]


@pytest.mark.parametrize(
    ("loss", "first"),
    [("ipo", 25.0), ("hinge", 1.0), ("sigmoid_norm", math.log(2)), ("apo_zero", 1.0), ("apo_down", 1.0)],
)
def test_each_loss_starts_where_its_formula_says_and_widens_the_margin(
    sft_model: Path, data: Path, tmp_path: Path, loss: str, first: float
) -> None:
    """With all rewards 0 and β = 0.1: IPO (1 / 2β)², hinge max(0, 1), APO 1 - σ(0) + σ(0)."""
    rows = run(sft_model / "model", data, tmp_path, "--max-steps", "6", "--loss-type", loss)
    assert rows[0]["loss"] == pytest.approx(first, rel=1e-3)
    assert rows[-1]["rewards/margins"] > 0.02
    assert rows[-1]["loss"] < rows[0]["loss"]


def test_the_nll_of_the_chosen_answer_is_added(sft_model: Path, data: Path, tmp_path: Path) -> None:
    rows = run(sft_model / "model", data, tmp_path, "--max-steps", "4", "--sft-weight", "1")
    nll = rows[0]["loss"] - math.log(2)
    assert 0.3 < nll < 4, "the NLL of a half-trained model"
    assert rows[-1]["rewards/chosen"] > 0, "the chosen answer becomes likelier"


def test_a_reference_that_is_another_model_is_noticed() -> None:
    config = DpoConfig(model="m", output_dir="o", pairs="p")
    dpo.check_reference(config, {"loss": 0.6931, "rewards/chosen": 0.0, "rewards/rejected": 0.0})
    for logs in (
        {"loss": 0.55, "rewards/chosen": 0.0, "rewards/rejected": 0.0},
        {"loss": 0.6931, "rewards/chosen": 0.4, "rewards/rejected": 0.4},
        {"loss": math.nan, "rewards/chosen": 0.0, "rewards/rejected": math.nan},
    ):
        with pytest.raises(TrainingError, match="reference"):
            dpo.check_reference(config, logs)


def write_typed(data: Path, path: Path) -> Path:
    pairs = [json.loads(line) for line in (data / "pairs.jsonl").read_text().splitlines()]
    world.write_jsonl(path, [{**pair, "issue_type": ("policy", "repetition")[at % 2]} for at, pair in enumerate(pairs)])
    return path


def test_each_issue_type_is_told_apart(sft_model: Path, data: Path, tmp_path: Path) -> None:
    pairs = write_typed(data, tmp_path / "typed.jsonl")
    rows = run(sft_model / "model", data, tmp_path / "run", "--pairs", str(pairs), "--epochs", "4", "--packing", "always")
    for kind in ("policy", "repetition"):
        assert rows[0].get(f"rewards/margins/{kind}", 0.0) == pytest.approx(0, abs=1e-4)
        assert rows[-1][f"rewards/margins/{kind}"] > 0.05
        assert 0 <= rows[-1][f"rewards/accuracies/{kind}"] <= 1
    mean = (rows[-1]["rewards/margins/policy"] + rows[-1]["rewards/margins/repetition"]) / 2
    assert rows[-1]["rewards/margins"] == pytest.approx(mean, rel=0.2)


def test_a_run_of_one_issue_type_reads_the_scores_of_an_earlier_run(
    sft_model: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wow_flywheel.training import preference_trainer

    pairs = write_typed(data, tmp_path / "typed.jsonl")
    cache = ["--pairs", str(pairs), "--reference-cache", str(tmp_path / "cache"), "--epochs", "1"]
    both = run(sft_model / "model", data, tmp_path / "both", *cache)
    monkeypatch.setattr(preference_trainer, "_score", lambda *_: pytest.fail("scored again"))
    one = run(sft_model / "model", data, tmp_path / "one", *cache, "--issue-types", "policy", "--beta", "0.3")
    assert json.loads((tmp_path / "one" / "run.json").read_text())["examples"] == 16
    assert one[0]["loss"] == pytest.approx(both[0]["loss"], abs=1e-3) == pytest.approx(math.log(2), abs=1e-3)


def test_packed_and_padded_runs_have_one_curve(sft_model: Path, data: Path, tmp_path: Path) -> None:
    curves = [
        [row["loss"] for row in run(sft_model / "model", data, tmp_path / setting, "--epochs", "2", "--packing", setting)]
        for setting in ("always", "never")
    ]
    assert curves[0] == pytest.approx(curves[1], abs=2e-4)


def test_a_run_whose_chosen_answers_collapse_is_stopped(
    sft_model: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    argv = ["--model", str(sft_model / "model"), "--pairs", str(data / "pairs.jsonl"), "--output-dir", str(tmp_path)]
    argv += [*world.SHORT, "--logging-steps", "1", "--max-steps", "40", "--learning-rate", "0.3", "--warmup", "0"]
    assert dpo.main([*argv, "--loss-type", "hinge", "--beta", "5"]) == 1
    assert "nats per token less likely than under the reference" in capsys.readouterr().err
    assert not (tmp_path / "model").exists()
    config = DpoConfig(model="m", output_dir="o", pairs="p", max_chosen_drop=0.0)
    dpo.check_chosen(config, 5, 99.0)
