"""How many Bad Cases become pairs, and how many of these are right: `python -m benchmarks.pairs`.

What belongs here: the tables of docs/pairs.md. What does not: the closed world's truth (`pairs_world`), rewriting
(`wow_flywheel.pairs`). Prints Markdown; about a minute on two cores.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from benchmarks.pairs_world import World, world
from wow_flywheel.dialogue import DialogueAction
from wow_flywheel.pairs.build import Pairs, build_pairs
from wow_flywheel.pairs.hygiene import findings
from wow_flywheel.pairs.limits import PairLimits

UNBOUND = PairLimits(length_ratio=1e9, length_classifier=1, prefix_gap=1, near_duplicate=1, per_user=10**6, per_template=10**6)


def main(argv: Sequence[str] | None = None) -> None:
    """Print what becomes of a day of the closed world."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pairs", description=__doc__)
    parser.add_argument("--conversations", type=int, default=300, help="of each of the two days")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(argv)
    with TemporaryDirectory() as folder:
        day = world(Path(folder), args.conversations, args.seed)
        print("\n".join(report(day)))


def report(day: World) -> Iterator[str]:
    """Stages, what the oracle says of the chosen sides, and the numbers of the checks, before and after the selection."""
    every, kept = (_built(day, limits) for limits in (UNBOUND, PairLimits()))
    yield "| stage | turns or candidates |\n|---|---:|"
    yield from (f"| {name} | {count} |" for name, count in kept.counts.items())
    yield "\n| decided by | reason | candidates |\n|---|---|---:|"
    plain = kept.candidates.with_columns(
        pl.col("reason").str.replace_all(r"nearly the same as .*", "nearly the same as another")
    )
    counted = plain.group_by("stage", "reason").len("n").sort("n", "stage", "reason", descending=[True, False, False])
    yield from (f"| {stage} | {reason} | {n} |" for stage, reason, n in counted.iter_rows())
    yield "\n| pairs | source | issue type | pairs | right |\n|---|---|---|---:|---:|"
    for name, done in (("before the selection", every), ("after it", kept)):
        yield from _right(day, done, name)
    yield "\n| number | before the selection | after it |\n|---|---|---|"
    languages = {"en": kept.counts["bad_cases"]}
    for one, other in zip(*(findings(done.pairs, languages, PairLimits()) for done in (every, kept)), strict=True):
        yield f"| {one.check} | {one.sentence} | {other.sentence} |"


def _built(day: World, limits: PairLimits) -> Pairs:
    talks = day.talks
    known = (day.pool, day.knowledge, day.procedures)
    return build_pairs(talks.cases, talks.conversations, talks.inspections, *known, limits=limits)


def _right(day: World, done: Pairs, name: str) -> Iterator[str]:
    """How many chosen sides the customer would not have minded and the database not shown wrong."""
    rows = done.pairs.select("conversation_id", "turn", "chosen", "source", "issue_type")
    right = [
        (output := DialogueAction.from_json(chosen)) is not None and not day.faults(conversation, turn, output)
        for conversation, turn, chosen in rows.select("conversation_id", "turn", "chosen").iter_rows()
    ]
    judged = rows.with_columns(right=pl.Series(right, dtype=pl.Boolean))
    by = judged.group_by("source", "issue_type").agg(pl.len().alias("n"), pl.col("right").sum()).sort("source", "issue_type")
    yield from (f"| {name} | {source} | {issue} | {n} | {good} |" for source, issue, n, good in by.iter_rows())
    share = f"{sum(right)} ({sum(right) / len(right):.1%})" if right else "–"
    yield f"| {name} | all | all | {len(right)} | {share} |"


if __name__ == "__main__":
    main()
