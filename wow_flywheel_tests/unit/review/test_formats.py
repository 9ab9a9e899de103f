"""Out to other tools and back: what a person answers there is what the lake gets, once, and bad rows are named."""

import csv
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from wow_flywheel.cli import app
from wow_flywheel.errors import DecisionError
from wow_flywheel.lake import Lake
from wow_flywheel.review.formats import FORMATS, export, import_file
from wow_flywheel.review.formats.csv_rows import COLUMNS, bare, guarded
from wow_flywheel.review.page import findings_of
from wow_flywheel_tests.unit.cases.rows import DAY, NOON
from wow_flywheel_tests.unit.review.world import EVIL, fill

EARLIER = "2026-03-02T11:00:00Z"
MINE = {"label": "bad", "holds": "rejected", "rewrite": "=It is done.\nIt takes 3 days."}
USER = "0f9a8d3c-3a60-4f0b-9f7b-0d9b8f8d2c11"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return fill(Lake(str(tmp_path / "lake")))


def exported(lake: Lake, kind: str, tmp_path: Path) -> Path:
    path = tmp_path / f"{kind}.out"
    assert export(lake, DAY, DAY, kind, path, 10) == 3
    return path


def chosen(name: str, kind: str, region: str, **value: Any) -> dict[str, Any]:
    return {"id": region, "from_name": name, "to_name": "dialogue", "type": kind, "origin": "manual", "value": value}


def annotate(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As Label Studio exports it: one annotation, its regions those of the prediction, with the annotator's choices."""
    for task in tasks:
        results = [chosen("label", "choices", "x", choices=[MINE["label"]])]
        for region in task["predictions"][0]["result"]:
            if region["type"] == "paragraphlabels":
                place = {name: region["value"][name] for name in ("start", "end", "startOffset", "endOffset")}
                holds = chosen("holds", "choices", region["id"], **place, choices=[MINE["holds"]])
                results += [region, holds, chosen("rewrite", "textarea", region["id"], **place, text=[MINE["rewrite"]])]
        times = {"created_at": EARLIER, "updated_at": EARLIER}
        made = {"completed_by": {"email": "bo@corp"}, "was_cancelled": False, "result": results, **times}
        task["annotations"] = [{**made, "was_cancelled": True}, made]
    return tasks


def respond(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As Argilla's `to_json` writes it."""
    for record in records:
        asked = ("holds", "rewrite") if "finding" in record["fields"] else ("label",)
        record["responses"] = {name: [{"value": MINE[name], "user_id": USER}] for name in asked}
    return records


def fill_in(text: str) -> str:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, COLUMNS)
    writer.writeheader()
    for row in csv.DictReader(io.StringIO(text, newline="")):
        is_case = row["kind"] == "case"
        filled = {"decision": MINE["label" if is_case else "holds"], "rewrite": "" if is_case else guarded(MINE["rewrite"])}
        writer.writerow({**row, **filled, "by": "bo@corp", "at": EARLIER})
    return out.getvalue()


def answered(kind: str, path: Path) -> Path:
    text = path.read_text(encoding="utf-8-sig")
    if kind == "csv":
        path.write_text(fill_in(text), encoding="utf-8", newline="")
    else:
        path.write_text(json.dumps((annotate if kind == "label-studio" else respond)(json.loads(text))), encoding="utf-8")
    return path


@pytest.mark.parametrize("kinds", [("label-studio",), ("argilla", "argilla-findings"), ("csv",)])
def test_what_is_answered_there_comes_back_once(lake: Lake, tmp_path: Path, kinds: tuple[str, ...]) -> None:
    files = {kind: answered(kind, exported(lake, kind, tmp_path)) for kind in kinds}
    done = [import_file(lake, kind, file, "", NOON) for kind, file in files.items()]
    assert sum(each.added for each in done) == 3 + 2 + 2
    assert [fault for each in done for fault in each.faults] == []
    who = f"argilla:{USER}" if "argilla" in kinds else "bo@corp"
    at = NOON if "argilla" in kinds else NOON.replace(hour=11)
    labels = lake.read("decisions").sort("conversation_id")
    assert labels["conversation_id"].to_list() == ["plain/#1", "sure", "torn"]
    findings, edits = lake.read("finding_decisions"), lake.read("rewrite_edits")
    assert set(findings.select("conversation_id", "turn", "quote", "decision").rows()) == {
        ("plain/#1", 3, "9 days", "rejected"),
        ("torn", 3, "9 days", "rejected"),
    }
    assert set(edits["chosen"]) == {'{"knowledge":[],"reply":"=It is done.\\nIt takes 3 days.","action":null}'}
    for frame in (labels, findings, edits):
        assert set(frame.select("decided_by", "decided_at").rows()) == {(who, at)}

    again = [import_file(lake, kind, file, "", NOON.replace(hour=15)) for kind, file in files.items()]
    assert sum(each.added for each in again) == 0
    assert sum(each.known for each in again) == 7
    assert lake.read("decisions").height == 3


def test_bad_rows_are_named_and_the_good_ones_kept(lake: Lake, tmp_path: Path) -> None:
    (finding,) = findings_of(lake, DAY, "plain/#1")
    rows = [
        ["2026-03-02", "sure", "case", "", "good"],
        ["yesterday", "sure", "case", "", "good"],
        ["2026-03-02", "nobody", "case", "", "good"],
        ["2026-03-02", "sure", "case", "", "lovely"],
        ["2026-03-02", "plain/#1", "finding", "f" * 20, "rejected"],
        ["2026-03-02", "plain/#1", "finding", finding.key, "Rejected"],
        ["2026-03-02", "plain/#1", "place", "", "good"],
        ["2026-03-02", "torn", "case", "", ""],
    ]
    path = tmp_path / "in.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["dt", "conversation_id", "kind", "finding", "decision"], *rows])
    done = import_file(lake, "csv", path, "ana", NOON)
    assert (done.added, done.known) == (2, 0)
    assert [where for where, _ in done.faults] == ["line 3", "line 8", "line 4", "line 5", "line 6"]
    assert "no day" in done.faults[0][1]
    assert "has no such finding" in done.faults[4][1]


@pytest.mark.parametrize("kind", ["label-studio", "argilla"])
def test_tasks_and_records_that_are_none_are_named(lake: Lake, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "in.json"
    odd = [3, {}, {"id": 4, "data": {"case": "2026-03-02"}}, {"id": "2026-03-02/sure", "data": {"case": "2026-03-02/sure"}}]
    odd[3] |= {"annotations": [{"result": [{"from_name": "label", "value": {}}]}], "responses": {"label": "good"}}  # type: ignore[operator]
    path.write_text(json.dumps(odd))
    done = import_file(lake, kind, path, "ana", NOON)
    assert done.added == 0
    assert [where.split()[1] for where, _ in done.faults] == ["0", "1", "2", "3"]
    path.write_text("{")
    with pytest.raises(DecisionError, match="no JSON list"):
        import_file(lake, kind, path, "ana", NOON)


def test_predictions_stand_where_the_quote_stands_counted_as_browsers_count(lake: Lake, tmp_path: Path) -> None:
    tasks = json.loads(exported(lake, "label-studio", tmp_path).read_text(encoding="utf-8"))
    assert [task["data"]["case"] for task in tasks] == [f"2026-03-02/{name}" for name in ("torn", "plain/#1", "sure")]
    region = next(each for each in tasks[0]["predictions"][0]["result"] if each["type"] == "paragraphlabels")
    assert region["value"] == {
        "start": "3", "end": "3", "startOffset": 15, "endOffset": 21, "text": "9 days", "paragraphlabels": ["hallucination"],
    }  # fmt: skip
    assert EVIL in tasks[0]["data"]["dialogue"][0]["text"]
    assert (tmp_path / "label-studio.xml").read_text().startswith("<View>")


@given(st.text())
def test_no_cell_is_a_formula_and_none_changes(cell: str) -> None:
    assert not guarded(cell).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert bare(guarded(cell)) == cell


@pytest.mark.parametrize("kind", list(FORMATS))
def test_an_export_writes_over_nothing_and_without_answers_says_nothing(lake: Lake, tmp_path: Path, kind: str) -> None:
    path = exported(lake, kind, tmp_path)
    with pytest.raises(DecisionError, match="there already"):
        export(lake, DAY, DAY, kind, path, 10)
    done = import_file(lake, kind, path, "", NOON)
    assert (done.added, done.known, list(done.faults)) == (0, 0, [])


def test_the_commands(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WOW_LAKE_URI", lake.uri)
    runner, path = CliRunner(), tmp_path / "out.csv"
    assert runner.invoke(app, ["review", "export", str(path), "--format", "csv"]).stdout == f"3 cases are in {path}\n"
    answered("csv", path)
    done = runner.invoke(app, ["review", "import", str(path), "--format", "csv"])
    assert done.stdout == "7 decisions added, 0 were there already, 0 could not be taken\n"
    queued = json.loads(runner.invoke(app, ["review", "queue", "--json"]).stdout)
    assert queued == []
    path.write_text("dt,conversation_id,kind,finding,decision\nx,y,case,,good\n")
    bad = runner.invoke(app, ["review", "import", str(path), "--format", "csv"])
    assert bad.exit_code == 1
    assert "line 2: the column dt is no day" in bad.stdout
    assert "nothing in out.csv could be taken" in bad.stderr


def test_a_decision_of_the_future_is_refused_and_one_of_a_clock_a_little_fast_is_not(lake: Lake, tmp_path: Path) -> None:
    path = exported(lake, "csv", tmp_path)
    filled = fill_in(path.read_text(encoding="utf-8-sig"))
    path.write_text(filled.replace(EARLIER, "2099-01-01T00:00:00Z"))
    done = import_file(lake, "csv", path, "", NOON)
    assert (done.added, done.known, len(done.faults)) == (0, 0, 7)
    assert "it is decided at 2099-01-01T00:00:00+00:00, which is in the future" in done.faults[0][1]
    assert lake.read("decisions").is_empty()
    path.write_text(filled.replace(EARLIER, "2026-03-02T12:04:00Z"))
    assert import_file(lake, "csv", path, "", NOON).added == 7


@pytest.mark.parametrize("delimiter", [";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_what_spreadsheets_of_other_countries_write_is_read(lake: Lake, tmp_path: Path, delimiter: str, encoding: str) -> None:
    path = exported(lake, "csv", tmp_path)
    rows = list(csv.reader(io.StringIO(fill_in(path.read_text(encoding="utf-8-sig")), newline="")))
    note = rows[0].index("note")
    for row in rows[1:]:
        row[note] = "他说得对，退款要三天"
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter).writerows(rows)
    path.write_bytes(out.getvalue().encode(encoding))
    done = import_file(lake, "csv", path, "", NOON)
    assert (done.added, list(done.faults)) == (7, [])
    assert set(lake.read("decisions")["note"]) == {"他说得对，退款要三天"}


def test_accented_letters_of_another_code_are_refused_not_read_as_chinese(lake: Lake, tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    row = "2026-03-02,sure,case,,good,Il est très fâché : réponse erronée, délai dépassé\n"
    path.write_bytes(f"dt,conversation_id,kind,finding,decision,note\n{row}".encode("cp1252"))
    with pytest.raises(DecisionError, match="is not UTF-8"):
        import_file(lake, "csv", path, "ana", NOON)


def test_a_spreadsheet_is_told_that_the_export_is_utf8(lake: Lake, tmp_path: Path) -> None:
    assert exported(lake, "csv", tmp_path).read_bytes().startswith(b"\xef\xbb\xbfdt,")
    assert exported(lake, "argilla", tmp_path).read_bytes().startswith(b"[")


def test_an_older_file_imported_again_or_late_does_not_win(lake: Lake, tmp_path: Path) -> None:
    """Argilla says no times: what counts is when the file was written."""
    first = answered("argilla", exported(lake, "argilla", tmp_path))
    records = json.loads(first.read_text())
    for record in records:
        record["responses"]["label"][0]["value"] = "good"
    second, oldest = tmp_path / "second.json", tmp_path / "oldest.json"
    second.write_text(json.dumps(records))
    oldest.write_text(first.read_text().replace('"bad"', '"failed"'))
    for path, hour in ((oldest, 7), (first, 8), (second, 9)):
        os.utime(path, (NOON.replace(hour=hour).timestamp(),) * 2)
    for path, added in ((first, 3), (second, 3), (first, 0), (second, 0), (oldest, 3), (first, 0)):
        assert import_file(lake, "argilla", path, "", NOON).added == added
    decided = lake.read("decisions").sort("decided_at").group_by("conversation_id").last()
    assert set(decided["label"]) == {"good"}
    assert decided["decided_at"].max() == NOON.replace(hour=9)
