"""A Bad Case was solved: what a rewrite must not lose of that, judged against what followed in the log.

What belongs here: one check a way of losing it. What does not: re-inspection, which sees no more than the rewritten turn
(`verify`). The rest of the log is looked at here only; whoever writes or judges a rewrite never sees it.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final

from wow_flywheel.dialogue import Action, DialogueAction, Message
from wow_flywheel.inspection.results import READING, WRITING, Call, calls
from wow_flywheel.inspection.values import leaves, parsed, plain_arguments, stands_in
from wow_flywheel.inspection.wording import PUSHBACK, QUESTION, WRAPPED_UP
from wow_flywheel.pairs.sites import Site

FACTS_REPEATED: Final = ("script_repetition", "unclarified_demand")
"""Where the rejected side's facts had been told before, or stood on a guess: losing them is the point."""
MIN_FACT_CHARS: Final = 3
MIN_WORDS: Final = 3


def lost(site: Site, output: DialogueAction) -> str | None:
    """What a rewrite would lose or undo of the solution; None if nothing.

    Args:
        site: With `rest`: what the log shows from the turn on.
        output: The rewrite.
    """
    return next((reason for check in CHECKS if (reason := check(site, output)) is not None), None)


def closes_an_open_question(site: Site, output: DialogueAction) -> str | None:
    """A goodbye, and nothing else, to a customer who asked or pushed back."""
    last = site.prompt[-1]
    text = last.get("content") or ""
    asked = last["role"] == "user" and (QUESTION.search(text) or PUSHBACK.search(text))
    if not asked or output.action is not None or not WRAPPED_UP.search(output.reply or ""):
        return None
    sentences = re.split(r"(?<=[.!?。！？])\s*", output.reply or "")
    told = " ".join(each for each in sentences if not WRAPPED_UP.search(each))
    enough = len(re.findall(r"[^\W\u3400-\u9fff]+|[\u3400-\u9fff]{2}", told)) >= MIN_WORDS
    return None if enough else "says goodbye while the customer's question is open"


def acts_otherwise(site: Site, output: DialogueAction) -> str | None:
    """An action that changes something, and that the solution did not take, took with other arguments, or had taken before."""
    action = output.action
    if action is None or not _writes(action.name):
        return None
    worked = [call for call in calls([*site.prompt, *site.rest]) if call.worked]
    before = [call for call in worked if call.turn < len(site.prompt)]
    if any(_same(action, call) for call in before):
        return f"does {action.name} again, which had worked before"
    alike = [call for call in worked if call.name == action.name and call not in before]
    if not alike:
        return f"calls {action.name}, which the solution did not" if site.rest else None
    return None if any(_same(action, call) for call in alike) else f"calls {action.name} with other arguments than the solution"


def loses_the_action(site: Site, output: DialogueAction) -> str | None:
    """The rejected side's action worked and was not made again later, and the rewrite does not take it."""
    said = site.said.action
    if said is None or not _writes(said.name) or not site.rest or site.issue_type == "unclarified_demand":
        return None
    made = [call for call in calls(site.rest) if call.worked and _same(said, call)]
    if not made or any(call.turn > 0 for call in made) or _equal(said, output.action):
        return None
    return f"loses {said.name}, by which the demand was solved"


def loses_a_fact(site: Site, output: DialogueAction) -> str | None:
    """A fact of a tool result that the rejected side told and the rewrite, which only talks, does not."""
    if site.issue_type in FACTS_REPEATED or output.action is not None:
        return None
    said, reply = site.said.reply or "", output.reply or ""
    gone = [fact for fact in facts(site.prompt) if stands_in(fact, said) and not stands_in(fact, reply)]
    return f"loses what the tools had told: {', '.join(gone)}" if gone else None


def facts(messages: Sequence[Message]) -> list[str]:
    """The numbers and words that tool results gave, in order, each once."""
    found: dict[str, None] = {}
    for message in messages:
        if message["role"] == "tool":
            found |= dict.fromkeys(value for _, value in leaves(parsed(message.get("content"))))
    return [value for value in found if value.replace(".", "", 1).isdecimal() or len(value) >= MIN_FACT_CHARS]


CHECKS: Final[tuple[Callable[[Site, DialogueAction], str | None], ...]] = (
    closes_an_open_question, acts_otherwise, loses_the_action, loses_a_fact,
)  # fmt: skip


def _writes(name: str) -> bool:
    return READING.match(name) is None and WRITING.search(name) is not None


def _same(action: Action, call: Call) -> bool:
    arguments = parsed(call.arguments or "{}")
    same = isinstance(arguments, dict) and plain_arguments(arguments) == plain_arguments(action.arguments)
    return same and call.name == action.name


def _equal(one: Action, other: Action | None) -> bool:
    return other is not None and one.name == other.name and plain_arguments(one.arguments) == plain_arguments(other.arguments)
