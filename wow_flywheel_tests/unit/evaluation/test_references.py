"""From which source it is known what a turn owed, by issue type; and that without one nothing is demanded."""

import datetime as dt

import polars as pl

from wow_flywheel.contracts import CONVERSATIONS, INSPECTIONS, ISSUE_TYPES
from wow_flywheel.dialogue import Message, assistant_actions
from wow_flywheel.evaluation.references import POSITIVES, References, without_failures
from wow_flywheel.pairs.sites import Site
from wow_flywheel_tests.unit.inspection.talk import agent, call, tool, user

DAY = dt.date(2026, 3, 2)
NO_KNOWLEDGE = pl.DataFrame(schema={"unit_id": pl.String, "title": pl.String, "content": pl.String})
STEPS = pl.DataFrame(
    [
        ("p", "refund", "ask", "Which order number is it?", "refund"),
        ("p", "refund", "refund", None, "close"),
        ("p", "refund", "close", "I have refunded order {order}.", "bye"),
        ("p", "refund", "bye", "Have a nice day.", None),
    ],
    schema=["policy_id", "scenario", "reply_id", "text", "next_reply_id"],
    orient="row",
)
OPENING = [user("Refund it."), agent("Which order number is it?"), user("31"), call("refund", order=31),
           tool(ok=True, order=31, amount=58, days=3)]  # fmt: skip
TOLD = [*OPENING, agent("I have refunded order 31. You get 58 dollars."), user("How many days does it take?")]


def site(talk: list[Message], turn: int, issue: str) -> Site:
    said = assistant_actions(talk[turn])[0]
    return Site(DAY, "bad", "u", "refund", turn, issue, tuple(talk[:turn]), said, rest=tuple(talk[turn:]))


def references(good: list[list[Message]] | None = None, faulty: list[int] | None = None) -> References:
    at = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
    rows = [
        {"dt": DAY, "conversation_id": f"g{i}", "user_id": f"g{i}", "scenario": "refund", "started_at": at, "ended_at": at,
         "messages": [{**dict.fromkeys(("action", "usage", "created_at", "tool_call_id", "tool_calls", "content")), **m}
                      for m in talk]}
        for i, talk in enumerate(good or [])
    ]  # fmt: skip
    columns = CONVERSATIONS.columns
    frame = pl.DataFrame(rows, schema={k: v for k, v in columns.items() if k in rows[0]}) if rows else CONVERSATIONS.empty()
    findings = [{"conversation_id": "bad", "turn": turn, "decision": "accepted", "severity": "major"} for turn in faulty or []]
    schema = {name: INSPECTIONS.columns[name] for name in ("conversation_id", "turn", "decision", "severity")}
    return References.of(frame, pl.DataFrame(findings, schema=schema), NO_KNOWLEDGE, STEPS)


def owed(found: References, at: Site) -> tuple[str, str] | None:
    demand = found.owed(at)
    return None if demand is None else (demand.source, demand.text)


def test_every_issue_type_says_what_it_demands() -> None:
    assert set(POSITIVES) == set(ISSUE_TYPES)
    assert all(sources and kinds for sources, kinds in POSITIVES.values())


def test_the_log_itself_shows_what_was_right_where_it_corrects_itself_and_nobody_objects() -> None:
    wrong = [*OPENING, agent("You get 99 dollars."), user("That is wrong."), agent("You get 58 dollars."), user("Thanks!")]
    assert owed(references(), site(wrong, 5, "hallucination")) == ("log", "state 58")
    objected = [*wrong[:-1], user("That is wrong again.")]
    assert owed(references(), site(objected, 5, "hallucination")) is None
    assert owed(references(faulty=[7]), site(wrong, 5, "hallucination")) is None, "a faulty turn corrects nothing"
    otherwise = [*wrong[:6], user("Cancel my table at six instead."), *wrong[7:]]
    assert owed(references(), site(otherwise, 5, "hallucination")) is None, "the customer went on to something else"


def test_a_guess_owed_the_question_that_the_log_asks_next() -> None:
    talk = [user("Refund my soup."), call("refund", order=9), tool(ok=False, error="order not found"),
            agent("Could you tell me the order number?"), user("31")]  # fmt: skip
    assert owed(references(), site(talk, 1, "unclarified_demand")) == ("log", "ask about number, order")
    assert owed(references(), site(talk, 1, "hallucination")) == ("log", "ask about number, order")
    assert owed(references(), site(talk, 1, "action_mismatch")) is None, "of which only a call would be certain"


def test_good_cases_at_the_same_point_say_it_with_this_conversations_values() -> None:
    other = [user("Refund it."), agent("Which order number is it?"), user("77"), call("refund", order=77),
             tool(ok=True, order=77, amount=12, days=5), agent("I have refunded order 77. You get 12 dollars."),
             user("How many days does that take?"), agent("It takes 5 days."), user("Thanks")]  # fmt: skip
    repeated = [*TOLD, agent("I have refunded order 31. You get 58 dollars."), user("A human, please.")]
    assert owed(references([other]), site(repeated, 7, "script_repetition")) == ("good_case", "state 3")
    assert owed(references(), site(repeated, 7, "script_repetition")) is None, "the customer asked: no script answers that"


def test_calls_that_failed_do_not_move_the_point() -> None:
    failed = [call("refund", order=9), tool(ok=False, error="order not found")]
    assert without_failures([OPENING[0], *failed, *OPENING[1:]]) == tuple(OPENING)


def test_a_skipped_step_is_owed() -> None:
    skipped = [*OPENING, agent("Have a nice day.")]
    assert owed(references(), site(skipped, 5, "policy_violation")) == (
        "procedure", "take the procedure's step with the words order, refunded",
    )  # fmt: skip


def test_where_only_the_tone_was_wrong_what_was_said_is_owed() -> None:
    cold = [user("This is terrible. Refund my soup."), agent("Which order number is it?"), user("31")]
    assert owed(references(), site(cold, 1, "poor_empathy")) == ("said", "ask about number, order")
    nothing = [user("This is terrible."), agent("Fine."), user("What?")]
    assert owed(references(), site(nothing, 1, "poor_empathy")) is None
