"""What do all rules cost beside six hand-tuned ones? `python -m benchmarks.rules --turns 1000000`.

What belongs here: the two sides on the same Parquet file, each in a process of its own, taken in turns; the printed ratio.
What does not: rules (`sql/rules/`), live conversations (`benchmarks.rules_online`).

The peer is one DuckDB query for six rules (repetition, near repetition by token-set Jaccard, the same question twice,
shape, twenty complaint phrases, numbers not grounded), tuned by hand: columns picked while reading, hash groups in place of
windows, byte counts before regular expressions, nothing but counts as its result. Ours reads the same file, runs every rule
of `sql/rules/`, and gives the findings with quote and evidence. The bar is the peer's time, times the number of rules over
six, times 1.5.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.near_duplicates import STAR
from benchmarks.rules_data import build, procedures

PEER: Final = (Path(__file__).parent / "rules_peer.sql").read_text(encoding="utf-8")
PEER_RULES: Final = 6
BAR: Final = 1.5


def main(argv: Sequence[str] | None = None) -> None:
    """Build the conversations, run each side, print a Markdown table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rules", description=__doc__)
    parser.add_argument("--turns", type=int, default=1_000_000, help="at least this many")
    parser.add_argument("--runs", type=int, default=3, help="of each side; the best counts")
    parser.add_argument("--logs", type=Path, default=STAR, help="folder of dt=…/*.jsonl.gz to repeat")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.side:
        print(json.dumps(measured(SIDES[args.side], args.file)))
        return
    with TemporaryDirectory() as folder:
        file = Path(folder) / "conversations.parquet"
        turns = build(args.logs, args.turns, file)
        done: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
        for _ in range(args.runs):
            for side in SIDES:
                done[side].append(child(side, file, args.logs))
    print(report(turns, done))


def ours(file: Path) -> tuple[int, int]:
    """All rules as the daily partition runs them; how many rules and findings."""
    import polars as pl

    from wow_flywheel.knowledge.load import KNOWLEDGE_SCHEMA
    from wow_flywheel.rules.engine import find
    from wow_flywheel.rules.registry import load_rules

    found = find(pl.read_parquet(file), pl.DataFrame(schema=KNOWLEDGE_SCHEMA), procedures(STAR))
    return len(load_rules()), found.height


def peer(file: Path) -> tuple[int, int]:
    """The hand-tuned query; how many rules and findings."""
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("SET threads = 2; SET preserve_insertion_order = false")
        counted = connection.execute(PEER, {"file": str(file)}).fetchall()
    return PEER_RULES, sum(count for _, count in counted)


SIDES: Final[dict[str, Callable[[Path], tuple[int, int]]]] = {"ours": ours, "peer": peer}


def measured(side: Callable[[Path], tuple[int, int]], file: Path) -> dict[str, float]:
    """Seconds, rules, findings and peak memory of one run in this process."""

    started = time.perf_counter()
    rules, findings = side(file)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"seconds": seconds, "rules": rules, "findings": findings, "peak_gib": peak}


def child(side: str, file: Path, logs: Path) -> dict[str, float]:
    """One run of one side in a process of its own, on two cores."""
    command = [sys.executable, "-m", "benchmarks.rules", "--side", side, "--file", str(file), "--logs", str(logs)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    result: dict[str, float] = json.loads(printed.splitlines()[-1])
    return result


def report(turns: int, done: dict[str, list[dict[str, float]]]) -> str:
    """The table and the ratio to the bar."""
    lines = [f"{turns:,} turns", "", "| side | rules | findings | seconds, best (all) | peak GiB |", "|---|---|---|---|---|"]
    best = {side: min(run["seconds"] for run in runs) for side, runs in done.items()}
    for side, runs in done.items():
        each = ", ".join(f"{run['seconds']:.2f}" for run in runs)
        peak = max(run["peak_gib"] for run in runs)
        lines.append(
            f"| {side} | {runs[0]['rules']:.0f} | {runs[0]['findings']:,.0f} | {best[side]:.2f} ({each}) | {peak:.2f} |"
        )
    scaled = best["peer"] * done["ours"][0]["rules"] / PEER_RULES
    lines += ["", f"time of ours / (peer × rules / {PEER_RULES}): {best['ours'] / scaled:.2f} (bar {BAR})"]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
