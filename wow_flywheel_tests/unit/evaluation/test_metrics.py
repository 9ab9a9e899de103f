"""The registry, and the summary of outcomes."""

import polars as pl
import pytest

from wow_flywheel.contracts import EVALUATIONS
from wow_flywheel.errors import ContractError
from wow_flywheel.evaluation.metrics import METRICS, Metric, MetricRegistry, summarise

SOLVED = Metric("solve_rate", "share", True, "episodes", 1, "Solved.", yes_or_no=True)


def outcomes(**metrics: list[float | None]) -> pl.DataFrame:
    """Two episodes of the model `base` by two customers."""
    return pl.DataFrame(
        {"model": ["base"] * 2, "episode": ["e1", "e2"], "user_id": ["u1", "u2"], "scenario": ["refund"] * 2, **metrics}
    )


def test_directions_follow_the_report() -> None:
    assert {metric.name: metric.arrow for metric in METRICS} == {
        "solve_rate": "↑",
        "usm1": "↓",
        "usm2": "↑",
        "rr": "↓",
        "action_accuracy": "↑",
        "format_validity": "↑",
        "slot_f1": "↑",
        "step_accuracy": "↑",
        "r_kn": "↑",
        "repair_rate": "↑",
        "reply_loss": "↓",
        "too_long": "↓",
        "general_loss": "↓",
        "general_loss_change": "↓",
        "tokens_per_reply": "↓",
        "latency": "↓",
        "judge_preference": "↑",
    }


def test_a_name_is_given_once() -> None:
    registry = MetricRegistry()
    registry.register(SOLVED)
    with pytest.raises(ContractError, match="'solve_rate' is taken"):
        registry.register(SOLVED)


def test_a_key_column_is_no_metric_name() -> None:
    with pytest.raises(ContractError, match="'user_id' is taken"):
        MetricRegistry().register(Metric("user_id", "share", True, "episodes", 1, ""))


def test_a_misspelt_name_gets_a_suggestion() -> None:
    with pytest.raises(ContractError, match="did you mean 'solve_rate'"):
        METRICS.get("solved_rate")


def test_a_strange_name_gets_the_list() -> None:
    with pytest.raises(ContractError, match="action_accuracy"):
        METRICS.get("zzz")


def test_a_yes_or_no_metric_gets_wilson_and_a_mean_gets_the_bootstrap() -> None:
    rows = summarise(outcomes(rr=[1.0, 0.0], action_accuracy=[0.25, 0.75]), "c1", "simulated")
    assert rows.schema == pl.Schema(EVALUATIONS.columns)
    rr, accuracy = rows.to_dicts()
    # Wilson of 1 in 2: 0.5 ± 1.959964 / (2 · √(2 + 3.841459)) = 0.5 ± 0.405469.
    assert (rr["metric"], rr["value"], rr["n"], rr["higher_is_better"]) == ("rr", 0.5, 2, False)
    assert (rr["unit"], rr["metric_version"], rr["interval"], accuracy["interval"]) == ("share", 1, "wilson", "bootstrap")
    assert (rr["low"], rr["high"]) == pytest.approx((0.094531, 0.905469), abs=1e-5)
    assert (accuracy["value"], accuracy["low"], accuracy["high"], accuracy["higher_is_better"]) == (0.5, 0.25, 0.75, True)


def test_episodes_to_which_a_metric_does_not_apply_are_left_out() -> None:
    rows = summarise(outcomes(action_accuracy=[None, 1.0], solve_rate=[None, None]), "c1", "simulated")
    assert rows.select("metric", "value", "low", "n").rows() == [
        ("action_accuracy", 1.0, None, 1),
        ("solve_rate", None, None, 0),
    ]


def test_each_model_is_summed_up_alone() -> None:
    frame = pl.concat([outcomes(usm2=[1.0, 1.0]), outcomes(usm2=[0.0, 1.0]).with_columns(model=pl.lit("dpo"))])
    assert summarise(frame, "c1", "offline").select("model", "value", "kind").rows() == [
        ("base", 1.0, "offline"),
        ("dpo", 0.5, "offline"),
    ]


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (outcomes(rr=[0.5, 1.0]), "rr has values other than 0 and 1"),
        (outcomes(reply_loss=[float("nan"), 1.0]), "reply_loss has values that are not finite"),
        (outcomes(repetition=[0.0, 1.0]), "no metric is called 'repetition'"),
        (outcomes(rr=[0.0, 1.0]).drop("user_id"), r"lacks the columns \['user_id'\]"),
        (outcomes(rr=[0.0, 1.0]).with_columns(user_id=pl.lit(None, pl.String)), r"nulls in \['user_id'\]"),
        (outcomes(rr=[0.0, 1.0]).with_columns(episode=pl.lit("e1")), "repeats an episode"),
    ],
)
def test_malformed_outcomes_are_refused(frame: pl.DataFrame, message: str) -> None:
    with pytest.raises(ContractError, match=message):
        summarise(frame, "c1", "simulated")
