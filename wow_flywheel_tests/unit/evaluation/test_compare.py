"""Paired comparison, the table and the plot."""

import polars as pl
import pytest

from wow_flywheel.contracts import COMPARISONS
from wow_flywheel.errors import ContractError
from wow_flywheel.evaluation.compare import compare, plot_png, table_markdown
from wow_flywheel.evaluation.metrics import summarise


def outcomes(model: str, rr: list[float | None], users: list[str] | None = None) -> pl.DataFrame:
    episodes = [f"e{index}" for index in range(len(rr))]
    return pl.DataFrame(
        {"model": model, "episode": episodes, "user_id": users or episodes, "scenario": "refund", "rr": rr},
        schema_overrides={"rr": pl.Float64},
    )


def test_the_difference_is_candidate_minus_baseline_on_common_episodes() -> None:
    frame = pl.concat([outcomes("base", [1.0, 1.0, 1.0, None]), outcomes("dpo", [0.0, 1.0, None, 0.0])])
    (row,) = compare(frame, "base", "dpo", "c1", "simulated").to_dicts()
    # Common and applicable: e0 (1 → 0) and e1 (1 → 1), mean −½; two customers reach −1 and 0.
    assert (row["difference"], row["low"], row["high"], row["n"]) == (-0.5, -1.0, 0.0, 2)
    assert (row["baseline"], row["candidate"], row["higher_is_better"]) == ("base", "dpo", False)


def test_pairing_removes_what_both_models_share() -> None:
    """Half of the episodes are hard for both. Unpaired, ±0.2 would hide the gain of 0.1; paired, it shows."""
    base = [1.0] * 60 + [0.0] * 60
    better = [0.0] * 12 + [1.0] * 48 + [0.0] * 60
    (row,) = compare(pl.concat([outcomes("base", base), outcomes("dpo", better)]), "base", "dpo", "c", "simulated").to_dicts()
    assert row["difference"] == pytest.approx(-0.1)
    assert row["high"] < -0.04


def test_order_of_rows_does_not_matter() -> None:
    frame = pl.concat([outcomes("base", [1.0, 0.0, 1.0]), outcomes("dpo", [0.0, 0.0, 1.0])])
    shuffled = frame.sample(fraction=1.0, shuffle=True, seed=3)
    first, second = (compare(each, "base", "dpo", "c", "offline")["difference"][0] for each in (frame, shuffled))
    assert first == second == pytest.approx(-1 / 3)


def test_a_metric_without_common_episodes_has_no_difference() -> None:
    frame = pl.concat([outcomes("base", [None, 1.0]), outcomes("dpo", [1.0, None])])
    rows = compare(frame, "base", "dpo", "c", "offline")
    assert rows.schema == pl.Schema(COMPARISONS.columns)
    assert rows.select("difference", "low", "high", "n").rows() == [(None, None, None, 0)]


def test_what_cannot_be_compared_is_refused() -> None:
    frame = pl.concat([outcomes("base", [1.0, 0.0]), outcomes("dpo", [1.0, 0.0])])
    with pytest.raises(ContractError, match=r"cannot compare 'sft' with 'base': the outcomes are of \['base', 'dpo'\]"):
        compare(frame, "base", "sft", "c", "offline")
    with pytest.raises(ContractError, match="cannot compare"):
        compare(frame, "base", "base", "c", "offline")
    strangers = pl.concat([outcomes("base", [1.0], ["u1"]), outcomes("dpo", [1.0], ["u2"])])
    with pytest.raises(ContractError, match="different customers"):
        compare(strangers, "base", "dpo", "c", "offline")
    apart = pl.concat([outcomes("base", [1.0]), outcomes("dpo", [1.0]).with_columns(episode=pl.lit("other"))])
    with pytest.raises(ContractError, match="share no episode"):
        compare(apart, "base", "dpo", "c", "offline")


def evaluations() -> pl.DataFrame:
    frame = pl.concat([outcomes("base", [1.0, 1.0]), outcomes("dpo", [0.0, None])])
    return summarise(frame.with_columns(reply_loss=pl.when(pl.col("model") == "base").then(1.25)), "c1", "simulated")


def test_the_table_gives_value_interval_and_n() -> None:
    # Wilson of 2 in 2: from 2 / (2 + 3.841459) = 34.2 %; of 0 in 1: to 3.841459 / 4.841459 = 79.3 %.
    assert table_markdown(evaluations()).splitlines() == [
        "| metric | kind | unit | base | dpo |",
        "|---|---|---|---|---|",
        "| rr ↓ | simulated | % | **100.0** [34.2, 100.0], n = 2 | **0.0** [0.0, 79.3], n = 1 |",
        "| reply_loss ↓ | simulated | nats per token | **1.250** [1.250, 1.250], n = 2 | not applicable |",
    ]


def test_the_plot_is_a_png_of_some_size() -> None:
    image = plot_png(evaluations())
    assert image.startswith(b"\x89PNG\r\n")
    assert len(image) > 5000


def test_nothing_to_plot_is_said() -> None:
    with pytest.raises(ContractError, match="nothing to plot"):
        plot_png(evaluations().with_columns(value=pl.lit(None, pl.Float64)))
