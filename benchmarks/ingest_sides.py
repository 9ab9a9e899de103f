"""One measurement of `benchmarks.ingest`, in a process of its own: `python -m benchmarks.ingest_sides duckdb FOLDER`.

What belongs here: what each side does, its clock and its memory. What does not: building the data (`ingest_data`), comparing
(`ingest`). The clock starts after the imports and runs until the result is on disk. Peak memory is what the kernel says of this
process from its start, plus that of its largest child, if it has any.
"""

import argparse
import json
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from benchmarks.ingest_data import DAY

COPY: Final = """
COPY (SELECT * FROM read_json($source, format = 'newline_delimited')) TO $target (FORMAT parquet, COMPRESSION zstd)
"""
STAGES: Final = {
    "read files, cut lines": ("wow_flywheel.conversations.ingest", "read_blocks"),
    "parse and check lines": ("wow_flywheel.conversations.plain", "PlainReader.read"),
    "redact": ("wow_flywheel.conversations.account", "redact_frame"),
    "keep on local disk": ("wow_flywheel.conversations.spool", "Spool.add"),
    "settle repeats": ("wow_flywheel.conversations.account", "Account.settle"),
    "expectations of the day": ("wow_flywheel.conversations.daily", "validate"),
    "write Delta": ("wow_flywheel.lake", "Lake.replace_streamed"),
}
"""The functions that are timed, by the names under which the ingest itself calls them. Their own seconds; where stages overlap,
they add up to more than the whole."""


def main(argv: Sequence[str] | None = None) -> None:
    """Run one side and print what was measured, as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingest_sides", description=__doc__)
    parser.add_argument("side", choices=SIDES)
    parser.add_argument("folder", type=Path, help="with dt=…/*.jsonl")
    args = parser.parse_args(argv)
    with TemporaryDirectory(dir=args.folder.parent) as scratch:
        print(json.dumps(SIDES[args.side](args.folder, Path(scratch))))


def duckdb_copy(logs: Path, scratch: Path) -> dict[str, Any]:
    """Bare DuckDB: JSON lines to Parquet with Zstandard, nothing checked."""
    import duckdb

    (file,) = logs.glob("dt=*/*.jsonl")
    connection = duckdb.connect()

    def copy() -> dict[str, int]:
        connection.execute(COPY, {"source": str(file), "target": str(scratch / "out.parquet")})
        return {}

    return measured(copy)


def ours(logs: Path, scratch: Path) -> dict[str, Any]:
    """A day from its log files to its tables, as the asset does it, with its stages."""
    timers: dict[str, float] = {}
    for stage, (module, name) in STAGES.items():
        time_stage(timers, stage, module, name)
    return measured(ingest(logs, scratch)) | {"stages": timers}


def without_redaction(logs: Path, scratch: Path) -> dict[str, Any]:
    """The same with a redaction that does nothing: what is saved is what redaction costs."""
    import polars as pl

    account = import_module("wow_flywheel.conversations.account")
    vars(account)["redact_frame"] = lambda frame, **_: frame.with_columns(redactions=pl.lit(0, pl.Int64))
    return measured(ingest(logs, scratch))


def with_near_duplicates(logs: Path, scratch: Path) -> dict[str, Any]:
    """The same, and then fingerprints, exact and near duplicates of the conversations."""
    from benchmarks.near_duplicates import ours as find
    from wow_flywheel.lake import Lake

    first = ingest(logs, scratch)

    def run() -> dict[str, int]:
        return first() | {"flagged": find(Lake.at(str(scratch / "lake")).read("conversations", DAY))}

    return measured(run)


def ingest(logs: Path, scratch: Path) -> Callable[[], dict[str, int]]:
    """A call of `ingest_day`, ready to be made, which returns the day's account."""
    import_module("great_expectations")  # which the ingest imports where it needs it: seconds, and no side's imports count
    from wow_flywheel.conversations.daily import ingest_day
    from wow_flywheel.lake import Lake
    from wow_flywheel.settings import Settings

    lake = scratch / "lake"
    settings = Settings.from_env({"WOW_LOGS_URI": str(logs), "WOW_LAKE_URI": str(lake)})
    return lambda: dict(ingest_day(Lake.at(str(lake)), settings, DAY).counts)


def measured(run: Callable[[], dict[str, int]]) -> dict[str, Any]:
    """Seconds, peak MiB, and what the run counted."""
    started = time.perf_counter()
    counts = run()
    seconds = time.perf_counter() - started
    peak = sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
    return {"seconds": seconds, "peak_mib": peak, "counts": counts}


def time_stage(timers: dict[str, float], stage: str, module: str, name: str) -> None:
    """Replace a function, or a method, by itself with a clock; of an iterator, the clock runs while it is asked.

    Raises:
        SystemExit: It has gone: this list is to be brought up to date.
    """
    owner: Any = import_module(module)
    *path, last = name.split(".")
    for each in path:
        owner = getattr(owner, each)
    if not hasattr(owner, last):
        raise SystemExit(f"{module}.{name} is gone: bring STAGES in benchmarks/ingest_sides.py up to date")
    function = getattr(owner, last)
    timers[stage] = 0.0

    def clocked(step: Callable[[], Any]) -> Any:
        started = time.perf_counter()
        try:
            return step()
        finally:
            timers[stage] += time.perf_counter() - started

    def asked(items: Iterator[Any]) -> Iterator[Any]:
        end = object()
        while (item := clocked(lambda: next(items, end))) is not end:
            yield item

    @wraps(function)
    def timed(*args: Any, **kwargs: Any) -> Any:
        result = clocked(lambda: function(*args, **kwargs))
        return asked(result) if isinstance(result, Iterator) else result

    setattr(owner, last, timed)


SIDES: Final[dict[str, Callable[[Path, Path], dict[str, Any]]]] = {
    "duckdb": duckdb_copy,
    "ours": ours,
    "without_redaction": without_redaction,
    "with_near_duplicates": with_near_duplicates,
}

if __name__ == "__main__":
    main()
