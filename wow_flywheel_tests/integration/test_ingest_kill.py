"""Ingesting a day is killed at random moments and run again: the tables are as if nothing had happened."""

import random
import subprocess
import sys
import time
from pathlib import Path

from wow_flywheel.conversations.ingest import read_day
from wow_flywheel.conversations.sources import LogSource
from wow_flywheel.lake import Lake
from wow_flywheel_tests.effort import everything
from wow_flywheel_tests.unit.conversations.logs import DAY, line, write

SCRIPT = """
import datetime, sys
from wow_flywheel.conversations.ingest import read_day
from wow_flywheel.conversations.sources import LogSource
from wow_flywheel.lake import Lake
logs, tables = sys.argv[1:]
day = datetime.date(2026, 11, 5)
print("started", flush=True)
read = read_day(LogSource.at(logs), day)
lake = Lake.at(tables)
lake.replace("quarantine", read.quarantine, day)
print("halfway", flush=True)
lake.replace("conversations", read.conversations, day)
print("done", flush=True)
"""
KILLS = 8 if everything() else 4


def ingest(logs: Path, lake: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", SCRIPT, str(logs), str(lake)], stdout=subprocess.PIPE, text=True)


def test_a_killed_ingest_leaves_nothing_half_done(tmp_path: Path) -> None:
    logs, lake = tmp_path / "logs", tmp_path / "lake"
    for part in range(3):
        lines = [line(f"c-{part}-{number}") if number % 50 else b"{" for number in range(1500)]
        write(logs, b"\n".join(lines), f"part-{part}.jsonl.gz")
    expected = read_day(LogSource.at(str(logs)), DAY)
    started = time.monotonic()
    assert ingest(logs, lake / "timed").communicate()[0].split() == ["started", "halfway", "done"]
    whole = time.monotonic() - started
    moments = random.Random(7)
    interrupted = 0
    for _ in range(KILLS):
        process = ingest(logs, lake / "killed")
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        time.sleep(moments.uniform(0, whole * 0.7))
        process.kill()
        said = process.communicate()[0].split()
        interrupted += "done" not in said
        tables = Lake.at(str(lake / "killed"))
        assert tables.read("conversations", DAY).height in {0, expected.counts["conversations"]}
        assert tables.read("quarantine", DAY).height in {0, expected.counts["quarantined"]}
    assert interrupted >= KILLS // 3
    assert ingest(logs, lake / "killed").communicate()[0].split()[-1] == "done"
    for name, frame in (("conversations", expected.conversations), ("quarantine", expected.quarantine)):
        rows = [Lake.at(str(lake / run)).read(name).sort("source_file", "source_line") for run in ("killed", "timed")]
        assert rows[0].equals(rows[1])
        assert rows[0].equals(frame.sort("source_file", "source_line"))


def test_running_a_day_again_replaces_it(tmp_path: Path) -> None:
    logs, lake = tmp_path / "logs", tmp_path / "lake"
    write(logs, line("c-1") + b"\n{")
    for _ in range(2):
        assert ingest(logs, lake).communicate()[0].split()[-1] == "done"
    write(logs, line("c-2"), "late.jsonl")
    assert ingest(logs, lake).communicate()[0].split()[-1] == "done"
    tables = Lake.at(str(lake))
    assert tables.read("conversations")["conversation_id"].to_list() == ["c-1", "c-2"]
    assert tables.read("quarantine").height == 1
