"""Five days are ingested one by one by a process that is killed again and again: the tables are as if nothing had happened."""

import datetime as dt
import gzip
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from benchmarks.fuzz_packings import PACKINGS
from benchmarks.fuzz_seeds import BUILT
from wow_flywheel.contracts import CONVERSATIONS, QUARANTINE
from wow_flywheel.conversations.spool import PREFIX
from wow_flywheel.lake import Lake
from wow_flywheel_tests.unit.conversations.logs import line

SCRIPT = """
import datetime, os
from wow_flywheel.conversations.daily import ingest_day
from wow_flywheel.lake import Lake
from wow_flywheel.settings import Settings
settings = Settings.from_env(os.environ)
lake = Lake.at(settings.lake_uri)
print("started", flush=True)
for number in range(1, 6):
    ingest_day(lake, settings, datetime.date(2026, 11, number))
    print(number, flush=True)
"""
DAYS = [dt.date(2026, 11, number) for number in range(1, 6)]
KILLS = 12
TABLES = {"conversations": CONVERSATIONS, "quarantine": QUARANTINE}


def write_days(logs: Path) -> None:
    """Each day in files of every format and packing, with broken lines, and the same conversations in two files."""
    packings = list(PACKINGS)
    for number, day in enumerate(DAYS):
        folder = logs / f"dt={day}"
        folder.mkdir(parents=True)
        for place, (name, build) in enumerate(BUILT.items()):
            packing = packings[(number + place) % len(packings)]
            pack, compress = PACKINGS[packing]
            (folder / f"{name}{packing}").write_bytes(compress(pack([json.dumps(each).encode() for each in build()])))
        lines = [line(f"c-{number}-{each}") if each % 50 else b"{" for each in range(800)]
        (folder / "many-1.jsonl.gz").write_bytes(gzip.compress(b"\n".join(lines)))
        (folder / "many-2.jsonl").write_bytes(b"\n".join([*lines[500:700], line("c-again"), b"\xff", b""]))


def ingest(root: Path, lake: Path) -> "subprocess.Popen[str]":
    temporary = root / "tmp"
    temporary.mkdir(exist_ok=True)
    places = {"WOW_LOGS_URI": str(root / "logs"), "WOW_LAKE_URI": str(lake), "TMPDIR": str(temporary)}
    return subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, text=True, env=os.environ | places)


def rows(lake: Path, table: str) -> pl.DataFrame:
    return Lake.at(str(lake)).read(table).sort("dt", "source_file", "source_line", "conversation_id")


def killed_at(process: "subprocess.Popen[str]", seconds: float) -> int:
    """Kill after so many seconds of work; how many days were done."""
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    time.sleep(seconds)
    process.kill()
    return len(process.communicate()[0].split())


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_five_days_under_kills_come_out_as_undisturbed(tmp_path: Path) -> None:
    write_days(tmp_path / "logs")
    quiet, killed = tmp_path / "quiet", tmp_path / "killed"
    process = ingest(tmp_path, quiet)
    assert process.stdout is not None
    process.stdout.readline()
    began = time.monotonic()
    assert process.communicate()[0].split() == ["1", "2", "3", "4", "5"]
    whole = time.monotonic() - began
    assert list((tmp_path / "tmp").glob(f"{PREFIX}*")) == []
    moments = random.Random(7)
    done, left = [], 0
    for _ in range(KILLS):
        done.append(killed_at(ingest(tmp_path, killed), moments.uniform(0, whole)))
        left = max(left, len(list((tmp_path / "tmp").glob(f"{PREFIX}*"))))
        check_days_are_whole_or_absent(quiet, killed)
    assert sum(number < len(DAYS) for number in done) >= KILLS // 2
    assert left > 0, "no kill came while rows were on the local disk: the drill shows nothing"
    assert ingest(tmp_path, killed).communicate()[0].split()[-1] == "5"
    for table, contract in TABLES.items():
        expected, found = rows(quiet, table), rows(killed, table)
        assert expected.height > 0
        assert found.equals(expected)
        for day in DAYS:
            contract.conform(found.filter(pl.col("dt") == day))
    assert list((tmp_path / "tmp").glob(f"{PREFIX}*")) == []


def check_days_are_whole_or_absent(quiet: Path, killed: Path) -> None:
    for table in TABLES:
        expected, found = rows(quiet, table), rows(killed, table)
        for day in DAYS:
            of_day = found.filter(pl.col("dt") == day)
            assert of_day.is_empty() or of_day.equals(expected.filter(pl.col("dt") == day))
