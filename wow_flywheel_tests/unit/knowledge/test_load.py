"""Knowledge, procedures and business rules from files, and what is said of a broken one."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from wow_flywheel.errors import SourceError
from wow_flywheel.knowledge.load import load_business_rules, load_knowledge, load_procedures

UNIT = {"id": "k-1", "title": "Refunds", "content": "Within 7 days."}
PROCEDURE = {
    "policy_id": "p/refund",
    "scenario": "refund",
    "replies": {"hello": "Hello!", "ask_order": "Which order?", "bye": "Bye."},
    "flow": {"hello": "ask_order", "ask_order": "query", "query": "refunded"},
}


def jsonl(*records: object) -> bytes:
    return b"\n".join(json.dumps(record, ensure_ascii=False).encode() for record in records)


def test_knowledge_from_files_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "more.jsonl.gz").write_bytes(gzip.compress(jsonl({"unit_id": "k-2", "content": "二"}, UNIT)))
    (tmp_path / "a.jsonl").write_bytes(
        b"\xef\xbb\xbf" + jsonl(UNIT, {"document_id": "k-3", "title": None, "content": "x"}) + b"\n\n"
    )
    (tmp_path / ".hidden.jsonl").write_bytes(b"{")
    (tmp_path / "notes.txt").write_bytes(b"{")
    assert load_knowledge(str(tmp_path)).rows() == [
        ("k-1", "Refunds", "Within 7 days."), ("k-3", "k-3", "x"), ("k-2", "k-2", "二"),
    ]  # fmt: skip


def test_one_file_is_a_source_too(tmp_path: Path) -> None:
    path = tmp_path / "k.jsonl.gz"
    path.write_bytes(gzip.compress(jsonl(UNIT)))
    assert load_knowledge(str(path)).rows() == [("k-1", "Refunds", "Within 7 days.")]
    rules = tmp_path / "r.md"
    rules.write_text("## Rules\nBe fair.", encoding="utf-8")
    assert load_business_rules(str(rules)).rows() == [("r", "Rules", "## Rules\nBe fair.")]


def test_a_procedure_has_one_row_a_step(tmp_path: Path) -> None:
    (tmp_path / "p.jsonl").write_bytes(jsonl(PROCEDURE))
    assert load_procedures(str(tmp_path)).rows() == [
        ("p/refund", "refund", "hello", "Hello!", "ask_order"),
        ("p/refund", "refund", "ask_order", "Which order?", "query"),
        ("p/refund", "refund", "bye", "Bye.", None),
        ("p/refund", "refund", "query", None, "refunded"),
        ("p/refund", "refund", "refunded", None, None),
    ]


def test_business_rules_are_the_markdown_files(tmp_path: Path) -> None:
    (tmp_path / "b.md").write_text("no heading", encoding="utf-8")
    (tmp_path / "a.md").write_text("intro\n# 退款 #\n7 天", encoding="utf-8")
    assert load_business_rules(str(tmp_path)).rows() == [("a", "退款 #", "intro\n# 退款 #\n7 天"), ("b", "b", "no heading")]


@pytest.mark.parametrize(
    ("load", "columns"),
    [
        (load_knowledge, ["unit_id", "title", "content"]),
        (load_procedures, ["policy_id", "scenario", "reply_id", "text", "next_reply_id"]),
        (load_business_rules, ["policy_id", "title", "content"]),
    ],
)
def test_a_missing_folder_and_an_empty_one_have_no_rows(
    tmp_path: Path, load: Callable[[str], pl.DataFrame], columns: list[str]
) -> None:
    for uri in (tmp_path, tmp_path / "none"):
        assert load(str(uri)).schema == pl.Schema(dict.fromkeys(columns, pl.String))
        assert load(str(uri)).is_empty()


@pytest.mark.parametrize(
    ("load", "data", "says"),
    [
        (load_knowledge, jsonl(UNIT) + b"\n{", "k.jsonl, line 2: not a JSON object"),
        (load_knowledge, b"[]", "k.jsonl, line 1: not a JSON object"),
        (load_knowledge, b"[" * 100_000, "k.jsonl, line 1: not a JSON object"),
        (load_knowledge, b"\xff", "k.jsonl, line 1: not UTF-8"),
        (load_knowledge, jsonl({"title": "x", "content": "y"}), "line 1: unit_id or id or document_id is missing"),
        (load_knowledge, jsonl({"id": "x", "content": ""}), "line 1: content is missing"),
        (load_knowledge, jsonl({"id": 7, "content": "y"}), "line 1: id is not a string"),
        (load_knowledge, jsonl({"id": "x", "title": 7, "content": "y"}), "line 1: title is not a string"),
        (load_knowledge, jsonl(UNIT, UNIT | {"content": "Never."}), "line 2: unit 'k-1' differs from"),
        (load_procedures, jsonl(PROCEDURE | {"policy_id": None}), "line 1: policy_id is missing"),
        (load_procedures, jsonl(PROCEDURE | {"flow": []}), "line 1: flow is not an object of texts"),
        (load_procedures, jsonl(PROCEDURE | {"replies": {"a": 1}}), "line 1: replies is not an object of texts"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, load: Callable[[str], pl.DataFrame], data: bytes, says: str) -> None:
    (tmp_path / "k.jsonl").write_bytes(data)
    with pytest.raises(SourceError) as caught:
        load(str(tmp_path))
    assert says in caught.value.message
    assert caught.value.hint


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "k.jsonl.gz").write_bytes(gzip.compress(jsonl(UNIT))[:-9])
    with pytest.raises(SourceError, match=r"k.jsonl.gz: damaged or incomplete gzip file"):
        load_knowledge(str(tmp_path))
