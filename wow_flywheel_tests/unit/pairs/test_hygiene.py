"""The numbers of a day's pairs, by hand; what is exchanged or left out until they are within their limits."""

import datetime as dt
from typing import Any

import polars as pl
import pytest

from wow_flywheel.contracts import PREFERENCE_PAIRS
from wow_flywheel.dialogue import Action, DialogueAction
from wow_flywheel.errors import SettingsError
from wow_flywheel.pairs.attempt import Attempt, candidate_row
from wow_flywheel.pairs.candidates import Candidate
from wow_flywheel.pairs.hygiene import (
    beginning,
    findings,
    language_of,
    least_kept,
    near_duplicates,
    over_caps,
    prefix_gap,
    same_when_heard,
    shape,
)
from wow_flywheel.pairs.lengths import beyond_chance, told, told_by_pair, told_by_threshold, upper_tail
from wow_flywheel.pairs.limits import PairLimits, read_limits
from wow_flywheel.pairs.selection import select
from wow_flywheel.pairs.sites import Site
from wow_flywheel_tests.unit.inspection.talk import user

NAMES = ("chosen_differs_from_rejected", "length_ratio_bounded", "length_does_not_tell", "no_telltale_prefix",
         "no_near_duplicates", "within_caps", "issue_types_balanced", "languages_balanced")  # fmt: skip


def say(reply: str) -> str:
    return DialogueAction(reply=reply).to_json()


def attempt(number: int, chosen: str, rejected: str, **more: Any) -> Attempt:
    issue, source = more.get("issue", "hallucination"), more.get("source", "good_case")
    words = " ".join(f"w{number}x{i}" for i in range(9))
    prompt = (user(more.get("prompt", words)),)
    where = Site(
        dt.date(2026, 3, 2), f"c{number}", more.get("who", f"u{number}"), "s", 1, issue, prompt, DialogueAction(reply=rejected)
    )
    return Attempt(where, Candidate(DialogueAction(reply=chosen), source, "g"), "selection", "", more.get("doubts", 0), "rules")


def pairs(*attempts: Attempt) -> pl.DataFrame:
    from wow_flywheel.pairs.attempt import frame, pair_row

    return frame([pair_row(each) for each in attempts], PREFERENCE_PAIRS)


def test_length_alone_by_hand() -> None:
    assert told_by_pair([5, 5, 5, 9], [9, 9, 5, 5]) == (2 + 0.5) / 4
    assert told_by_pair([1, 1], [2, 2]) == 1.0
    assert told_by_threshold([9] * 10, [1] * 10) == 1.0
    assert told_by_threshold([1] * 10, [9] * 10) == 1.0
    assert told_by_threshold([5] * 10, [5] * 10) == 0.5
    assert told([], []) == 0.5


def test_beginnings_that_only_one_side_has() -> None:
    rows = [{"chosen": say("Let me see that now"), "rejected": say("I have sent it")}] * 3
    rows += [{"chosen": say("I have sent this"), "rejected": say("I have sent that")}]
    assert prefix_gap(rows, 3) == (0.75, "i have sent")
    assert beginning(say("我们马上为您退款"), 3) == "我 们 马"
    assert beginning(say("Yes."), 3) == ""


def test_near_duplicates_name_the_earlier_one() -> None:
    words = " ".join(f"word{i}" for i in range(60))
    assert near_duplicates([words, "something else altogether is said here", words + " more"], 0.9) == {2: 0}
    assert near_duplicates([], 0.9) == near_duplicates([words], 0.9) == {}


def test_caps_count_what_is_above_them() -> None:
    rows = [{"user_id": "u", "issue_type": "x", "chosen": say(f"It is {i}."), "rejected": say("No.")} for i in range(5)]
    assert over_caps(rows, PairLimits(per_user=3, per_template=4, per_issue=5)) == {
        "customer": 2, "template": 1, "issue type": 0,
    }  # fmt: skip


def test_languages_are_compared_with_the_bad_cases() -> None:
    assert language_of("zh-CN", []) == language_of(None, [user("你好")]) == "zh"
    assert least_kept({"en": 9, "zh": 1}, {"en": 50, "zh": 50}) == ("zh", 0.2)
    assert least_kept({"en": 9}, {"en": 97, "fr": 3}) == ("en", 1 / 0.97)


def test_sides_that_sound_the_same_are_no_pair() -> None:
    assert same_when_heard(say("Soon!"), say("soon"))
    assert not same_when_heard(say("Soon!"), say("Now."))


def test_every_number_has_its_sentence_and_few_pairs_are_not_judged() -> None:
    found = findings(pairs(attempt(1, "A longer answer than that.", "No.")), {"en": 1}, PairLimits())
    assert tuple(each.check for each in found) == NAMES
    assert all(each.passed for each in found)
    assert "not judged below 30 pairs" in found[2].sentence


def test_a_day_of_longer_answers_is_found_and_mended_by_exchange_before_anything_is_left_out() -> None:
    said = [f"The answer {'z' * i} is this." for i in range(40)]
    options = {f"c{i}#1": [attempt(i, f"{text} Well.", text), attempt(i, text[:-6], text)] for i, text in enumerate(said)}
    limits = PairLimits(prefix_gap=1.0)
    unmended = findings(pairs(*(found[0] for found in options.values())), {}, limits)
    assert (unmended[2].passed, unmended[2].value) == (False, 1.0)
    done = select(options, limits)
    assert (len(done.chosen), done.left_out) == (40, {})
    assert 10 < len(done.exchanged) < 30
    lengths = findings(pairs(*done.chosen.values()), {}, limits)[2]
    assert lengths.passed
    assert lengths.value <= 0.6


def test_what_cannot_be_exchanged_is_left_out_with_its_reason_and_a_persons_edit_stays() -> None:
    said = [f"The answer {'z' * (i % 20)} is this." for i in range(60)]
    options = {f"c{i}#1": [attempt(i, f"{text} Well.", text)] for i, text in enumerate(said[:40])}
    options |= {f"c{i}#1": [attempt(i, text[:-6], text)] for i, text in enumerate(said) if i >= 40}
    options["c0#1"] = [attempt(0, f"{said[0]} Well.", said[0], source="person")]
    done = select(options, PairLimits(prefix_gap=1.0))
    assert set(done.left_out.values()) == {"its length would give the chosen side away"}
    assert {"c0#1", *(f"c{i}#1" for i in range(40, 60))} <= set(done.chosen)
    assert findings(pairs(*done.chosen.values()), {}, PairLimits())[2].passed


def test_caps_near_duplicates_unequal_lengths_and_beginnings_leave_out_with_their_reason() -> None:
    limits = PairLimits(per_user=1, per_template=99, length_ratio=2, evidence=2, length_classifier=1, prefix_gap=0.1)
    words = " ".join(f"word{i}" for i in range(80))
    options = {
        "c1#1": [attempt(1, "One answer is here.", "Another was given.", who="u")],
        "c2#1": [attempt(2, "Some answer is there.", "Others were given.", who="u")],
        "c3#1": [attempt(3, "An answer. " * 40, "No.")],
        "c4#1": [attempt(4, "Fine by us.", "Not by them.", prompt=words)],
        "c5#1": [attempt(5, "Fine by us!", "Not by them!", prompt=words)],
    }
    done = select(options, limits)
    assert done.left_out["c3#1"] == "one side is too many times as long as the other"
    assert done.left_out["c5#1"] == "nearly the same as c4#1"
    assert min(done.left_out.values()) == "above the cap of 1 for one customer"


def test_the_section_of_the_file_is_read_and_its_mistakes_are_named() -> None:
    assert read_limits({"length_classifier": 0.55, "severity": {"within_caps": "warn"}}).length_classifier == 0.55
    with pytest.raises(SettingsError, match=r"WOW_CHECKS: pairs\.length_classifier is wrong"):
        read_limits({"length_classifier": 0.4})
    with pytest.raises(SettingsError, match=r"pairs\.severity\.nothing"):
        read_limits({"severity": {"nothing": "warn"}})


def test_few_pairs_fail_where_chance_hardly_explains_it() -> None:
    assert beyond_chance(6, 6, 0.6, 30)  # 0.6 ** 6 = 0.047
    assert not beyond_chance(3, 3, 0.6, 30)  # 0.6 ** 3 = 0.216
    assert beyond_chance(19, 30, 0.6, 30)
    assert not beyond_chance(18, 30, 0.6, 30)
    assert upper_tail(1, 2, 0.5) == pytest.approx(0.75)
    shorter = pairs(*(attempt(i, "No.", f"A far longer answer {i}.") for i in range(29)))
    assert not by_name(shorter)["length_does_not_tell"]


def by_name(rows: pl.DataFrame) -> dict[str, bool]:
    return {each.check: each.passed for each in findings(rows, {}, PairLimits())}


def test_a_day_that_length_tells_is_not_kept_to_the_last_pair_below_evidence() -> None:
    said = [f"The answer {'z' * i} is this." for i in range(200)]
    options = {f"c{i}#1": [attempt(i, text[:-6], text)] for i, text in enumerate(said)}
    kept = select(options, PairLimits(prefix_gap=1.0)).chosen
    assert len(kept) <= 5
    assert by_name(pairs(*kept.values()))["length_does_not_tell"]


def test_the_keys_of_the_raw_json_are_a_beginning_too() -> None:
    assert shape('{"thought":"Hm.","knowledge":[],"reply":"Yes.","action":null}') == "{thought, reply}"
    assert shape('{"reply":"Yes.","thought":"Hm."}') == "{reply, thought}"
    assert shape(DialogueAction(action=Action(name="find", arguments={})).to_json()) == "{action}"
    sides = [(f'{{"thought":"{i}","reply":"Word{i} here now."}}', f'{{"reply":"Other{i} thing then."}}') for i in range(40)]
    rows = [{"chosen": chosen, "rejected": rejected} for chosen, rejected in sides]
    assert prefix_gap(rows, 3) == (1.0, "{reply}")


def test_a_thought_and_knowledge_ids_stay_out_of_a_pair_whose_rejected_side_has_none() -> None:
    rich = DialogueAction(thought="Order 31 is known.", knowledge=["u1"], reply="It costs 58 dollars.")
    one = attempt(1, "It costs 58 dollars.", "It costs 45 dollars.")
    thoughtful = Attempt(one.site, Candidate(rich, "endpoint", ""))
    assert thoughtful.chosen == DialogueAction(reply="It costs 58 dollars.").to_json()
    assert thoughtful.length == len(thoughtful.chosen)
    assert candidate_row(thoughtful)["candidate"] == rich.to_json()
