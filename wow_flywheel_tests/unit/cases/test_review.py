"""`wow-flywheel review`, as a person calls it, on a small lake."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from wow_flywheel.cases.label import label
from wow_flywheel.cli import app
from wow_flywheel.lake import Lake
from wow_flywheel_tests.unit.cases.rows import (
    DAY,
    a_case,
    cases,
    claim,
    conversations,
    decision,
    decisions,
    inspections,
    verdict,
    verdicts,
)
from wow_flywheel_tests.unit.inspection.talk import agent, call, tool, user

RUNNER = CliRunner()
DT = ("--dt", "2026-03-02")
TALK = [user("Refund order 7."), call("refund", order=7), tool(ok=True), agent("Done,\nin some words.")]
UNKNOWN = (
    "2026-03-02 has no case of the conversation 'z'",
    "see `wow-flywheel review list --dt 2026-03-02 --label all`, or run the job `nightly` for that day",
)


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    monkeypatch.setenv("WOW_LAKE_URI", str(tmp_path / "lake"))
    return Lake(str(tmp_path / "lake"))


@pytest.fixture
def day(lake: Lake) -> Lake:
    """Four cases: one good, one failed, and two for review, of which `b` is the less clear."""
    rows = [a_case("review", "a", solved=0.7), a_case("review", "b", solved=0.45)]
    rows += [a_case("good", "c", solved=0.9), a_case("failed", "d", solved=0.2)]
    lake.replace("cases", cases(*rows), DAY)
    return lake


@pytest.fixture
def talked(day: Lake) -> Lake:
    """What is known of `a`: its conversation, verdict and findings."""
    both = pl.concat([conversations("a", messages=TALK), conversations("b", messages=[user("Hi")])])
    day.replace("conversations", both, DAY)
    found = [claim("script_repetition", "major", 3), claim("hallucination", "minor", 3, "rejected")]
    day.replace("inspections", inspections(*found, claim("hallucination", "major", 0, conversation_id="b")), DAY)
    day.replace("verdicts", verdicts(verdict(0.7, 0.5), verdict(0.4, 0.5, "b", evidence=["of b"])), DAY)
    return day


def run(*arguments: str) -> tuple[int, str, str]:
    result = RUNNER.invoke(app, ["review", *arguments])
    return result.exit_code, result.stdout, result.stderr


def as_json(*arguments: str) -> Any:
    code, out, err = run(*arguments, "--json")
    assert (code, err) == (0, "")
    return json.loads(out)


def decide(conversation_id: str, wanted: str, *more: str, by: str = "ana") -> tuple[int, str, str]:
    return run("decide", conversation_id, *DT, "--label", wanted, "--by", by, *more)


def listed(*more: str) -> list[tuple[str, str, str]]:
    return [(row["conversation_id"], row["label"], row["decided_by"]) for row in as_json("list", *DT, *more)]


def test_a_day_without_cases_says_so(lake: Lake) -> None:
    assert run("list", *DT) == (0, "2026-03-02: no case is labelled review\n", "")
    assert run("list", *DT, "--json") == (0, "[]\n", "")


def test_the_cases_that_wait_are_listed_the_least_clear_first(day: Lake) -> None:
    code, out, err = run("list", *DT)
    assert (code, err) == (0, "")
    assert [line.split() for line in out.splitlines()] == [
        ["conversation", "scenario", "label", "solved", "satisfied", "decided", "by", "why"],
        ["b", "refund", "review", "0.45", "0.5", "rules", "why"],
        ["a", "refund", "review", "0.7", "0.5", "rules", "why"],
    ]


def test_a_label_or_all_may_be_asked_for(day: Lake) -> None:
    assert listed() == [("b", "review", "rules"), ("a", "review", "rules")]
    assert listed("--label", "good") == [("c", "good", "rules")]
    assert [key for key, _, _ in listed("--label", "all")] == ["b", "a", "d", "c"]
    assert run("list", "--dt", "2026-03-03")[1] == "2026-03-03: no case is labelled review\n"


def test_a_listed_row_as_json_has_all_columns_of_the_case(day: Lake) -> None:
    assert as_json("list", *DT, "--label", "good") == [{"dt": "2026-03-02", **a_case("good", "c", solved=0.9)}]


def test_a_case_is_shown_turn_by_turn_with_what_was_found_there(talked: Lake) -> None:
    talked.append("decisions", decisions(decision("bad", 9, note="rude"), decision("review", 10, "bob")))
    code, out, err = run("show", "a", *DT)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "a  refund  2026-03-02",
        "label review, by bob",
        "  - why",
        "  evidence: a tool succeeded",
        "  2026-03-02 09:00 ana decided bad: rude",
        "  2026-03-02 10:00 bob decided review",
        "",
        "  0 user      Refund order 7.",
        "  1 assistant",
        '              → refund {"order": 7}',
        '  2 tool      {"ok": true}',
        "  3 assistant Done,",
        "              in some words.",
        "       ▲ hallucination (minor, rejected, by repeats): said before “words”",
        "       ▲ script_repetition (major, accepted, by repeats): said before “words”",
    ]


def test_a_case_as_json_has_all_that_is_known_of_it(talked: Lake) -> None:
    found = as_json("show", "a", *DT)
    assert found["case"] == {"dt": "2026-03-02", **a_case("review", "a", solved=0.7)}
    assert [message["role"] for message in found["messages"]] == ["user", "assistant", "tool", "assistant"]
    assert [(f["turn"], f["issue_type"], f["decision"]) for f in found["findings"]] == [
        (3, "hallucination", "rejected"),
        (3, "script_repetition", "accepted"),
    ]
    assert (found["evidence"], found["decisions"]) == (["a tool succeeded"], [])


def test_a_case_of_which_only_the_label_is_left_can_be_shown(day: Lake) -> None:
    assert run("show", "a", *DT) == (0, "a  refund  2026-03-02\nlabel review, by rules\n  - why\n\n", "")


def test_text_of_a_log_cannot_move_the_cursor_or_hide_what_stands_there(day: Lake) -> None:
    day.replace("conversations", conversations("a", messages=[user("wipe \x1b[2J and \u202eturn"), agent("a\rb")]), DAY)
    day.replace("cases", cases(a_case("review") | {"reasons": ["odd \x1b[31m one"]}), DAY)
    shown, table = run("show", "a", *DT)[1], run("list", *DT)[1]
    assert r"wipe \x1b[2J and \u202eturn" in shown
    assert r"odd \x1b[31m one" in shown
    assert r"odd \x1b[31m one" in table
    assert {"\x1b", "\u202e", "\r"}.isdisjoint(shown + table)


def test_a_decision_is_kept_and_says_what_is_next(day: Lake) -> None:
    before = dt.datetime.now(dt.UTC)
    code, out, err = decide("a", "good", "--note", " read it twice ", by=" ana ")
    assert (code, err) == (0, "")
    assert out.splitlines()[1] == "next: run the job `nightly` for 2026-03-02, so that pairs follow"
    row = day.read("decisions").row(0, named=True)
    assert before <= row.pop("decided_at") <= dt.datetime.now(dt.UTC)
    assert row == {"dt": DAY, "conversation_id": "a", "label": "good", "decided_by": "ana", "note": "read it twice"}


def test_a_decision_as_json_is_the_row_that_was_added(day: Lake) -> None:
    row = as_json("decide", "a", *DT, "--label", "bad", "--by", "ana")
    assert dt.datetime.fromisoformat(row.pop("decided_at")).utcoffset() == dt.timedelta(0)
    assert row == {"dt": "2026-03-02", "conversation_id": "a", "label": "bad", "decided_by": "ana", "note": None}


def test_a_decision_counts_at_once_and_the_latest_wins(day: Lake) -> None:
    decide("a", "good")
    assert listed() == [("b", "review", "rules")]
    assert listed("--label", "good") == [("a", "good", "ana"), ("c", "good", "rules")]
    decide("a", "bad", by="bob")
    assert listed("--label", "bad") == [("a", "bad", "bob")]
    assert [row["label"] for row in as_json("show", "a", *DT)["decisions"]] == ["good", "bad"]


def test_a_decided_case_can_be_sent_back_to_review(day: Lake) -> None:
    decide("c", "review")
    assert ("c", "review", "ana") in listed()


def test_a_decision_survives_labelling_the_day_again(talked: Lake) -> None:
    decide("a", "failed", "--note", "money never came")
    for _ in range(2):
        tables = (talked.read(name, DAY) for name in ("conversations", "satisfaction", "inspections", "verdicts"))
        talked.replace("cases", label(*tables, talked.read("decisions")), DAY)
    row = talked.read("cases", DAY).filter(pl.col("conversation_id") == "a").row(0, named=True)
    assert (row["label"], row["decided_by"], row["reasons"][0]) == ("failed", "ana", "decided by ana: money never came")
    assert listed("--label", "failed") == [("b", "failed", "rules"), ("a", "failed", "ana")]


@pytest.mark.parametrize("command", [("show", "z", *DT), ("decide", "z", *DT, "--label", "good", "--by", "ana")])
def test_an_unknown_conversation_is_an_error_with_what_to_do(day: Lake, command: tuple[str, ...]) -> None:
    message, hint = UNKNOWN
    assert run(*command) == (1, "", f"error: {message} → {hint}\n")
    code, out, err = run(*command, "--json")
    assert (code, out) == (1, "")
    assert json.loads(err) == {"error": {"kind": "DecisionError", "message": message, "hint": hint}}
    assert day.read("decisions").is_empty()


def test_a_case_of_another_day_is_not_decided(day: Lake) -> None:
    code, _, err = run("decide", "a", "--dt", "2026-03-03", "--label", "good", "--by", "ana")
    assert (code, err.partition(" → ")[0]) == (1, "error: 2026-03-03 has no case of the conversation 'a'")
    assert day.read("decisions").is_empty()


def test_an_unknown_label_is_an_error_with_the_labels(day: Lake) -> None:
    labels = ["good", "bad", "failed", "review"]
    assert decide("a", "fine") == (1, "", f"error: 'fine' is no label → use one of {labels}\n")
    assert decide("a", "all") == (1, "", f"error: 'all' is no label → use one of {labels}\n")
    assert run("list", *DT, "--label", "x") == (1, "", f"error: 'x' is no label → use one of {[*labels, 'all']}\n")
    assert day.read("decisions").is_empty()


def test_a_decision_by_nobody_is_an_error(day: Lake) -> None:
    expected = "error: a decision needs the name of who decides → name a person, such as --by ana\n"
    assert decide("a", "good", by="  ") == (1, "", expected)
    assert day.read("decisions").is_empty()


@pytest.mark.parametrize(
    "arguments",
    [
        ("list",),
        ("list", "--dt", "yesterday"),
        ("show", *DT),
        ("decide", "a", *DT, "--label", "good"),
        ("decide", "a", *DT, "--by", "ana"),
        ("unknown",),
    ],
)
def test_wrong_usage_exits_with_2(day: Lake, arguments: tuple[str, ...]) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert "Usage: " in err
