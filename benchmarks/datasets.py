"""What do a cycle's datasets cost? `python -m benchmarks.datasets --conversations 100000`.

What belongs here: a lake of that many Good Cases, and one build of their datasets with its time and peak memory. What does not:
how they are built (`wow_flywheel.datasets`).

Conversations come from the STAR logs, repeated; each repetition has other customers and other numbers, so that many are near
duplicates of each other: the hard case for components and for the scan.
"""

import argparse
import resource
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from benchmarks.near_duplicates import STAR, build
from wow_flywheel.contracts import CASES
from wow_flywheel.conversations.duplicates.fingerprints import fingerprints
from wow_flywheel.datasets.build import build_datasets
from wow_flywheel.datasets.files import write
from wow_flywheel.lake import Lake

DAY = date(2026, 1, 1)


def main(argv: Sequence[str] | None = None) -> None:
    """Fill a lake, build the datasets, print what it took."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.datasets", description=__doc__)
    parser.add_argument("--conversations", type=int, default=100_000, help="how many Good Cases")
    parser.add_argument("--logs", type=Path, default=STAR, help="folder of dt=…/*.jsonl.gz to repeat")
    args = parser.parse_args(argv)
    with TemporaryDirectory() as folder:
        lake = filled(Path(folder), args.logs, args.conversations)
        before, started = peak(), time.perf_counter()
        built = build_datasets(lake, "2026-01-01", [DAY])
        seconds = time.perf_counter() - started
        write(built, Path(folder) / "cycle")
        written = time.perf_counter() - started - seconds
    print(f"{args.conversations} conversations: built in {seconds:.0f} s, written in {written:.0f} s, peak {peak():.0f} MiB")
    print(f"({before:.0f} MiB before); rows {dict(built.counts)}; left out {dict(built.left_out['sft_dataset'])}")


def filled(root: Path, logs: Path, count: int) -> Lake:
    """A lake whose conversations are all Good Cases."""
    build(logs, count, root / "conversations.parquet")
    rows = pl.read_parquet(root / "conversations.parquet")
    round_ = pl.col("conversation_id").str.extract(r"-(\d+)$")
    rows = rows.with_columns(user_id=pl.format("{}-{}", "user_id", round_))
    lake = Lake(str(root / "lake"))
    lake.replace("conversations", rows, DAY)
    lake.replace("fingerprints", fingerprints(rows), DAY)
    constant = {"label": "good", "solved_score": 1.0, "satisfied_score": 1.0, "decided_by": "rules"}
    cases = rows.select("dt", "conversation_id", "user_id", "scenario").with_columns(
        *(pl.lit(value).alias(name) for name, value in constant.items()),
        reasons=pl.lit(["benchmark"]),
        issue_types=pl.lit([], pl.List(pl.String)),
    )
    lake.replace("cases", CASES.conform(cases), DAY)
    return lake


def peak() -> float:
    """MiB that this process held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
