"""The wheel's report names the command that makes it again."""

import polars as pl

from benchmarks import ablations
from benchmarks.wheel import call


def test_the_command_names_seeds_turns_and_whether_parts_were_left_out() -> None:
    outcomes = pl.DataFrame({"model": ["before"]})
    assert call([{"seed": 1, "ablations": None}], 2) == "python -m benchmarks.wheel --seeds 1 --turns 2"
    varied = [{"seed": seed, "ablations": outcomes} for seed in (1, 3)]
    assert call(varied, 2) == "python -m benchmarks.wheel --seeds 1 3 --turns 2 --ablations"
    assert call(varied, 1, 1600) == "python -m benchmarks.wheel --seeds 1 3 --turns 1 --conversations 1600 --ablations"


def outcomes(model: str, solved: list[float]) -> pl.DataFrame:
    episodes = [f"e{at}" for at in range(len(solved))]
    played = {"model": model, "episode": episodes, "user_id": episodes, "scenario": "refund"}
    return pl.DataFrame(
        played | {name: [1.0 - s for s in solved] for name in ("usm1", "rr")} | {"usm2": solved, "solve_rate": solved}
    )


def test_tuning_is_set_beside_sft_and_each_variant_beside_the_model_in_use() -> None:
    solved = {"before": [0.0] * 20, ablations.GOOD_ONLY: [1.0] * 5 + [0.0] * 15, ablations.KTO: [1.0] * 15 + [0.0] * 5}
    models = {name: solved.get(name, [1.0] * 20) for name in ("before", *ablations.VARIANTS)}
    told = ablations.report({1: pl.concat([outcomes(*each) for each in models.items()])}).splitlines()
    (against_use,) = (line for line in told if line.startswith(f"| {ablations.KTO} |"))
    (against_sft,) = (line for line in told if line.startswith("| KTO |"))
    assert against_use == "| KTO for DPO | -75.0 (-75.0*) | +75.0 (+75.0*) | -75.0 (-75.0*) | +75.0 (+75.0*) |"
    assert [cell.split()[0] for cell in against_sft.split(" | ")[1:]] == ["-50.0", "+50.0", "-50.0", "+50.0"]
