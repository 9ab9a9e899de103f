"""One way of planting for each issue type: a clean conversation goes in, the same with one defect at a known turn comes out.

What belongs here: where a defect of a type can stand, and how it gets there. What does not: which conversations (`plant`), what
is said (`phrases`). A conversation that offers no place gives None: nothing is planted where it would make no sense.
"""

import itertools
import json
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from wow_flywheel.dialogue import Message
from wow_flywheel.inspection.calibration.phrases import (
    APOLOGY,
    BRUSHED_OFF,
    COLD,
    FORBIDDEN,
    INVENTED,
    NEVER_DONE,
    UPSET,
    Phrases,
    language_of,
)
from wow_flywheel.inspection.grounding import NUMBER
from wow_flywheel.inspection.wording import QUESTION, WRAPPED_UP, folded, text_of

MIN_REPLY = 8


@dataclass(frozen=True, slots=True)
class Planting:
    """A conversation with one defect.

    Attributes:
        messages: The whole conversation.
        turn: The first turn at which the defect shows.
        until: The last one.
    """

    messages: list[Message]
    turn: int
    until: int


@dataclass(frozen=True, slots=True)
class Ground:
    """What a planter may use.

    Attributes:
        messages: Of a clean conversation.
        rng: Of all that is drawn.
        units: Texts of knowledge units.
        steps: Reply id → next reply id of the scenario's procedure.
    """

    messages: Sequence[Message]
    rng: random.Random
    units: Sequence[str] = ()
    steps: Mapping[str, str] = field(default_factory=dict)

    def phrase(self, phrases: Phrases) -> str:
        """One of the phrases, in the conversation's language."""
        return self.rng.choice(phrases[language_of(self.messages)])

    def replies(self) -> list[int]:
        """Turns of the assistant with something to say, wrapping up left out."""
        said = [(i, text_of(message)) for i, message in enumerate(self.messages) if message["role"] == "assistant"]
        return [i for i, text in said if len(folded(text)) >= MIN_REPLY and not WRAPPED_UP.search(text)]

    def unknown_number(self) -> str:
        """A number that neither the conversation nor a unit has."""
        known = set(NUMBER.findall(json.dumps([dict(m) for m in self.messages], default=str, ensure_ascii=False)))
        known |= set(NUMBER.findall(" ".join(self.units)))
        return str(self.rng.choice([n for n in range(211, 989) if str(n) not in known]))


Planter = Callable[[Ground], Planting | None]


def script_repetition(ground: Ground) -> Planting | None:
    """A later reply becomes word for word an earlier one, although the user said something in between and no tool ran."""
    turns, places, asked = ground.replies(), [], []
    for early, late in itertools.combinations(turns, 2):
        between = ground.messages[early + 1 : late]
        users = [text_of(message) for message in between if message["role"] == "user"]
        if users and all(message["role"] != "tool" for message in between):
            places.append((early, late))
            asked += [(early, late)] if any(map(QUESTION.search, users)) else []
    if not places:
        return None
    early, late = ground.rng.choice(asked or places)
    return _changed(ground, late, text_of(ground.messages[early]))


def hallucination(ground: Ground) -> Planting | None:
    """A number from a tool result is told wrong; without one, a sentence with an invented number is added."""
    if not any(message["role"] == "tool" for message in ground.messages):
        return None
    given = {n for m in ground.messages if m["role"] == "tool" for n in NUMBER.findall(text_of(m)) if len(n) > 1}
    told = [(i, n) for i in ground.replies() for n in NUMBER.findall(text_of(ground.messages[i])) if n in given]
    new = ground.unknown_number()
    if told:
        turn, number = ground.rng.choice(told)
        return _changed(ground, turn, text_of(ground.messages[turn]).replace(number, new, 1))
    return _added(ground, ground.phrase(INVENTED).format(n=new))


def action_mismatch(ground: Ground) -> Planting | None:
    """A reply claims an action that no call did."""
    return _added(ground, ground.phrase(NEVER_DONE))


def unclarified_demand(ground: Ground) -> Planting | None:
    """A call is made with a number that nobody named: the question for it and its answer are taken out."""
    for turn, message in enumerate(ground.messages):
        for call in message.get("tool_calls") or []:
            for number in NUMBER.findall(call["arguments"]):
                if len(number) > 1 and (place := _answer(ground.messages[:turn], number)) is not None:
                    left = [*ground.messages[: place - 1], *ground.messages[place + 1 :]]
                    return Planting(left, turn - 2, turn - 2)
    return _guessed(ground)


def incomplete_solution(ground: Ground) -> Planting | None:
    """A question is brushed off; the user asks again and is sent away, or gives up."""
    places = [
        i
        for i in ground.replies()
        if i and ground.messages[i - 1]["role"] == "user" and QUESTION.search(text_of(ground.messages[i - 1])) and i > 1
    ]
    if not places:
        return None
    turn = ground.rng.choice(places)
    kept: list[Message] = [*ground.messages[:turn], _said(ground, turn, ground.phrase(BRUSHED_OFF))]
    if ground.rng.random() < 0.5:
        kept += [ground.messages[turn - 1], _said(ground, turn, ground.phrase(BRUSHED_OFF))]
    return Planting(kept, turn, len(kept) - 1)


def policy_violation(ground: Ground) -> Planting | None:
    """A step of the procedure is left out with its answer; where the log names no steps, something forbidden is promised."""
    places = [
        i
        for i in range(1, len(ground.messages) - 2)
        if ground.messages[i]["role"] == "assistant"
        and (following := ground.steps.get(str(ground.messages[i].get("action"))))
        and ground.messages[i + 1]["role"] == "user"
        and ground.messages[i + 2].get("action") == following
    ]
    if not places:
        return _added(ground, ground.phrase(FORBIDDEN))
    turn = ground.rng.choice(places)
    return Planting([*ground.messages[:turn], *ground.messages[turn + 2 :]], turn, turn)


def knowledge_misuse(ground: Ground) -> Planting | None:
    """A knowledge unit is quoted with another number than it has."""
    units = [unit for unit in ground.units if NUMBER.search(unit) and len(unit) < 300]
    if not units:
        return None
    unit = ground.rng.choice(units)
    number = ground.rng.choice(NUMBER.findall(unit))
    return _added(ground, re.sub(rf"(?<!\d){re.escape(number)}(?!\d)", ground.unknown_number(), unit))


def poor_empathy(ground: Ground) -> Planting | None:
    """The customer gets upset; the reply loses its apology, and in half of the cases blames."""
    places = [i for i in ground.replies() if i and ground.messages[i - 1]["role"] == "user"]
    if not places:
        return None
    turn = ground.rng.choice(places)
    reply = APOLOGY.sub("", text_of(ground.messages[turn])) or text_of(ground.messages[turn])
    blame = ground.phrase(COLD) if ground.rng.random() < 0.5 else ""
    changed = list(ground.messages)
    changed[turn - 1] = {**changed[turn - 1], "content": f"{text_of(changed[turn - 1])} {ground.phrase(UPSET)}"}
    changed[turn] = {**changed[turn], "content": blame + reply}
    return None if APOLOGY.search(blame + reply) else Planting(changed, turn, turn)


def _answer(before: Sequence[Message], number: str) -> int | None:
    """The one user turn that names a number, right after a question of the assistant; None if others name it too."""
    naming = [i for i, m in enumerate(before) if number in NUMBER.findall(text_of(m))]
    if len(naming) != 1 or not naming[0]:
        return None
    place = naming[0]
    question = before[place - 1]
    asked = question["role"] == "assistant" and not question.get("tool_calls") and QUESTION.search(text_of(question))
    return place if asked and before[place]["role"] == "user" else None


def _guessed(ground: Ground) -> Planting | None:
    """A call's number becomes one that nobody named."""
    for turn, message in enumerate(ground.messages):
        for place, call in enumerate(message.get("tool_calls") or []):
            numbers = [n for n in NUMBER.findall(call["arguments"]) if len(n) > 1]
            if numbers:
                calls = list(message["tool_calls"] or [])
                arguments = call["arguments"].replace(numbers[0], ground.unknown_number(), 1)
                calls[place] = {"id": call["id"], "name": call["name"], "arguments": arguments}
                guessing: Message = {**message, "tool_calls": calls}
                return Planting([*ground.messages[:turn], guessing, *ground.messages[turn + 1 :]], turn, turn)
    return None


def _added(ground: Ground, sentence: str) -> Planting | None:
    places = ground.replies()
    if not places:
        return None
    turn = ground.rng.choice(places[len(places) // 2 :])
    return _changed(ground, turn, f"{text_of(ground.messages[turn])} {sentence}")


def _changed(ground: Ground, turn: int, text: str) -> Planting:
    return Planting([*ground.messages[:turn], _said(ground, turn, text), *ground.messages[turn + 1 :]], turn, turn)


def _said(ground: Ground, turn: int, text: str) -> Message:
    return {**ground.messages[turn], "content": text}


PLANTERS: Final[Mapping[str, Planter]] = {
    "unclarified_demand": unclarified_demand,
    "hallucination": hallucination,
    "script_repetition": script_repetition,
    "incomplete_solution": incomplete_solution,
    "policy_violation": policy_violation,
    "knowledge_misuse": knowledge_misuse,
    "poor_empathy": poor_empathy,
    "action_mismatch": action_mismatch,
}
"""By issue type; a test sees to it that none is missing."""
