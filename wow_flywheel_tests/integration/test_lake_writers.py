"""Several writers of one table, and writers that are killed: no row is lost, none is half written."""

import datetime as dt
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl
import pytest

from wow_flywheel.lake import Lake

TABLE = "satisfaction_daily"
DAYS = [dt.date(2026, 3, day) for day in range(1, 7)]
WRITER = """
import datetime, sys
import polars as pl
from wow_flywheel.lake import Lake
lake, n = Lake.at(sys.argv[1]), int(sys.argv[2])
day = datetime.date(2026, 3, 1)
print("started", flush=True)
while True:
    n += 1
    frame = pl.DataFrame({"dt": day, "scenario": [str(i) for i in range(500)], "conversations": n})
    lake.replace("satisfaction_daily", frame, day)
    print(n, flush=True)
"""


def rows(day: dt.date, conversations: int) -> pl.DataFrame:
    return pl.DataFrame({"dt": day, "scenario": ["refund", "cancel"], "conversations": conversations})


@pytest.mark.parametrize("exists", [False, True], ids=["new table", "old table"])
def test_writers_of_different_days_lose_nothing(tmp_path: Path, *, exists: bool) -> None:
    for attempt in range(3):
        lake = Lake.at(str(tmp_path / f"lake-{attempt}"))
        if exists:
            lake.replace(TABLE, rows(DAYS[0], 0), DAYS[0])
        with ThreadPoolExecutor(len(DAYS)) as pool:
            versions = list(pool.map(lambda day: lake.replace(TABLE, rows(day, day.day), day), DAYS))  # noqa: B023
        expected = sorted((day, scenario, day.day) for day in DAYS for scenario in ("cancel", "refund"))
        assert sorted(lake.read(TABLE).select("dt", "scenario", "conversations").iter_rows()) == expected
        assert max(versions) == lake.version(TABLE)


def test_a_killed_writer_leaves_the_old_rows_or_the_new_ones(tmp_path: Path) -> None:
    lake = Lake.at(str(tmp_path / "lake"))
    written = 0
    for wait in (0.02, 0.05, 0.09):
        process = subprocess.Popen([sys.executable, "-c", WRITER, lake.uri, str(written)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        said = [process.stdout.readline(), process.stdout.readline()]
        time.sleep(wait)
        process.kill()
        said += process.communicate()[0].splitlines()
        confirmed = int(said[-1])
        found = lake.read(TABLE, dt.date(2026, 3, 1))
        assert found.height == 500
        assert found["conversations"].n_unique() == 1
        written = int(found["conversations"][0])
        assert written in {confirmed, confirmed + 1}
