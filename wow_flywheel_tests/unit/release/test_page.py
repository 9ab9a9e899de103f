"""The results page: one file, nothing fetched, nothing unescaped, and the bad news beside the good."""

import re

import polars as pl
import pytest

from wow_flywheel.contracts import COMPARISON_SLICES, COMPARISONS, EVALUATIONS
from wow_flywheel.dialogue import DialogueAction
from wow_flywheel.release.gate import decide
from wow_flywheel.release.gate_rules import GateRules
from wow_flywheel.release.results.charts import interval_svg
from wow_flywheel.release.results.examples import examples, words
from wow_flywheel.release.results.page import PageData, changes_in_words, render, without_examples

KEY = {"cycle": "c1", "kind": "simulated", "higher_is_better": False, "n": 100}
CHANGE = KEY | {"baseline": "old", "candidate": "new", "metric": "rr", "difference": -0.3, "low": -0.4, "high": -0.2, "sd": 0.5}
SITES = pl.DataFrame(
    [
        {"site": f"c{i}#1", "user_id": f"u{i}", "scenario": "refund", "turn": 1, "locale": "en", "issue_type": "hallucination",
         "prompt": [{"role": "user", "content": f"<script>alert({i})</script>"}], "said": DialogueAction(reply="x").to_json()}
        for i in range(30)
    ]
)  # fmt: skip


def said(model: str, text: str) -> pl.DataFrame:
    raw = DialogueAction(reply=text).to_json()
    return SITES.select(
        pl.lit(model).alias("model"), pl.lit("site").alias("source"), pl.col("site").alias("episode"), raw=pl.lit(raw)
    )


def judged() -> pl.DataFrame:
    """The first ten are repaired, the next five are broken, the rest goes wrong with both."""
    fine = {"new": range(10), "old": range(10, 15)}
    rows = [
        {"model": model, "site": f"c{i}#1", "reason": None if i in right else "bad"}
        for model, right in fine.items()
        for i in range(30)
    ]
    return pl.DataFrame(rows)


def data(shown: int = 20) -> PageData:
    evaluations = [
        KEY | {"model": m, "metric": "rr", "value": v, "low": v - 0.1, "high": v + 0.1} for m, v in (("old", 0.5), ("new", 0.2))
    ]
    comparisons = pl.DataFrame([CHANGE], schema=pl.Schema(COMPARISONS.columns))
    values = EVALUATIONS.conform(pl.DataFrame(evaluations))
    refund = {"slice_by": "scenario", "slice": "refund", "before": 0.5, "after": 0.2}
    issue = {"slice_by": "issue_type", "slice": "hallucination", "before": 0.5, "after": 0.7, "metric": "repair_rate", "n": 9}
    better = {"higher_is_better": True, "kind": "repair", "difference": 0.2, "low": 0.1, "high": 0.3}
    slices = [CHANGE | refund, CHANGE | issue | better]
    found = examples(SITES, pl.concat([said("old", "a"), said("new", "b")]), judged(), "old", "new", shown)
    decision = decide(comparisons, values, GateRules(required=("rr",)))
    frame = COMPARISON_SLICES.conform(pl.DataFrame(slices, schema=pl.Schema(COMPARISON_SLICES.columns)))
    return PageData("c1", decision, values, comparisons, frame, changes_in_words({"parents": {"base_model": "m"}}), found)


def test_the_page_is_one_file_that_fetches_nothing() -> None:
    html = render(data())
    assert not re.findall(r"(?:src|href)=|@import|url\(|https?://|<script", html)
    assert "The gate lets it pass." in html
    assert "rr improved: -0.300" in html


def test_what_customers_said_is_escaped() -> None:
    assert "&lt;script&gt;alert(" in render(data())


def test_twenty_examples_show_what_broke_as_well_as_what_was_repaired() -> None:
    found = [each.outcome for each in data().examples]
    assert (len(found), found.count("broken"), found.count("repaired"), found.count("still wrong")) == (20, 5, 8, 7)
    assert data().examples == data().examples


def test_an_example_is_one_line_with_its_customer() -> None:
    lines = [line for line in render(data()).splitlines() if 'data-user="' in line]
    assert len(lines) == 20
    assert all(line.count("<article") == line.count("</article>") == 1 for line in lines)


def test_a_releases_copy_has_no_words_of_customers_and_says_why() -> None:
    html = render(without_examples(data()))
    assert "alert(" not in html
    assert "asks to be forgotten" in html


def test_groups_show_all_eight_issue_types() -> None:
    html = render(data())
    assert html.count("none held out") == 7
    assert "50.0 % → 70.0 %" in html
    assert "hallucination (n 9)" in html


def test_a_drawing_says_in_colour_and_words_what_it_shows() -> None:
    better, worse, unsure = (
        interval_svg(0.3, 0.2, 0.4, 0.05),
        interval_svg(-0.3, -0.4, -0.2, None),
        interval_svg(0.1, -0.1, 0.3, 0.05),
    )
    assert [re.search(r"interval (\w+)", svg)[1] for svg in (better, worse, unsure)] == ["better", "worse", "open"]
    assert 'aria-label="gain +0.300, 95 % interval +0.200 to +0.400"' in better
    assert (better.count('class="margin"'), worse.count('class="margin"')) == (1, 0)


def test_outputs_are_shown_as_people_read_them() -> None:
    assert (
        words('{"reply":"One moment.","action":{"name":"find","arguments":{"city":"Porto"}}}')
        == "One moment. ⚙ find(city='Porto')"
    )
    assert words("oops") == "(no valid object) oops"
    assert words(None) == "(refused: the prompt is too long)"


@pytest.mark.parametrize(
    ("candidate", "trainers"),
    [(None, None), ("sft", None), ("dpo", "SFT, then DPO"), ("kto", "SFT, then KTO")],
)
def test_the_page_says_which_trainers_made_the_candidate_and_on_what(candidate: str | None, trainers: str | None) -> None:
    counts = {"labelled_dataset.label": {"bad": 12, "good": 40}, "labelled_dataset.issue_type": {"poor_empathy": 12}}
    told = dict(changes_in_words({"candidate": candidate, "counts": counts if candidate == "kto" else {}}))
    assert told.get("trained by") == trainers
    assert told.get("labelled replies") == ("good 40, bad 12" if candidate == "kto" else None)
    assert told.get("bad replies by issue type") == ("poor empathy 12" if candidate == "kto" else None)
