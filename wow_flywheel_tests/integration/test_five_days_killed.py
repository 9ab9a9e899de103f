"""Five days are ingested one by one by a process that is killed again and again: the tables are as if nothing had happened.

A day that later feedback speaks of is read again, as the sensor `late_feedback` does. After each step of a run that nobody
disturbs each day's rows are noted; after a kill a day has the rows of one of these steps, or none.
"""

import datetime as dt
import gzip
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from benchmarks.fuzz_packings import PACKINGS
from benchmarks.fuzz_seeds import BUILT
from wow_flywheel.contracts import CONVERSATIONS, FEEDBACK_LINES, LOG_FILES, QUARANTINE, VAULT
from wow_flywheel.conversations.redaction.vault import new_key, open_vault
from wow_flywheel.conversations.spool import PREFIX
from wow_flywheel.lake import Lake
from wow_flywheel_tests.unit.conversations.logs import line
from wow_flywheel_tests.unit.conversations.test_plain_calls import TURNS, document

SCRIPT = """
import datetime, os
from wow_flywheel.conversations.daily import ingest_day
from wow_flywheel.lake import Lake
from wow_flywheel.settings import Settings
settings = Settings.from_env(os.environ)
lake = Lake.at(settings.lake_uri)
print("started", flush=True)
for number in range(1, 6):
    reopened = ingest_day(lake, settings, datetime.date(2026, 11, number)).reopened
    print(number, flush=True)
    for day in reopened:
        ingest_day(lake, settings, day)
        print(f"{day.day}-again", flush=True)
"""
DAYS = [dt.date(2026, 11, number) for number in range(1, 6)]
KILLS = 12
STEPS = [f"{day}-again" if day < last else str(day) for last in range(1, 6) for day in (last, *range(1, last))]
"""Every day's words speak of all days before it, since the small documents of each format are the same on each day."""
TABLES = {each.name: each for each in (CONVERSATIONS, QUARANTINE, FEEDBACK_LINES, LOG_FILES, VAULT)}
ORDER = ("dt", "source_file", "source_line", "conversation_id", "part", "path", "placeholder")
KEY = new_key()
States = dict[tuple[str, dt.date], list[pl.DataFrame]]
"""By table and day: the rows that the day has after some step."""


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
        (folder / "words.jsonl").write_bytes(b"\n".join(words(number)))
    (logs / "flat").mkdir()
    for place in range(2):
        (logs / "flat" / f"{place}.jsonl").write_bytes(b"\n".join(flat_lines(place)))


def words(number: int) -> list[bytes]:
    """What customers say on a day: of the same day, of the two days before, and of what nobody knows; and a broken word."""
    said = [(f"c-{day}-{day + 1}", {"thumb": "down", "comment": f"on day {number}, ask ann.lee@mail.example"}) for day in
            range(max(number - 2, 0), number + 1)]  # fmt: skip
    if number:
        said.append((f"c-{number - 1}-9", {"correction": "In two days."}))
    lines = [
        json.dumps({"conversation_id": name, "feedback": each}).encode() for name, each in [*said, ("nobody", {"score": 2})]
    ]
    return [*lines, b'{"conversation_id": "c-0-1", "feedback": {"thumb": "sideways"}}']


def flat_lines(place: int) -> list[bytes]:
    """Lines of all days in one file, with calls of sessions that go on in the other file, and broken ones."""
    calls = [
        json.dumps(document(TURNS[: 2 * (place + 1)], place, session_id=f"flat-{day.day}", timestamp=f"{day}T08:0{place}:00Z"))
        for day in DAYS
    ]
    return [each.encode() for each in calls] + [b"{"]


def ingest(root: Path, lake: Path) -> "subprocess.Popen[str]":
    temporary = root / "tmp"
    temporary.mkdir(exist_ok=True)
    places = {"WOW_LOGS_URI": str(root / "logs"), "WOW_LAKE_URI": str(lake), "TMPDIR": str(temporary)}
    places |= {"WOW_VAULT_URI": str(vault(lake)), "WOW_VAULT_KEY": KEY}
    return subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, text=True, env=os.environ | places)


def vault(lake: Path) -> Path:
    return lake.with_name(f"{lake.name}-vault")


def rows(lake: Path, table: str) -> pl.DataFrame:
    """A table's rows, without the time at which a file was looked through, and with the vault's values in clear."""
    if table != "vault":
        found = Lake.at(str(lake)).read(table)
        return found.drop("seen_at", strict=False).sort(each for each in ORDER if each in found.columns)
    opened = open_vault(str(vault(lake)), {"WOW_VAULT_KEY": KEY})
    assert opened is not None
    stored = opened.lake.read("vault").select("dt", "conversation_id", "placeholder").sort(pl.all())
    values = [opened.reveal(name, placeholder, day) for day, name, placeholder in stored.iter_rows()]
    return stored.with_columns(value=pl.Series(values, dtype=pl.String))


def noted(root: Path, lake: Path) -> tuple[States, float]:
    """Ingest in peace, note each day's rows after each step; and how many seconds the steps took."""
    process, states, spent = ingest(root, lake), States(), 0.0
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    for step in STEPS:
        began = time.monotonic()
        assert process.stdout.readline() == f"{step}\n"
        spent += time.monotonic() - began
        process.send_signal(signal.SIGSTOP)
        for table in TABLES:
            found = rows(lake, table)
            for day in DAYS:
                states.setdefault((table, day), []).append(found.filter(dt=day))
        process.send_signal(signal.SIGCONT)
    assert process.communicate()[0] == ""
    return states, spent


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
    states, whole = noted(tmp_path, quiet)
    assert list((tmp_path / "tmp").glob(f"{PREFIX}*")) == []
    moments = random.Random(7)
    done, left = [], 0
    for _ in range(KILLS):
        done.append(killed_at(ingest(tmp_path, killed), moments.uniform(0, whole)))
        left = max(left, len(list((tmp_path / "tmp").glob(f"{PREFIX}*"))))
        check_days_are_whole_or_absent(states, killed)
    assert sum(number < len(STEPS) for number in done) >= KILLS // 2
    assert left > 0, "no kill came while rows were on the local disk: the drill shows nothing"
    assert ingest(tmp_path, killed).communicate()[0].split()[1:] == STEPS
    for table, contract in TABLES.items():
        expected, found = rows(quiet, table), rows(killed, table)
        assert expected.height > 0, table
        assert found.equals(expected), table
        for day in DAYS:
            contract.conform(Lake.at(str(vault(killed) if table == "vault" else killed)).read(table, day))
    check_what_the_days_hold(quiet)
    assert list((tmp_path / "tmp").glob(f"{PREFIX}*")) == []


def check_days_are_whole_or_absent(states: States, killed: Path) -> None:
    for table in TABLES:
        found = rows(killed, table)
        for day in DAYS:
            of_day = found.filter(dt=day)
            assert of_day.is_empty() or any(of_day.equals(each) for each in states[table, day]), (table, day)


def check_what_the_days_hold(lake: Path) -> None:
    """The drill shows nothing of what its days have not."""
    for number, day in enumerate(DAYS):
        of_day = rows(lake, "conversations").filter(dt=day)
        flat = of_day.filter(conversation_id=f"flat-{day.day}")
        assert flat["messages"].list.len().to_list() == [5]
        rated = of_day.filter(conversation_id=f"c-{number}-{number + 1}")["feedback"].struct.field("comment").item()
        assert rated.startswith(f"on day {min(number + 2, 4)}, ask <EMAIL_")
        assert of_day.filter(conversation_id=f"c-{number}-9-demonstration").height == (number < 4)
    waits = rows(lake, "feedback")["joined"].value_counts(sort=True)
    assert set(waits["joined"]) == {True, False}
    assert rows(lake, "log_files")["path"].to_list() == ["flat/0.jsonl", "flat/1.jsonl"]
    assert "ann.lee@mail.example" in rows(lake, "vault")["value"]
