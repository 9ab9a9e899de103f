"""The wheel's report names the command that makes it again."""

import polars as pl

from benchmarks.wheel import call


def test_the_command_names_seeds_turns_and_whether_parts_were_left_out() -> None:
    outcomes = pl.DataFrame({"model": ["before"]})
    assert call([{"seed": 1, "ablations": None}], 2) == "python -m benchmarks.wheel --seeds 1 --turns 2"
    varied = [{"seed": seed, "ablations": outcomes} for seed in (1, 3)]
    assert call(varied, 2) == "python -m benchmarks.wheel --seeds 1 3 --turns 2 --ablations"
