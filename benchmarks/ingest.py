"""What does ingestion cost beside bare DuckDB? `python -m benchmarks.ingest [--data-juicer FOLDER] [--near-duplicates]`.

What belongs here: which sides are run on which data, in turns, and the tables of them. What does not: the data (`ingest_data`),
a measurement (`ingest_sides`), Data-Juicer (`ingest_peers`). Prints Markdown, then one line of JSON with all that was measured.
By default 200,000 conversations, and memory at 50,000, 200,000 and 800,000: 5 GB of disk.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from benchmarks import ingest_data, ingest_peers
from benchmarks.ingest_data import DAY, STAR

FORMATS: Final[Mapping[str, Callable[[str], Iterator[str]]]] = {
    "OpenAI call logs": ingest_data.openai_calls,
    "OTel spans": ingest_data.otel_spans,
}
ASKED: Final = 50
"""Conversations by which the ingest is asked whether it reads a format."""
NEAR_DUPLICATES: Final = "benchmarks.near_duplicates"
Measured = dict[str, Any]


def main(argv: Sequence[str] | None = None) -> None:
    """Build the data, run every side, print the tables."""
    args = parser().parse_args(argv)
    with TemporaryDirectory(prefix="wow-flywheel-benchmark-") as temporary:
        folder = args.folder or Path(temporary)
        done = {
            "native": native(args, folder),
            "formats": formats(args, folder),
            "data_juicer": data_juicer(args, folder) if args.data_juicer else None,
            "near_duplicates": near_duplicates(args) if args.near_duplicates else None,
        }
    print(report(args, done))
    print(json.dumps({"machine": machine(), "conversations": args.conversations, **done}))


def parser() -> argparse.ArgumentParser:
    """The options."""
    made = argparse.ArgumentParser(prog="python -m benchmarks.ingest", description=__doc__)
    made.add_argument("--conversations", type=int, default=200_000, help="of the comparison with DuckDB")
    made.add_argument("--sizes", type=int, nargs="*", default=[50_000, 200_000, 800_000], help="at which memory is measured")
    made.add_argument("--runs", type=int, default=2, help="of each side of the comparison; the best counts")
    made.add_argument("--format-conversations", type=int, default=10_000, help="of call logs and spans; 0 leaves them out")
    made.add_argument("--peer-conversations", type=int, default=20_000, help="that Data-Juicer gets")
    made.add_argument("--data-juicer", type=Path, metavar="FOLDER", help="run Data-Juicer; its environment is made there, 2 GB")
    made.add_argument("--near-duplicates", action="store_true", help="also run benchmarks.near_duplicates")
    made.add_argument("--logs", type=Path, default=STAR, help="folder of dt=…/*.jsonl.gz to repeat")
    made.add_argument("--folder", type=Path, help="where the data is built and kept; what is there is used again")
    return made


def native(args: argparse.Namespace, folder: Path) -> dict[int, dict[str, Measured]]:
    """By size: DuckDB, ours, ours without redaction, in turns; all but the main size once. Stops where lines are missing."""
    done = {}
    for size in sorted({args.conversations, *args.sizes}):
        logs = built(args, folder / f"native-{size}", size)
        main_one = size == args.conversations
        sides = ("duckdb", "ours", "without_redaction") if main_one else ("duckdb", "ours")
        done[size] = best(sides, logs, args.runs if main_one else 1)
        taken = done[size]["ours"]["counts"]["conversations"]
        if taken != size:
            raise SystemExit(f"{logs}: {taken} conversations came of {size}: no comparison")
    return done


def best(sides: Sequence[str], logs: Path, runs: int) -> dict[str, Measured]:
    """The quickest run of each side; the sides take turns."""
    turns = [{name: side(name, logs) for name in sides} for _ in range(runs)]
    return {name: min((turn[name] for turn in turns), key=lambda run: run["seconds"]) for name in sides}


def side(name: str, logs: Path) -> Measured:
    """One run of a side in a process of its own.

    Raises:
        SystemExit: It failed; with the end of what it printed.
    """
    print(f"{name} on {logs}", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "benchmarks.ingest_sides", name, str(logs)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{name} failed on {logs}:\n{done.stderr[-3000:]}")
    found: Measured = json.loads(done.stdout.splitlines()[-1])
    return found


def built(args: argparse.Namespace, logs: Path, size: int, form: Callable[[str], Iterator[str]] | None = None) -> Path:
    """A folder of logs with one file, unless it is there."""
    file = logs / f"dt={DAY}" / "conversations.jsonl"
    if not file.is_file():
        print(f"building {logs}", file=sys.stderr, flush=True)
        unfinished = logs / "_unfinished"
        ingest_data.build(args.logs, size, unfinished, form or ingest_data.as_it_is)
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished.rename(file)
    return logs


def formats(args: argparse.Namespace, folder: Path) -> dict[str, dict[str, Measured] | None]:
    """DuckDB and ours by format; None where the ingest, asked with a few conversations, does not make some of every line."""
    done: dict[str, dict[str, Measured] | None] = {}
    for name, form in FORMATS.items() if args.format_conversations else ():
        short = name.split()[0].lower()
        asked = built(args, folder / f"{short}-{ASKED}", ASKED, form)
        counts = side("ours", asked)["counts"]
        if counts["lines"] == counts["conversation_lines"]:
            logs = built(args, folder / f"{short}-{args.format_conversations}", args.format_conversations, form)
            done[name] = best(("duckdb", "ours"), logs, args.runs)
        else:
            done[name] = None
    return done


def data_juicer(args: argparse.Namespace, folder: Path) -> dict[str, Measured]:
    """Its recipes, and ours with and without near duplicates, on the same conversations."""
    command = ingest_peers.install(args.data_juicer.resolve())
    logs = built(args, folder / f"native-{args.peer_conversations}", args.peer_conversations).resolve()
    # beside the logs: in their folder the ingest would look through it as well
    data = (folder / f"data-juicer-{args.peer_conversations}.jsonl").resolve()
    ingest_peers.convert(logs / f"dt={DAY}" / "conversations.jsonl", data)
    done = best(("ours", "with_near_duplicates"), logs, args.runs)
    with TemporaryDirectory(dir=folder) as scratch:
        for recipe in ingest_peers.RECIPES:
            print(f"Data-Juicer: {recipe}", file=sys.stderr, flush=True)
            done[recipe] = ingest_peers.run(command, recipe, data, Path(scratch).resolve() / recipe.replace(", ", "-"))
    return done


def near_duplicates(args: argparse.Namespace) -> str:
    """The table of `benchmarks.near_duplicates`, where there is one."""
    if find_spec(NEAR_DUPLICATES) is None:
        return f"not measured: {NEAR_DUPLICATES} is not here"
    command = [sys.executable, "-m", NEAR_DUPLICATES, "--runs", str(args.runs), "--logs", str(args.logs)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def report(args: argparse.Namespace, done: Mapping[str, Any]) -> str:
    """All tables, as Markdown."""
    parts = [
        machine(),
        sizes_table(done["native"]),
        stages_table(done["native"][args.conversations]),
        formats_table(done["formats"], args.format_conversations),
    ]
    if done["data_juicer"]:
        parts.append(peers_table(done["data_juicer"], args.peer_conversations))
    if done["near_duplicates"]:
        parts.append(f"Near duplicates, by `python -m {NEAR_DUPLICATES}`:\n\n{done['near_duplicates']}")
    return "\n\n".join(part for part in parts if part)


def machine() -> str:
    """What it ran on, and with which versions."""
    libraries = ", ".join(f"{name} {version(name)}" for name in ("duckdb", "polars", "pyarrow", "deltalake"))
    return f"{os.cpu_count()} cores, Python {platform.python_version()}, {libraries}."


def sizes_table(done: Mapping[int, Mapping[str, Measured]]) -> str:
    """DuckDB and ours by number of conversations."""
    rows = [
        (
            f"{size:,}",
            *(
                f"{sides[name][what]:{form}}"
                for name in ("duckdb", "ours")
                for what, form in (("seconds", ".1f"), ("peak_mib", ".0f"))
            ),
            f"{ratio(sides, 'ours'):.2f}",
            f"{size / sides['ours']['seconds']:,.0f}",
        )
        for size, sides in done.items()
    ]
    header = ("conversations", "DuckDB, s", "peak MiB", "ours, s", "peak MiB", "ours / DuckDB", "ours, conversations/s")
    return table(header, rows)


def stages_table(sides: Mapping[str, Measured]) -> str:
    """Where our seconds go, and what redaction costs."""
    base = sides["duckdb"]["seconds"]
    rows = [(stage, f"{seconds:.1f}", f"{seconds / base:.2f}") for stage, seconds in sides["ours"]["stages"].items()]
    whole, less = sides["ours"]["seconds"], sides["without_redaction"]["seconds"]
    rows += [
        ("**all**", f"{whole:.1f}", f"{whole / base:.2f}"),
        ("all with a redaction that does nothing", f"{less:.1f}", f"{less / base:.2f}"),
        ("so redaction costs", f"{whole - less:.1f}", f"{(whole - less) / base:.2f}"),
    ]
    return table(("stage", "seconds", "/ DuckDB"), rows)


def formats_table(done: Mapping[str, Mapping[str, Measured] | None], size: int) -> str:
    """DuckDB and ours by format."""
    rows: list[Sequence[str]] = []
    for name, sides in done.items():
        if sides is None:
            rows.append((name, "not measured: the ingest does not read every line", "", "", "", ""))
            continue
        ours = sides["ours"]
        speed = [f"{ours['counts'][what] / ours['seconds']:,.0f}" for what in ("conversations", "lines")]
        rows.append((name, f"{ours['seconds']:.1f}", f"{ratio(sides, 'ours'):.2f}", *speed, f"{ours['peak_mib']:.0f}"))
    header = (f"{size:,} conversations as", "ours, s", "ours / DuckDB", "conversations/s", "lines/s", "peak MiB")
    return table(header, rows) if rows else ""


def peers_table(done: Mapping[str, Measured], size: int) -> str:
    """Data-Juicer's recipes and ours."""
    rows = [
        ("ours", "`ingest_day`", *_speed(done["ours"], done["ours"], size)),
        (
            "ours",
            "and fingerprints, exact and near duplicates",
            *_speed(done["with_near_duplicates"], done["with_near_duplicates"], size),
        ),
    ]
    for recipe, (what, operators) in ingest_peers.RECIPES.items():
        near = any("document_minhash_deduplicator" in each for each in operators)
        rows.append(
            (f"Data-Juicer: {recipe}", what, *_speed(done[recipe], done["with_near_duplicates" if near else "ours"], size))
        )
    return table((f"{size:,} conversations", "what it does", "s", "conversations/s", "peak MiB", "ours is faster"), rows)


def _speed(run: Measured, own: Measured, size: int) -> tuple[str, str, str, str]:
    seconds = run["seconds"]
    return f"{seconds:.1f}", f"{size / seconds:,.0f}", f"{run['peak_mib']:.0f}", f"{seconds / own['seconds']:.1f} ×"


def ratio(sides: Mapping[str, Measured], name: str) -> float:
    """A side's seconds by DuckDB's."""
    return float(sides[name]["seconds"] / sides["duckdb"]["seconds"])


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown."""
    rule = "|---" + "|---:" * (len(header) - 1) + "|"
    return "\n".join(["| " + " | ".join(header) + " |", rule, *("| " + " | ".join(row) + " |" for row in rows)])


if __name__ == "__main__":
    main()
