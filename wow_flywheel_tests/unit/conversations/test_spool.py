"""Rows on local disk: they come back in order, and a process that is killed leaves none for good."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import polars as pl
import pytest

from wow_flywheel.conversations.spool import GRACE, PREFIX, Spool, remove_abandoned

SCRIPT = """
import polars, time
from wow_flywheel.conversations.spool import Spool
spool = Spool({"a": polars.Int64})
spool.add(polars.DataFrame({"a": [1]}))
print("here", flush=True)
time.sleep(60)
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def folders(root: Path) -> int:
    return len(list(root.glob(f"{PREFIX}*")))


def test_rows_come_back_and_go_with_the_spool(temporary: Path) -> None:
    spool = Spool({"a": pl.Int64})
    spool.add(pl.DataFrame({"a": [1, 2]}))
    spool.add_row({"a": 3})
    assert [frame["a"].to_list() for frame in spool.frames()] == [[1, 2], [3]]
    assert spool.scan().collect()["a"].to_list() == [1, 2, 3]
    assert folders(temporary) == 1
    spool.close()
    assert folders(temporary) == 0


def test_the_folder_of_a_killed_process_goes_and_that_of_a_living_one_stays(temporary: Path) -> None:
    own = Spool({"a": pl.Int64})
    own.add(pl.DataFrame({"a": [1]}))
    process = subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"
    assert remove_abandoned() == 0
    process.kill()
    process.communicate()
    assert folders(temporary) == 2
    assert remove_abandoned() == 1
    assert own.scan().collect()["a"].to_list() == [1]
    own.close()
    assert folders(temporary) == 0


def test_a_folder_that_has_no_lock_yet_is_left_for_an_hour(temporary: Path) -> None:
    folder = temporary / f"{PREFIX}x"
    folder.mkdir()
    assert remove_abandoned() == 0
    os.utime(folder, times=(time.time() - GRACE - 1,) * 2)
    assert remove_abandoned() == 1
    (temporary / f"{PREFIX}file").touch()
    assert remove_abandoned() == 0
