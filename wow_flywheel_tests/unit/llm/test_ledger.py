"""The ledger on disk: keys, damage, what is kept."""

import json
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from wow_flywheel.llm.ledger import Entry, Ledger, request_key
from wow_flywheel.llm.ledger_table import ledger_frame

ENTRY = Entry("judge", "你好 {}", "stop", 12, 3, 0.5, 1.25, "2026-11-05T12:00:00+00:00")
KEY = "ab" + "0" * 62
ASKED = ("http://host/v1", "judge", [{"role": "user", "content": "hi"}], {"type": "object"}, {"temperature": 0.0})


def test_an_entry_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    ledger = Ledger.at(f"{tmp_path}/")
    assert ledger.get(KEY) is None
    ledger.put(KEY, ENTRY)
    assert ledger.get(KEY) == ENTRY
    assert ledger.path(KEY) == f"{tmp_path}/llm_ledger/ab/{KEY}.json"
    assert [path.name for path in (tmp_path / "llm_ledger" / "ab").iterdir()] == [f"{KEY}.json"]


@pytest.mark.parametrize(
    "damaged", [b"", b'{"model": "judge"', b"[]", b'{"model": "judge"}', b"\xff\xfe", b'{"content": null}']
)
def test_a_damaged_entry_counts_as_absent(tmp_path: Path, damaged: bytes) -> None:
    ledger = Ledger.at(str(tmp_path))
    ledger.put(KEY, ENTRY)
    Path(ledger.path(KEY)).write_bytes(damaged)
    assert ledger.get(KEY) is None
    ledger.put(KEY, ENTRY)
    assert ledger.get(KEY) == ENTRY


def test_an_entry_of_a_later_version_with_more_fields_is_read(tmp_path: Path) -> None:
    ledger = Ledger.at(str(tmp_path))
    ledger.put(KEY, ENTRY)
    path = Path(ledger.path(KEY))
    path.write_text(json.dumps(json.loads(path.read_text()) | {"region": "eu"}))
    assert ledger.get(KEY) == ENTRY


def test_a_key_is_a_sha_256_that_a_rerun_finds_again() -> None:
    assert request_key(*ASKED) == request_key(*ASKED)
    assert len(request_key(*ASKED)) == 64


@pytest.mark.parametrize(
    ("position", "other"),
    [
        (0, "http://other/v1"),
        (1, "judge-2"),
        (2, [{"role": "user", "content": "hi!"}]),
        (3, {"type": "array"}),
        (4, {"temperature": 0.1}),
    ],
)
def test_whatever_decides_an_answer_changes_the_key(position: int, other: object) -> None:
    changed = [*ASKED]
    changed[position] = other
    assert request_key(*changed) != request_key(*ASKED)


def test_entries_are_found_by_what_they_are_about_and_deleted(tmp_path: Path) -> None:
    ledger = Ledger.at(str(tmp_path))
    assert ledger.keys_about(lambda _: True) == []
    for key, about in (("aa1", "c-1"), ("bb2", "c-2"), ("cc3", ""), ("dd4", "c-9")):
        ledger.put(key, replace(ENTRY, about=about))
    assert ledger.keys_about(lambda about: about in {"c-1", "c-9"}) == ["aa1", "dd4"]
    assert ledger.keys_about(lambda about: about == "c-1", {"cc3", "ee5"}) == ["aa1", "cc3"]
    ledger.remove(["aa1", "cc3"])
    assert [ledger.get(key) is None for key in ("aa1", "bb2", "cc3", "dd4")] == [True, False, True, False]


def test_the_ledger_is_a_table_of_every_call(tmp_path: Path) -> None:
    ledger = Ledger.at(str(tmp_path))
    assert ledger_frame(ledger).is_empty()
    ledger.put("bb22", Entry("judge", "{}", "stop", 100, 10, 0.5, 0.2, "2026-01-05T00:00:00+00:00", "c1"))
    ledger.put("aa11", Entry("judge", "no", "length", 7, 1, 0.25, 0.1, "2026-01-05T00:00:01+00:00"))
    rows = ledger_frame(ledger)
    assert rows["prompt_hash"].to_list() == ["aa11", "bb22"]
    assert rows.select(pl.sum("prompt_tokens", "completion_tokens", "cost_usd")).row(0) == (107, 11, 0.75)
    assert rows.row(1, named=True)["about"] == "c1"
