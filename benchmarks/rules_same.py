"""Do live conversations get the findings of the day? `python -m benchmarks.rules_same --logs FOLDER…`

What belongs here: both ways over real logs, compared finding by finding, evidence, severity and version included. What does
not: speed (`rules`, `rules_online`), made-up conversations (the tests). `skipped_step` is left out: a day weighs it against
its other conversations. Exits with 1 where anything differs.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.near_duplicates import STAR
from benchmarks.rules_data import conversations, procedures
from wow_flywheel.rules import Checker
from wow_flywheel.rules.engine import find
from wow_flywheel.rules.online import KNOWLEDGE

WEIGHED_BY_THE_DAY = "skipped_step"
COMPARED = ("turn", "rule_id", "quote", "evidence", "severity", "rule_version")

Found = list[tuple[Any, ...]]


def main(argv: Sequence[str] | None = None) -> int:
    """Print a Markdown table, and the first conversations that differ; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rules_same", description=__doc__)
    parser.add_argument("--logs", type=Path, nargs="+", default=[STAR], help="folders of dt=…/*.jsonl.gz")
    args = parser.parse_args(argv)
    print("| logs | conversations | findings | conversations that differ |\n|---|---:|---:|---:|")
    differing = 0
    for logs in args.logs:
        numbered = pl.int_range(pl.len()).cast(pl.String)  # two days may share an id
        talks = conversations(logs).with_columns(conversation_id=numbered)
        day, live = of_a_day(talks, logs), of_each(talks, logs)
        odd = [name for name in talks["conversation_id"] if day[name] != live[name]]
        differing += len(odd)
        print(f"| {logs} | {talks.height} | {sum(map(len, live.values()))} | {len(odd)} |", flush=True)
        for name in odd[:3]:
            print(f"{name}: of the day alone {set(day[name]) - set(live[name])}, live alone {set(live[name]) - set(day[name])}")
    return 1 if differing else 0


def of_a_day(talks: pl.DataFrame, logs: Path) -> Mapping[str, Found]:
    """What the daily partition finds, by conversation."""
    found = find(talks, KNOWLEDGE.to_frame(), procedures(logs))
    grouped: dict[str, Found] = defaultdict(list)
    for name, rows in found.group_by("conversation_id"):
        grouped[str(name[0])] = compared(rows.iter_rows(named=True))
    return grouped


def of_each(talks: pl.DataFrame, logs: Path) -> Mapping[str, Found]:
    """What a live system finds, one conversation after another."""
    checker = Checker(None, procedures(logs))
    if checker.left:
        print(f"not compiled, so run by DuckDB: {checker.left}", file=sys.stderr)
    return {talk["conversation_id"]: compared(checker.check(talk)) for talk in talks.iter_rows(named=True)}


def compared(findings: Iterable[Mapping[str, Any]]) -> Found:
    """Findings in one order, as what is compared of them."""
    kept = (each for each in findings if each["rule_id"] != WEIGHED_BY_THE_DAY)
    return sorted(tuple(each[name] for name in COMPARED) for each in kept)


if __name__ == "__main__":
    sys.exit(main())
