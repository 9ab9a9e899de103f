"""Evidence: does a suspicion about one turn stand up against the rest of the conversation?

What belongs here: one examination for each kind of suspicion. What does not: where suspicions come from (`reexamine`,
`finders`).
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from wow_flywheel.dialogue import Message
from wow_flywheel.inspection.grounding import (
    COMPUTED,
    NUMBER,
    Grounds,
    derivation,
    in_date_or_time,
    is_list_mark,
    numbers,
    plain,
    stated,
)
from wow_flywheel.inspection.protocol import Decision
from wow_flywheel.inspection.results import Call, calls
from wow_flywheel.inspection.wording import (
    ACKNOWLEDGED,
    DONE,
    NOT_UPSET,
    PUSHBACK,
    QUESTION,
    REFUSED,
    UPSET,
    deeds,
    done_by,
    folded,
    text_of,
    upset_at_service,
)

MIN_SUBSTANTIAL = 12


class Examined(NamedTuple):
    """The outcome of an examination; `confidence` is 0 to 1."""

    decision: Decision
    reason: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A turn under suspicion.

    Attributes:
        grounds: The conversation with what it has established.
        turn: Index of the suspected turn.
        quote: The suspected words, verbatim in that turn.
    """

    grounds: Grounds
    turn: int
    quote: str

    @property
    def messages(self) -> Sequence[Message]:
        """The whole conversation."""
        return self.grounds.messages

    @property
    def text(self) -> str:
        """What the suspected turn says."""
        return text_of(self.messages[self.turn])

    @property
    def asked(self) -> str:
        """The user's words before the turn; empty if there are none."""
        return next((text_of(m) for m in reversed(self.messages[: self.turn]) if m["role"] == "user"), "")

    @property
    def answered_by(self) -> str:
        """The user's words after the turn; empty if there are none."""
        return next((text_of(m) for m in self.messages[self.turn + 1 :] if m["role"] == "user"), "")


Examination = Callable[[Suspicion], Examined]


def repetition(suspicion: Suspicion) -> Examined:
    """The same substantial reply again, although the user asked something or pushed back in between."""
    said = folded(suspicion.text)
    before = suspicion.messages[: suspicion.turn]
    earlier = max((i for i, m in enumerate(before) if m["role"] == "assistant" and folded(text_of(m)) == said), default=None)
    if earlier is None or len(said) < MIN_SUBSTANTIAL:
        return near_repetition(suspicion) if earlier is None else Examined("rejected", "too short to count as a script", 0.7)
    between = before[earlier + 1 :]
    users = [text_of(message) for message in between if message["role"] == "user"]
    if any(message["role"] == "tool" for message in between):
        return Examined("rejected", "a tool was asked in between, and its result led to the same answer", 0.8)
    if not users:
        return Examined("rejected", "sent twice with no user turn in between: a delivery matter", 0.6)
    if PUSHBACK.search(users[-1]) or QUESTION.search(users[-1]):
        return Examined("accepted", f"word for word the reply at turn {earlier}, although the user asked or pushed back", 0.95)
    if QUESTION.search(suspicion.text):
        return Examined(
            "unresolved", f"the question of turn {earlier} again: whether the user had answered needs a reader", 0.4
        )
    return Examined("unresolved", f"word for word the reply at turn {earlier}, but the user asked nothing in between", 0.5)


def near_repetition(suspicion: Suspicion) -> Examined:
    """Nearly the words of an earlier reply: accepted only where the user pushes back on it."""
    if PUSHBACK.search(suspicion.asked) or PUSHBACK.search(suspicion.answered_by):
        return Examined("accepted", "nearly the words of an earlier reply, and the user pushes back", 0.7)
    return Examined("unresolved", "nearly the words of an earlier reply, which may be the right answer", 0.4)


def asked_again(suspicion: Suspicion) -> Examined:
    """The same question again, with no new tool result and an answer of the user in between."""
    said = folded(suspicion.text)
    earlier = max((i for i in range(suspicion.turn) if folded(text_of(suspicion.messages[i])) == said), default=None)
    if earlier is None:
        return Examined("unresolved", "whether the user had answered this question needs a reader", 0.3)
    between = suspicion.messages[earlier + 1 : suspicion.turn]
    if any(message["role"] == "tool" for message in between):
        return Examined("rejected", "asked again because a tool result made it necessary", 0.7)
    if QUESTION.search(suspicion.asked):
        return Examined("rejected", "the user answered with a question, so asking again was in order", 0.6)
    return Examined("accepted", f"the user had answered the question of turn {earlier}", 0.7)


def ungrounded_numbers(suspicion: Suspicion) -> Examined:
    """A stated number that no user turn, tool result, call or knowledge unit gives.

    One that can be computed from known numbers stays open only where the reply itself speaks of a computation or names one of
    its terms: by chance, some pair of known numbers gives almost anything.
    """
    found = [number for number in stated(suspicion.text) if not is_list_mark(number, suspicion.text)]
    examined = _ungrounded(suspicion, found, suspicion.text, "no user turn, tool result, call or knowledge unit gives {}")
    known = suspicion.grounds.before(suspicion.turn)
    if examined.decision == "accepted" and COMPUTED.search(suspicion.text) and len(known) > 1:
        return Examined("unresolved", "the reply speaks of a total or a difference: its arithmetic needs a reader", 0.4)
    return examined


def guessed_arguments(suspicion: Suspicion) -> Examined:
    """A tool call with a number that nobody had named."""
    arguments = " ".join(call["arguments"] for call in suspicion.messages[suspicion.turn].get("tool_calls") or [])
    values = re.sub(r'"[^"]*" *:', " ", arguments)
    proposed = set().union(*(numbers(text_of(m)) for m in suspicion.messages[: suspicion.turn] if m["role"] == "assistant"))
    unnamed = [number for number in NUMBER.findall(values) if plain(number) not in proposed]
    examined = _ungrounded(suspicion, unnamed, values, "called with {}, which nobody had named")
    if examined.decision == "rejected" and len(unnamed) < len(NUMBER.findall(values)):
        return _confirmed(suspicion, [number for number in NUMBER.findall(values) if plain(number) in proposed])
    return examined


def _confirmed(suspicion: Suspicion, proposed: Sequence[str]) -> Examined:
    """Values that the assistant itself had put forward: a reader has to say whether the user agreed to them."""
    own = [number for number in proposed if not suspicion.grounds.knows(number, suspicion.turn)]
    if own:
        return Examined("unresolved", f"the assistant had proposed {', '.join(own)}, and the user did not have to name it", 0.4)
    return Examined("rejected", "each number was given before in some spelling, or the knowledge base has it", 0.85)


def _ungrounded(suspicion: Suspicion, found: Sequence[str], text: str, sentence: str) -> Examined:
    grounds, turn = suspicion.grounds, suspicion.turn
    loose = list(dict.fromkeys(number for number in found if not grounds.knows(number, turn)))
    if not loose:
        return Examined("rejected", "each number was given before in some spelling, or the knowledge base has it", 0.85)
    if grounds.time_in_words(turn):
        loose = [number for number in loose if not in_date_or_time(number, text)]
        if not loose:
            return Examined("rejected", "dates or times, which the user gave in words", 0.7)
    terms = numbers(text) if not COMPUTED.search(text) else None
    underived = [number for number in loose if derivation(number, grounds.before(turn), terms) is None]
    if not underived:
        return Examined("unresolved", f"{', '.join(loose)} can be computed from numbers given before", 0.4)
    return Examined("accepted", sentence.format(", ".join(underived)), 0.9)


def claimed_not_done(suspicion: Suspicion) -> Examined:
    """A reply that says something was done although no tool call that changes anything had worked."""
    made = calls(suspicion.messages)
    earlier = [call for call in made if call.result_turn is None or call.result_turn < suspicion.turn]
    worked = [call for call in earlier if call.writes and call.worked]
    if worked:
        return _of_another_kind(suspicion, [call for call in earlier if call.worked])
    if not made:
        return Examined("unresolved", "the log shows no tools, so what was done cannot be seen", 0.3)
    if any(call.result is None for call in earlier):
        return Examined("unresolved", "the log lacks the result of a tool call", 0.3)
    if any(call.worked for call in earlier):
        return Examined("unresolved", "a tool call worked before; whether it did this needs a reader", 0.4)
    return Examined("accepted", "no tool call had succeeded before", 0.9)


def _of_another_kind(suspicion: Suspicion, worked: Sequence[Call]) -> Examined:
    """What was done may be another thing than what is claimed: a booking that worked is no refund."""
    claimed = deeds(suspicion.quote)
    if not claimed:
        return Examined("rejected", "a tool call that changes something had worked before", 0.8)
    texts = [f"{call.name} {call.arguments} {_result(suspicion, call)}" for call in worked]
    missing = sorted(claimed - set().union(*map(done_by, texts)))
    if not missing:
        return Examined("rejected", "a tool call of this kind had worked before", 0.85)
    return Examined("accepted", f"no tool call that worked before was of this kind: {', '.join(missing)}", 0.75)


def _result(suspicion: Suspicion, call: Call) -> str:
    return "" if call.result_turn is None else text_of(suspicion.messages[call.result_turn])


def unapologetic(suspicion: Suspicion) -> Examined:
    """An upset user whose next answer does not take it up."""
    if NOT_UPSET.search(suspicion.asked) or not UPSET.search(suspicion.asked):
        return Examined("rejected", "the user's words before it are not upset", 0.7)
    if ACKNOWLEDGED.search(suspicion.text):
        return Examined("rejected", "the answer takes it up", 0.8)
    if upset_at_service(suspicion.asked) or _let_down(suspicion):
        return Examined("accepted", "the user was upset and nothing in the answer takes it up", 0.8)
    return Examined("unresolved", "whether it was the service that upset the user needs a reader", 0.4)


def _let_down(suspicion: Suspicion) -> bool:
    """True if the user's words answer a reply that declines."""
    users = [turn for turn in range(suspicion.turn) if suspicion.messages[turn]["role"] == "user"]
    before = suspicion.messages[users[-2] if len(users) > 1 else 0 : users[-1]] if users else []
    return any(message["role"] == "assistant" and REFUSED.search(text_of(message)) for message in before)


def unanswered(suspicion: Suspicion) -> Examined:
    """A reply after which the user says that it did not answer, or asks the same again."""
    after = suspicion.answered_by
    if PUSHBACK.search(after):
        return Examined("accepted", "the user says so in the next turn", 0.8)
    if after and folded(after) == folded(suspicion.asked):
        return Examined("accepted", "the user asks the same in the next turn", 0.8)
    return Examined("unresolved", "whether the reply answers needs a reader", 0.3)


def unproven_action(suspicion: Suspicion) -> Examined:
    """An action mismatch of any kind: evidence can decide only on what the reply says was done."""
    if DONE.search(suspicion.quote):
        return claimed_not_done(suspicion)
    return Examined("unresolved", "whether action and demand fit needs a reader", 0.3)


def guess_or_question(suspicion: Suspicion) -> Examined:
    """An unclarified demand: a guessed argument where the turn calls a tool, else a question asked again."""
    return guessed_arguments(suspicion) if suspicion.messages[suspicion.turn].get("tool_calls") else asked_again(suspicion)
