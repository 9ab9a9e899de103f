"""What does `nightly` make of real logs? Every day of them: `python -m benchmarks.nightly --logs FOLDER [--policies FILE]`.

What belongs here: running the job a day at a time, in a folder of its own, and counting what its tables say. What does not: any
metric. Prints Markdown; `--write FILE` also appends it to a file. About fifteen seconds a day, most of it imports.
"""

import argparse
import datetime as dt
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import polars as pl

from wow_flywheel.contracts import LABELS
from wow_flywheel.conversations.sources import LogSource
from wow_flywheel.lake import Lake

ROOT: Final = Path(__file__).parent.parent
NONE: Final = "/nonexistent"
HEADER: Final = ("day", "conversations", "quarantined", "findings", *LABELS, "USM 1", "USM 2", "RR")


def main(argv: Sequence[str] | None = None) -> None:
    """Run `nightly` for each day, then print a table of the days."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.nightly", description=__doc__)
    parser.add_argument("--logs", required=True, help="folder or s3:// prefix with dt=YYYY-MM-DD folders")
    parser.add_argument("--policies", default=NONE, help="procedures; none by default")
    parser.add_argument("--knowledge", default=NONE, help="knowledge units; none by default")
    parser.add_argument("--write", type=Path, help="Markdown file to append to")
    args = parser.parse_args(argv)
    with TemporaryDirectory() as folder:
        shutil.copy(ROOT / "dagster.yaml", folder)
        days = LogSource.at(args.logs).days()
        env = environment(Path(folder), *map(absolute, (args.logs, args.policies, args.knowledge)))
        started = time.monotonic()
        for day in days:
            run(day, folder, env)
        seconds = time.monotonic() - started
        text = report(args.logs, Lake.at(f"{folder}/lake"), days, seconds)
    print(text)
    if args.write:
        with args.write.open("a", encoding="utf-8") as file:
            file.write(text)


def absolute(uri: str) -> str:
    """A path that means the same in another folder."""
    return uri if "://" in uri else str(Path(uri).resolve())


def environment(folder: Path, logs: str, policies: str, knowledge: str) -> dict[str, str]:
    """The variables of a run that touches nothing but its own folder and the logs."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WOW_")}
    own = {
        "DAGSTER_HOME": str(folder),
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "ignore:Function",
        "WOW_LOGS_URI": logs,
        "WOW_LAKE_URI": str(folder / "lake"),
        "WOW_MODELS_URI": str(folder / "models"),
        "WOW_POLICIES_URI": policies,
        "WOW_KNOWLEDGE_URI": knowledge,
    }
    return kept | own


def run(day: dt.date, folder: str, env: Mapping[str, str]) -> None:
    """One `dagster job execute`.

    Raises:
        SystemExit: It failed; with the end of what it printed.
    """
    print(f"nightly {day}", file=sys.stderr, flush=True)
    partition = json.dumps({"dagster/partition": str(day)})
    job = ["-m", "wow_flywheel.definitions", "-j", "nightly", "--tags", partition]
    command = [sys.executable, "-m", "dagster", "job", "execute", *job]
    done = subprocess.run(command, cwd=folder, env=dict(env), check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{day} failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")


def report(logs: str, lake: Lake, days: Sequence[dt.date], seconds: float) -> str:
    """A line a day, and the sum."""
    rows = [line(lake, str(day), [day]) for day in days]
    total = line(lake, "**all**", list(days))
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}"
    return "\n".join(
        [
            f"### {Path(logs).parent.name}",
            "",
            f"{len(days)} days in {seconds:.0f} s, peak memory {peak:.1f} GiB ({machine}).",
            "",
            "| " + " | ".join(HEADER) + " |",
            "|---" + "|---:" * (len(HEADER) - 1) + "|",
            *("| " + " | ".join(row) + " |" for row in (*rows, total)),
            "",
            "",
        ]
    )


def line(lake: Lake, name: str, days: list[dt.date]) -> list[str]:
    """One row of the table, for some days together."""

    def of(table: str) -> pl.DataFrame:
        return lake.scan(table).filter(pl.col("dt").is_in(days)).collect()

    daily = of("satisfaction_daily").filter(pl.col("scenario") == "*")
    labels = dict(of("cases")["label"].value_counts().iter_rows())
    shares = [(daily[name] * daily["conversations"]).sum() / daily["conversations"].sum() for name in ("usm1", "usm2", "rr")]
    counts = [of(table).height for table in ("conversations", "quarantine", "rule_findings")]
    return [name, *map(str, counts), *(str(labels.get(label, 0)) for label in LABELS), *(f"{share:.1%}" for share in shares)]


if __name__ == "__main__":
    main()
