"""Every document that a reader is given is used, ignored with a reason, or broken: exactly one of them, whatever it holds."""

import copy
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wow_flywheel.conversations.fields import REASONS
from wow_flywheel.conversations.readers.provenance import IGNORED
from wow_flywheel.conversations.readers.records import Records
from wow_flywheel.conversations.readers.registry import READERS, detect, read
from wow_flywheel_tests.effort import examples
from wow_flywheel_tests.unit.conversations.readers.valid import DOCUMENTS

VALUES: list[Any] = [None, "", "x", 0, -1, True, [], {}, ["x"], {"x": 1}, "[]", "2026-11-05T08:00:00Z", 1_762_344_000, "s-1"]


def fates(found: Records) -> dict[int, str]:
    """What came of each document; fails where one has two fates."""
    used = {index for sources in found.sources for index in sources}
    fate = Counter([*used, *found.ignored, *found.broken])
    assert set(fate.values()) <= {1}
    reasons = {**found.ignored, **{index: error.reason for index, error in found.broken.items()}}
    return dict.fromkeys(used, "used") | reasons


def changed(document: Any, path: list[int], value: Any) -> None:
    """Put a value at some place inside a document, or remove what is there."""
    inner = document
    for step in path:
        names = list(inner) if isinstance(inner, dict) else list(range(len(inner)))
        if not names:
            return
        name = names[step % len(names)]
        if step == path[-1] or not isinstance(inner[name], dict | list):
            if value == "removed":
                del inner[name]
            else:
                inner[name] = value
            return
        inner = inner[name]


MUTATIONS = st.lists(
    st.tuples(
        st.integers(0, 9), st.lists(st.integers(0, 9), min_size=1, max_size=6), st.sampled_from([*VALUES, "removed"])
    ),
    max_size=4,
)  # fmt: skip


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=examples(120), deadline=None)
@given(picked=st.lists(st.integers(0, 9), min_size=1, max_size=9), mutations=MUTATIONS, start=st.integers(0, 1000))
def test_any_documents_are_accounted_for(name: str, picked: list[int], mutations: Any, start: int) -> None:
    documents = [copy.deepcopy(DOCUMENTS[name][number % len(DOCUMENTS[name])]) for number in picked]
    for number, path, value in mutations:
        changed(documents[number % len(documents)], path, copy.deepcopy(value))
    found = read(name, enumerate(documents, start))
    fate = fates(found)
    assert set(fate) == set(range(start, start + len(documents)))
    assert set(fate.values()) <= {"used", *IGNORED, *REASONS}
    assert len(found.sources) == len(found.records)
    assert all(sources == tuple(sorted(set(sources))) and sources for sources in found.sources)


EXPECTED = {
    "openai": ["used", "superseded", "used", "used", "used", "used", "used", "no_conversation"],
    "otel": ["used", "used", "not_a_call", "used", "automatic_score", "no_conversation", "not_a_call"],
    "langfuse": ["used", "used", "not_a_call", "used", "not_a_call", "used", "automatic_score", "no_conversation", "used"],
    "tensorzero": ["used", "used", "used", "used", "used", "no_conversation"],
    "langsmith": ["used", "used", "not_a_call", "not_a_call", "used", "used", "automatic_score", "no_conversation"],
}


@pytest.mark.parametrize("name", READERS)
def test_what_comes_of_each_document(name: str) -> None:
    fate = fates(read(name, enumerate(DOCUMENTS[name])))
    assert [fate[index] for index in range(len(DOCUMENTS[name]))] == EXPECTED[name]


@pytest.mark.parametrize("name", READERS)
def test_documents_logged_twice_change_nothing_and_are_repeated(name: str) -> None:
    documents = [each for each in DOCUMENTS[name][:2] for _ in range(2)]
    found = read(name, enumerate(documents))
    assert found.records == read(name, enumerate(DOCUMENTS[name][:2])).records
    assert len(found.records) == 1
    assert Counter(fates(found).values()) == {"used": 2, "repeated": 2}


@pytest.mark.parametrize("name", READERS)
def test_every_document_shows_its_format(name: str) -> None:
    assert {detect(document) for document in DOCUMENTS[name]} == {name}


@pytest.mark.parametrize("name", READERS)
def test_feedback_joins_in_any_order_and_a_correction_is_a_conversation_of_its_own(name: str) -> None:
    turned = list(reversed(DOCUMENTS[name]))
    records = {record["conversation_id"]: record for record in read(name, enumerate(turned)).records}
    better = [record for key, record in records.items() if key.endswith("-demonstration")]
    assert [record["feedback"] for record in better] == ([] if name == "otel" else [{"thumb": "up"}])
    assert {record["messages"][-1]["content"] for record in better} <= {"It is on its way."}
    (whole,) = (each for each in records.values() if len(each["messages"]) == 4 and each not in better)
    assert whole["feedback"]["thumb"] == "up"


def test_a_broken_record_takes_its_documents_with_it() -> None:
    document = copy.deepcopy(DOCUMENTS["openai"][0])
    document["request"]["messages"][0]["role"] = "assistant"
    said = {"response_id": "r-1", "feedback": {"thumb": "down"}}
    found = read("openai", [(7, document), (9, said)])
    assert {index: (error.reason, bool(error.detail)) for index, error in found.broken.items()} == {
        7: ("no_user_turn", True), 9: ("no_user_turn", True),
    }  # fmt: skip
    assert (found.records, found.parts) == ([], {"no_user_turn": 1})


def test_a_helpers_call_is_told_from_a_reply_that_was_not_used() -> None:
    title = copy.deepcopy(DOCUMENTS["otel"][0])
    span = title["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    span["spanId"] = "s-0"
    span["startTimeUnixNano"] = str(1_762_343_000 * 10**9)
    for each in span["attributes"]:
        each["value"]["stringValue"] = (
            each["value"]["stringValue"].replace("Hi", "Give it a title").replace("Hello!", "Greeting")
        )
    found = read("otel", enumerate([*DOCUMENTS["otel"][:2], title]))
    assert (len(found.records), found.sources, found.ignored) == (1, [(0, 1)], {2: "helper_call"})
