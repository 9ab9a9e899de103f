"""Calls become the conversations that they were: every turn once, whatever repeats, breaks off or comes out of order."""

import datetime as dt
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wow_flywheel.conversations.readers.calls import Call, Session
from wow_flywheel.conversations.readers.sessions import sessions

START = dt.datetime(2026, 11, 5, 8, tzinfo=dt.UTC)
ORDER = {"id": "c1", "name": "order", "arguments": '{"number": 7}'}


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def bot(text: str | None, *calls: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": text} | ({"tool_calls": list(calls)} if calls else {})


def call(minute: int, request: list[dict[str, Any]], reply: str | dict[str, Any] | None, **more: Any) -> Call:
    answer = bot(reply) if isinstance(reply, str) else reply
    fields = {"id": f"call-{minute}", "started": START + dt.timedelta(minutes=minute)} | more
    return Call(request=request, reply=[answer] if answer else [], **fields)


def texts(session: Session) -> list[str | None]:
    return [message["content"] for message in session.messages]


def test_calls_that_repeat_the_history_are_one_conversation() -> None:
    system = {"role": "system", "content": "Be kind."}
    first = call(0, [system, user("hi")], "Hello!", usage={"prompt_tokens": 9, "completion_tokens": 2}, model="m-1")
    second = call(
        1, [system, user("hi"), bot("Hello!"), user("bye")], "Bye!", ended=START + dt.timedelta(minutes=2), model="m-2"
    )
    (session,) = sessions([second, first])
    assert texts(session) == ["Be kind.", "hi", "Hello!", "bye", "Bye!"]
    assert (session.id, session.model, session.started, session.ended) == ("call-0", "m-2", START, second.ended)
    assert session.messages[2]["usage"] == first.usage
    assert [message["created_at"].minute for message in session.messages] == [0, 0, 0, 1, 2]


def test_a_changing_system_prompt_and_changing_ids_do_not_split_a_conversation() -> None:
    asked = [{"role": "system", "content": "It is 8:00."}, user("Where is 7?")]
    again = [
        {"role": "system", "content": "It is 8:01."},
        user("Where is 7?"),
        bot("", ORDER | {"id": "other", "arguments": '{"number":7}'}),
        {"role": "tool", "content": "sent", "tool_call_id": "other"},
    ]
    (session,) = sessions([call(0, asked, bot(None, ORDER)), call(1, again, "On its way.")])
    assert [message["role"] for message in session.messages] == ["system", "user", "assistant", "tool", "assistant"]


def test_retries_and_duplicated_spans_collapse() -> None:
    broken, good = call(0, [user("hi")], None), call(1, [user("hi")], "Hello!")
    copy = call(2, [user("hi")], "Hello!", id="parent-span")
    (session,) = sessions([broken, good, copy])
    assert texts(session) == ["hi", "Hello!"]


def test_the_chunks_of_a_stream_collapse_to_the_whole_reply() -> None:
    chunks = [call(0, [user("hi")], "Hello, how can I help?"), call(1, [user("hi")], "Hello,"), call(2, [user("hi")], "Hel")]
    (session,) = sessions(chunks)
    assert texts(session) == ["hi", "Hello, how can I help?"]


@pytest.mark.parametrize("named", [None, "s-1"])
def test_of_regenerated_replies_the_continued_one_counts(named: str | None) -> None:
    calls = [
        call(0, [user("hi")], "First.", session=named),
        call(1, [user("hi")], "Second.", session=named),
        call(2, [user("hi")], "Third.", session=named),
        call(3, [user("hi"), bot("Second."), user("bye")], "Bye!", session=named),
    ]
    (session,) = sessions(calls)
    assert texts(session) == ["hi", "Second.", "bye", "Bye!"]
    assert [each.id for each in session.calls] == ["call-1", "call-3"]


def test_of_regenerated_replies_at_the_end_the_last_counts() -> None:
    (session,) = sessions([call(0, [user("hi")], "First."), call(1, [user("hi")], "Second.")])
    assert texts(session) == ["hi", "Second."]


def test_customers_who_begin_alike_and_go_on_differently_stay_apart() -> None:
    opening = [user("hi"), bot("Hello!")]
    calls = [
        call(0, [user("hi")], "Hello!"),
        call(1, [*opening, user("a refund")], "Done."),
        call(2, [*opening, user("an invoice")], "Here."),
    ]
    found = sessions(calls)
    assert sorted(texts(each)[2:] for each in found) == [["a refund", "Done."], ["an invoice", "Here."]]
    assert len({each.id for each in found}) == 2


def test_a_shared_opening_keeps_each_conversations_own_time() -> None:
    opening = [user("hi"), bot("Hello!")]
    calls = [
        call(0, [user("hi")], "Hello!"),
        call(1, [*opening, user("a refund")], "Done."),
        call(30, [user("hi")], "Hello!"),
        call(31, [*opening, user("an invoice")], "Here."),
    ]
    found = sessions(calls)
    assert [(each.id, each.started.minute, each.ended.minute) for each in found] == [("call-0", 0, 1), ("call-30", 30, 31)]
    assert [[message["created_at"].minute for message in each.messages] for each in found] == [[0, 0, 1, 1], [30, 30, 31, 31]]


def test_users_are_never_mixed() -> None:
    calls = [call(0, [user("hi")], "Hello!", user="a"), call(1, [user("hi"), bot("Hello!"), user("bye")], "Bye!", user="b")]
    assert [(each.user, len(each.messages)) for each in sessions(calls)] == [("a", 2), ("b", 4)]


def test_in_a_session_an_edited_message_replaces_the_one_that_was_left() -> None:
    opening = [user("hi"), bot("Hello!")]
    calls = [
        call(0, [user("hi")], "Hello!", session="s-1"),
        call(1, [*opening, user("a refnd")], "What?", session="s-1"),
        call(2, [*opening, user("a refund")], "Done.", session="s-1"),
    ]
    (session,) = sessions(calls)
    assert (session.id, texts(session)) == ("s-1", ["hi", "Hello!", "a refund", "Done."])


def test_in_a_session_a_call_without_history_continues_it_unless_it_is_a_helper_of_the_same_trace() -> None:
    calls = [
        call(0, [user("hi")], "Hello!", session="s-1", trace="t-1"),
        call(1, [user("Give this chat a title.")], "Greeting", session="s-1", trace="t-1"),
        call(2, [user("bye")], "Bye!", session="s-1", trace="t-2"),
    ]
    (session,) = sessions(calls)
    assert texts(session)[-2:] == ["bye", "Bye!"]
    (session,) = sessions([calls[0], calls[2]])
    assert texts(session) == ["hi", "Hello!", "bye", "Bye!"]


def test_in_a_session_a_shortened_history_joins_where_it_ends() -> None:
    calls = [
        call(0, [user("hi")], "Hello!", session="s-1"),
        call(1, [user("hi"), bot("Hello!"), user("a refund")], "Which order?", session="s-1"),
        call(2, [bot("Which order?"), user("7")], "Done.", session="s-1"),
    ]
    (session,) = sessions(calls)
    assert texts(session) == ["hi", "Hello!", "a refund", "Which order?", "7", "Done."]


def test_a_call_that_names_the_one_before_continues_it() -> None:
    calls = [call(0, [user("hi")], "Hello!"), call(1, [user("bye")], "Bye!", previous="call-0")]
    (session,) = sessions(calls)
    assert texts(session) == ["hi", "Hello!", "bye", "Bye!"]


@pytest.mark.parametrize(("trace", "conversations"), [("t-1", 1), ("t-2", 2)])
def test_a_result_alone_joins_its_call_in_the_same_trace_only(trace: str, conversations: int) -> None:
    result = {"role": "tool", "content": "sent", "tool_call_id": "c1"}
    calls = [call(0, [user("Where?")], bot(None, ORDER), trace="t-1"), call(1, [result], "On its way.", trace=trace)]
    assert len(sessions(calls)) == conversations


@pytest.mark.parametrize(("names", "name"), [((None, "s-1"), "s-1"), (("s-1", "s-2"), "call-0")])
def test_a_trace_has_one_session_or_none(names: tuple[str | None, str], name: str) -> None:
    result = {"role": "tool", "content": "sent", "tool_call_id": "c1"}
    calls = [
        call(0, [user("Where?")], bot(None, ORDER), trace="t-1", session=names[0]),
        call(1, [result], "On its way.", trace="t-1", session=names[1]),
    ]
    (session,) = sessions(calls)
    assert (session.id, len(session.messages)) == (name, 4)


def test_no_calls_and_empty_calls_give_nothing() -> None:
    assert sessions([]) == sessions([call(0, [], None)]) == []


TURNS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz")), min_size=1, max_size=5)


@given(st.lists(TURNS, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_the_calls_does_not_matter(dialogues: list[list[tuple[str, str]]], chance: random.Random) -> None:
    calls = []
    for number, turns in enumerate(dialogues):
        history: list[dict[str, Any]] = []
        for minute, (asked, answer) in enumerate(turns):
            history.append(user(asked))
            calls.append(call(minute, list(history), answer, id=f"{number}-{minute}"))
            history.append(bot(answer))
    shuffled = list(calls)
    chance.shuffle(shuffled)
    found = sessions(shuffled)
    assert found == sessions(calls)
    assert len({each.id for each in found}) == len(found)
    said = {tuple(texts(each)) for each in found}
    longest = max((tuple(text for turn in turns for text in turn) for turns in dialogues), key=len, default=())
    assert not dialogues or longest in said or any(len(each) >= len(longest) for each in said)


def test_a_long_conversation_has_every_turn_once() -> None:
    history: list[dict[str, Any]] = []
    calls = []
    for minute in range(150):
        history.append(user(f"question {minute}"))
        calls.append(call(minute, list(history), f"answer {minute}"))
        history.append(bot(f"answer {minute}"))
    (session,) = sessions(calls)
    assert len(session.messages) == 300


@given(st.integers(1, 9), st.integers(2, 6), st.sampled_from([None, "u-1"]))
def test_a_sliding_window_has_every_turn_once(turns: int, width: int, customer: str | None) -> None:
    """Each call repeats only the last messages, at least two; the window may begin with a reply."""
    history: list[dict[str, Any]] = []
    calls = []
    for minute in range(turns):
        calls.append(call(minute, [*history[-width:], user(f"q{minute}")], f"a{minute}", user=customer))
        history += [user(f"q{minute}"), bot(f"a{minute}")]
    (session,) = sessions(calls)
    assert texts(session) == [each["content"] for each in history]


@pytest.mark.parametrize(("customer", "conversations"), [("u-1", 2), (None, 3)])
def test_a_window_that_fits_two_conversations(customer: str | None, conversations: int) -> None:
    """Of one customer it goes on with the last of them; of nobody known it joins none, since they may be strangers."""
    window = [bot("Which order?"), user("7"), bot("On its way."), user("Thanks")]
    calls = [
        call(number, [user(opening), *window[:2]], "On its way.", user=customer)
        for number, opening in enumerate(["hi", "hello"])
    ]
    found = sessions([*calls, call(9, window, "Bye!", user=customer)])
    assert len(found) == conversations
    assert texts(found[1])[:1] == ["hello"]
    assert (texts(found[1])[-1] == "Bye!") is (customer is not None)


def test_one_message_that_is_repeated_is_no_window() -> None:
    calls = [call(0, [user("hi")], "Hello!", user="u"), call(5, [bot("Hello!"), user("Where is 7?")], "Here.", user="u")]
    assert [texts(each) for each in sessions(calls)] == [["hi", "Hello!"], ["Hello!", "Where is 7?", "Here."]]
