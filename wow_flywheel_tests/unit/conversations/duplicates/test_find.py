"""Duplicates of a day: exact and near, on the day and across days, the first kept and the rest counted."""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from wow_flywheel.contracts import DUPLICATES, FINGERPRINTS
from wow_flywheel.conversations.duplicates import find
from wow_flywheel.conversations.duplicates.fingerprints import ALGORITHM, fingerprints
from wow_flywheel.lake import Lake
from wow_flywheel_tests.unit.cases.rows import DAY
from wow_flywheel_tests.unit.conversations.duplicates.talks import CHINESE, ENGLISH, changed, found, pairs, store, talks
from wow_flywheel_tests.unit.inspection.talk import agent, call, user

OTHER = [user("Is the shop open on Sunday?"), agent("No, from Monday to Saturday.")]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def test_of_equal_conversations_the_first_stays(lake: Lake) -> None:
    store(lake, 0, b=ENGLISH, a=ENGLISH, c=OTHER)
    store(lake, 1, d=ENGLISH, e=OTHER, f=CHINESE)
    assert pairs(lake, 0) == [("a", "exact", 0, "b")]
    assert pairs(lake, 1) == [("d", "exact", 0, "b"), ("e", "exact", 0, "c")]
    counts = found(lake, 1).counts
    assert counts == {"conversations": 3, "exact": 2, "near": 0, "kept": 1, "compared_with": 3, "other_algorithm": 0}


def test_times_and_call_ids_do_not_count_and_roles_and_arguments_do(lake: Lake) -> None:
    one = [user("Refund 7."), call("refund", order=7), agent("Done.")]
    later = [{**message, "created_at": dt.datetime(2026, 1, 1, tzinfo=dt.UTC)} for message in one]
    later[1]["tool_calls"] = [{**later[1]["tool_calls"][0], "id": "other"}]
    dearer = [one[0], call("refund", order=8), one[2]]
    turned = [user("Refund 7."), one[1], user("Done.")]
    hashes = fingerprints(talks(0, a=one, b=later, c=dearer, d=turned))["exact_hash"].to_list()
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 3


@pytest.mark.parametrize(
    ("talk", "slightly", "much"),
    [
        (
            ENGLISH,
            [("4711", "9902")],
            [("blue kettle", "red lamp"), ("refund", "voucher"), ("money", "value"), ("order", "case")],
        ),
        (CHINESE, [("4711", "9902")], [("水壶", "台灯"), ("退款", "换货"), ("订单", "单据"), ("星期一", "上个月")]),
    ],
    ids=["english", "chinese"],
)
def test_near_is_nearly_the_same_words(lake: Lake, talk, slightly, much) -> None:
    store(lake, 0, first=talk)
    store(lake, 3, near=changed(talk, *slightly), far=changed(talk, *much))
    assert pairs(lake, 3) == [("near", "near", 0, "first")]
    similarity = found(lake, 3).duplicates["similarity"][0]
    assert 0.9 <= similarity < 1
    assert pairs(lake, 3, threshold=0.99) == []


def test_of_a_chain_of_small_changes_one_stays(lake: Lake) -> None:
    second = changed(ENGLISH, ("blue", "black"))
    third = changed(second, ("Monday", "Friday"))
    store(lake, 0, a=ENGLISH, b=second, c=third)
    assert [row[0] for row in pairs(lake, 0)] == ["b", "c"]


def test_the_window_ends(lake: Lake) -> None:
    store(lake, 0, a=ENGLISH)
    store(lake, 5, b=ENGLISH)
    assert pairs(lake, 5, window_days=5) == [("b", "exact", 0, "a")]
    assert pairs(lake, 5, window_days=4) == []
    assert found(lake, 5, window_days=4).counts["compared_with"] == 0


def test_a_day_does_not_look_forward(lake: Lake) -> None:
    store(lake, 0, a=ENGLISH)
    store(lake, 1, b=ENGLISH)
    assert pairs(lake, 0) == []


def test_an_earlier_day_that_is_read_again_counts_once_the_later_day_is_compared_again(lake: Lake) -> None:
    store(lake, 0, a=OTHER)
    store(lake, 1, b=ENGLISH, c=ENGLISH)
    assert pairs(lake, 1) == [("c", "exact", 1, "b")]
    store(lake, 0, late=ENGLISH)
    assert pairs(lake, 1) == [("b", "exact", 0, "late"), ("c", "exact", 0, "late")]


def test_fingerprints_of_another_algorithm_are_counted_and_not_compared(lake: Lake) -> None:
    old = fingerprints(talks(0, a=ENGLISH)).with_columns(algorithm=pl.lit("another"))
    lake.replace("fingerprints", old, DAY)
    store(lake, 1, b=ENGLISH)
    assert pairs(lake, 1) == []
    assert found(lake, 1).counts["other_algorithm"] == 1


def test_days_are_compared_a_few_at_a_time_with_the_same_outcome(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    for day in range(5):
        store(lake, day, **{f"d{day}": changed(ENGLISH, ("4711", str(5000 + day)))})
    at_once = pairs(lake, 4)
    monkeypatch.setattr(find, "ROWS_AT_ONCE", 2)
    assert pairs(lake, 4) == at_once == [("d4", "near", 0, "d0")]


def test_who_says_nothing_has_no_signature_and_is_only_ever_an_exact_copy(lake: Lake) -> None:
    store(lake, 0, a=[user("?")], b=[user("?")], c=[user("...")])
    assert pairs(lake, 0) == [("b", "exact", 0, "a")]
    assert lake.read("fingerprints")["signature"].null_count() == 3


def test_an_empty_day(lake: Lake) -> None:
    store(lake, 0)
    done = found(lake, 0)
    assert done.duplicates.schema == pl.Schema(DUPLICATES.columns)
    assert done.counts == dict.fromkeys(done.counts, 0)
    assert fingerprints(talks(0)).schema == pl.Schema(FINGERPRINTS.columns)


def test_one_script_has_one_template() -> None:
    named = [agent("Dear customer, your parcel Nr. 12 for Ann Lee is at <PHONE_1>."), call("track", number=1)]
    again = [agent("Dear customer, your parcel Nr. 9,001 for Bo is at <PHONE_12>."), call("track", number=2)]
    other = [agent("Dear customer, your parcel Nr. 12 for Ann Lee is lost."), call("track", number=1)]
    rows = fingerprints(talks(0, a=[user("Hi"), *named], b=[user("Hallo there"), *again], c=[user("Hi"), *other]))
    assert rows["template_hash"][0] == rows["template_hash"][1] != rows["template_hash"][2]
    assert rows["algorithm"].unique().to_list() == [ALGORITHM]
