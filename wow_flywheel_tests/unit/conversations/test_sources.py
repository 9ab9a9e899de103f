"""Days and files of a source, and what is said when it cannot be read."""

import os
from datetime import date
from pathlib import Path

import pytest

from wow_flywheel.conversations.ingest import read_day
from wow_flywheel.conversations.sources import LogFile, LogSource
from wow_flywheel.errors import FlywheelError, SourceError, StorageUnavailable
from wow_flywheel.storage import storage_errors
from wow_flywheel_tests.unit.conversations.logs import DAY, line, write


def test_days_are_the_folders_that_name_one(tmp_path: Path) -> None:
    for name in ("dt=2026-11-06", "dt=2026-11-05", "dt=2026-13-05", "dt=20261107", "2026-11-08", "dt=", ".dt=2026-11-09"):
        (tmp_path / name).mkdir()
    assert LogSource.at(f"{tmp_path}/").days() == [date(2026, 11, 5), date(2026, 11, 6)]


def test_a_year_a_month_and_a_day_name_a_folder_too(tmp_path: Path) -> None:
    for name in (
        "2026/11/05",
        "2026/11/06",
        "2026/13/01",
        "2026/2/30",
        "2026/11/x",
        "0026/01/01",
        "archive/11/05",
        "dt=2026-11-06",
    ):
        (tmp_path / name).mkdir(parents=True)
    source = LogSource.at(str(tmp_path))
    assert source.days() == [date(2026, 11, 5), date(2026, 11, 6)]
    (tmp_path / "2026/11/06/b.jsonl").write_bytes(b"1")
    (tmp_path / "dt=2026-11-06/a.jsonl").write_bytes(b"1")
    assert [file.path for file in source.files(date(2026, 11, 6))] == ["2026/11/06/b.jsonl", "dt=2026-11-06/a.jsonl"]
    assert source.files(date(2026, 11, 5)) == []


def test_files_are_logs_in_any_depth_and_nothing_hidden_or_temporary(tmp_path: Path) -> None:
    kept = ["a.jsonl", "b/c.jsonl.gz", "b/d e.jsonl.zst", "c.json", "c.json.gz", "c.ndjson.zst", "z.parquet"]
    left = [".a.jsonl", "_SUCCESS", "_tmp/a.jsonl", ".hidden/a.jsonl", "a.jsonl.tmp", "a.csv", "a.jsonl.gz.part", "jsonl"]
    for name in kept + left:
        path = tmp_path / f"dt={DAY}" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"12345")
    files = LogSource.at(str(tmp_path)).files(DAY)
    assert [file.path for file in files] == [f"dt={DAY}/{name}" for name in kept]
    assert files[0] == LogFile(f"dt={DAY}/a.jsonl", f"{tmp_path}/dt={DAY}/a.jsonl", 5, files[0].token)


def test_the_token_changes_with_the_content(tmp_path: Path) -> None:
    path = write(tmp_path, b"one")
    source = LogSource.at(str(tmp_path))
    first = source.files(DAY)[0].token
    assert source.files(DAY)[0].token == first
    os.utime(path, (0, 0))
    assert source.files(DAY)[0].token != first
    replacement = tmp_path / "new"
    replacement.write_bytes(b"two")
    os.utime(replacement, (0, 0))
    second = source.files(DAY)[0].token
    replacement.replace(path)
    assert source.files(DAY)[0].token != second


def test_a_day_without_a_folder_has_no_files(tmp_path: Path) -> None:
    assert LogSource.at(str(tmp_path)).files(DAY) == []


def test_a_missing_source_is_named_with_its_setting(tmp_path: Path) -> None:
    source = LogSource.at(str(tmp_path / "none"))
    for question in (source.days, lambda: source.files(DAY), lambda: read_day(source, DAY)):
        with pytest.raises(SourceError, match=r"none: no such folder or file → check WOW_LOGS_URI"):
            question()


def test_a_source_that_is_a_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "logs.jsonl"
    path.write_bytes(line())
    with pytest.raises(SourceError, match="a file, not a folder → set WOW_LOGS_URI"):
        LogSource.at(str(path)).days()


def test_a_file_that_is_gone_when_it_is_read(tmp_path: Path) -> None:
    path = write(tmp_path, line())
    source = LogSource.at(str(tmp_path))
    file = source.files(DAY)[0]
    path.unlink()
    with pytest.raises(StorageUnavailable, match=r"a\.jsonl: gone since it was listed → try again"), source.reading(file):
        pass


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_listed_is_not_empty(tmp_path: Path) -> None:
    write(tmp_path, line(), "closed/a.jsonl")
    closed = tmp_path / f"dt={DAY}" / "closed"
    closed.chmod(0)
    try:
        with pytest.raises(SourceError, match="access denied"):
            LogSource.at(str(tmp_path)).files(DAY)
    finally:
        closed.chmod(0o700)


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (PermissionError(13, "no"), SourceError, "/logs: access denied → let this user read the folder"),
        (OSError(5, "Input/output error"), StorageUnavailable, "does not answer (Input/output error) → try again; if it"),
        (NotADirectoryError(20, "x"), SourceError, "/logs: no such folder or file → check WOW_LOGS_URI"),
    ],
)  # fmt: skip
def test_system_errors_are_said_in_words(error: OSError, kind: type[FlywheelError], says: str) -> None:
    with pytest.raises(kind) as caught, storage_errors("/logs", "WOW_LOGS_URI"):
        raise error
    assert says in str(caught.value)
