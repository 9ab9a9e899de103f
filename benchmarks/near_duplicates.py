"""What does finding near duplicates cost beside rensa alone? `python -m benchmarks.near_duplicates --conversations 50000`.

What belongs here: the two side by side on the same conversations, each in a process of its own, taken in turns. What does not:
how duplicates are found (`wow_flywheel.conversations.duplicates`).

"rensa alone" is what its documentation shows: words by `split`, three in a row joined to a shingle in Python, signatures with
128 values, its own LSH with 16 bands, which flags every row that shares a band with another. Its texts are ready before the
clock starts. Ours starts from `conversations` and does more: exact hashes and script hashes, the `fingerprints` as they are
stored, verified similarity, and the earlier conversation of each. Conversations come from the STAR logs, repeated; each
repetition has other numbers, so that many are near and not exact.
"""

import argparse
import gzip
import json
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import polars as pl

from wow_flywheel.contracts import CONVERSATIONS
from wow_flywheel.conversations.duplicates.fingerprints import BANDS, VALUES

STAR: Final = Path(__file__).parents[2] / "shared" / "data" / "star" / "logs"
THRESHOLD: Final = 0.9
START: Final = datetime(2026, 1, 1, tzinfo=UTC)
BATCH: Final = 5_000


def main(argv: Sequence[str] | None = None) -> None:
    """Build the conversations, run each side, print a Markdown table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.near_duplicates", description=__doc__)
    parser.add_argument("--conversations", type=int, default=50_000, help="how many")
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
        build(args.logs, args.conversations, file)
        done: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
        for _ in range(args.runs):
            for side in SIDES:
                done[side].append(child(side, file))
    print(report(args.conversations, done))


def build(logs: Path, count: int, file: Path) -> None:
    """Write `count` conversations of the contract's form as Parquet.

    Raises:
        SystemExit: The logs are not there.
    """
    files = sorted(logs.glob("dt=*/*.jsonl.gz"))
    if not files:
        raise SystemExit(f"{logs}: no logs there; name a folder of dt=…/*.jsonl.gz with --logs")
    records = [json.loads(line) for path in files for line in gzip.decompress(path.read_bytes()).splitlines()]
    batches = (range(first, min(first + BATCH, count)) for first in range(0, count, BATCH))
    frames = (
        pl.DataFrame([row(records, number) for number in batch], schema=pl.Schema(CONVERSATIONS.columns)) for batch in batches
    )
    pl.concat(frames).write_parquet(file)


def row(records: Sequence[dict[str, Any]], number: int) -> dict[str, Any]:
    """One row of `conversations`: a record of the logs, its order numbers changed from one repetition to the next."""
    round_, record = number // len(records), records[number % len(records)]
    started = START + timedelta(seconds=number)
    return {
        **dict.fromkeys(CONVERSATIONS.columns),
        "dt": date(2026, 1, 1),
        "conversation_id": f"{record['conversation_id']}-{round_}",
        "user_id": record["user_id"],
        "scenario": record["scenario"],
        "started_at": started,
        "ended_at": started,
        "messages": [message(each, round_) for each in record["messages"]],
    }


def message(logged: dict[str, Any], round_: int) -> dict[str, Any]:
    """A logged message as the contract has it; its numbers of four digits and more are those of its repetition."""
    calls = [{"id": call["id"], **call["function"]} for call in logged.get("tool_calls") or []]
    content = logged.get("content")
    return {
        "role": logged["role"],
        "content": content and re.sub(r"\d{4,}", lambda found: str(int(found[0]) + round_), content),
        "tool_calls": [{name: call[name] for name in ("id", "name", "arguments")} for call in calls] or None,
    }


def ours(conversations: pl.DataFrame) -> int:
    """Fingerprints and near duplicates as the assets find them, exact ones aside first; returns how many repeat another."""
    from wow_flywheel.conversations.duplicates.fingerprints import fingerprints
    from wow_flywheel.conversations.duplicates.near import near_within

    rows = fingerprints(conversations)
    distinct = rows.unique("exact_hash", keep="first", maintain_order=True).filter(pl.col("bands").is_not_null())
    return rows.height - distinct.height + near_within(distinct, THRESHOLD).height


def texts_of(conversations: pl.DataFrame) -> list[str]:
    """The contents of each conversation as one text."""
    content = pl.element().struct.field("content").fill_null("")
    return conversations.select(pl.col("messages").list.eval(content).list.join(" ")).to_series().to_list()


def rensa_alone(texts: list[str]) -> int:
    """Shingles in Python, rensa's signatures, rensa's LSH; returns how many rows share a band with another."""
    from rensa import RMinHash, RMinHashLSH

    matrix = RMinHash.digest_matrix_from_token_sets(shingled(texts), VALUES, 42)
    flags = RMinHashLSH(THRESHOLD, VALUES, BANDS).query_duplicate_flags_matrix_one_shot(matrix)
    return sum(flags)


def shingled(texts: Sequence[str]) -> Iterator[list[str]]:
    """Three words in a row of each text."""
    for text in texts:
        words = text.lower().split()
        yield [" ".join(words[place : place + 3]) for place in range(max(1, len(words) - 2))]


Side = tuple[Callable[[pl.DataFrame], Any], Callable[[Any], int]]
"""What is made ready before the clock starts, and what is measured."""
SIDES: Final[dict[str, Side]] = {"rensa alone": (texts_of, rensa_alone), "wow_flywheel": (pl.DataFrame.rechunk, ours)}


def measured(side: Side, file: Path) -> dict[str, float]:
    """Seconds, peak memory in MiB with what making the conversations ready took, and what it found."""
    prepare, run = side
    ready = prepare(pl.read_parquet(file))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    started = time.perf_counter()
    found = run(ready)
    seconds = time.perf_counter() - started
    return {
        "seconds": seconds,
        "before": before,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "found": found,
    }


def child(side: str, file: Path) -> dict[str, float]:
    """One run of a side in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.near_duplicates", "--side", side, "--file", str(file)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def report(count: int, done: dict[str, list[dict[str, float]]]) -> str:
    """The table: best run of each side, ratio to rensa alone."""
    best = {side: min(runs, key=lambda run: run["seconds"]) for side, runs in done.items()}
    base = best["rensa alone"]["seconds"]
    lines = [
        "| side | seconds | ratio | conversations/s | peak MiB | MiB before | flagged |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for side, run in best.items():
        cells = (f"{run['seconds']:.2f}", f"{run['seconds'] / base:.2f}", f"{count / run['seconds']:,.0f}")
        memory = (f"{run['peak']:.0f}", f"{run['before']:.0f}", f"{run['found']:.0f}")
        lines.append("| " + " | ".join((side, *cells, *memory)) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
