"""What a model's word may rest on: words that whoever wants a label cannot simply write down for it to repeat.

What belongs here: which citations prove an outcome, whether a claim cites something that is about what it says. What does not:
whether a quote is there at all (`answers`), what follows where proof is missing (`combine`, `panel`).
"""

from collections.abc import Mapping, Sequence
from typing import Final

from wow_flywheel.dialogue import Message
from wow_flywheel.inspection.answers import Adjudication, PanelClaim, cited, cited_turn
from wow_flywheel.inspection.attempts import addresses_a_reader
from wow_flywheel.inspection.finders import content_words
from wow_flywheel.inspection.grounding import numbers
from wow_flywheel.inspection.results import calls
from wow_flywheel.inspection.wording import WRAPPED_UP, text_of

TELLING: Final = 4
"""Letters of an English word from which on it says what a sentence is about."""

OF_ANY = (
    "about after agent also although assistant because been before being claims conversation customer does even ever from have"
    " here just more nothing only reply says said since some such tells than that their them there these they those though told"
    " turn very were which while with without would 客户 助手 客服 对话 没有 这个 那个 但是 因为"
)
OF_ANY_TALK: Final = frozenset(OF_ANY.split())
"""Words that an explanation of anything has."""

FAREWELL_WORDS: Final = 12
"""A closing phrase in a reply of at most so many words is a farewell, not an answer."""


def proven(messages: Sequence[Message], said: Adjudication, *, solved: bool) -> bool:
    """True if the adjudicator cites words that can prove what it says of the whole.

    Args:
        messages: The conversation.
        said: The adjudicator's answer.
        solved: It says that the demand was solved: a tool result that worked proves it, or what the customer says after the
            last reply. Else a tool result that failed does, or the customer's last words if nothing worked after them.
    """
    turns = _solving(messages) if solved else _failing(messages)
    return any(each.turn in turns and not _to_a_reader(messages[each.turn]) for each in cited(messages, said))


def anchored(messages: Sequence[Message], claim: PanelClaim, texts: Mapping[str, str]) -> bool:
    """True if what a claim cites against its quote shares a number or a content word with the claim's explanation.

    Args:
        messages: The conversation.
        claim: What a specialist claims.
        texts: What each knowledge unit and step that was shown says, by its id.
    """
    turn = cited_turn(messages, claim.contradicts)
    if turn is not None:
        said = "" if _to_a_reader(messages[turn]) else _whole(messages[turn])
    else:
        said = texts.get(claim.contradicts.id, "")
    shared = content_words(said) & content_words(claim.explanation)
    telling = {word for word in shared - OF_ANY_TALK if not word.isascii() or len(word) >= TELLING}
    return bool(telling or numbers(said) & numbers(claim.explanation))


def _solving(messages: Sequence[Message]) -> frozenset[int]:
    worked = {call.result_turn for call in calls(messages) if call.worked and call.result_turn is not None}
    replies = [i for i, message in enumerate(messages) if message["role"] == "assistant" and not _farewell(message)]
    last = replies[-1] if replies else -1
    said = {i for i, message in enumerate(messages) if message["role"] == "user" and i > last}
    return frozenset(worked | said)


def _failing(messages: Sequence[Message]) -> frozenset[int]:
    results = [call for call in calls(messages) if call.result_turn is not None]
    failed = {call.result_turn for call in results if not call.worked and call.result_turn is not None}
    last = max((i for i, message in enumerate(messages) if message["role"] == "user"), default=-1)
    undone = last >= 0 and not any(call.worked and call.turn > last for call in results)
    return frozenset(failed | ({last} if undone else set()))


def _farewell(message: Message) -> bool:
    said = text_of(message)
    short = len(said.split()) <= FAREWELL_WORDS and not message.get("tool_calls")
    return short and WRAPPED_UP.search(said) is not None


def _to_a_reader(message: Message) -> bool:
    return addresses_a_reader(_whole(message))


def _whole(message: Message) -> str:
    return "\n".join([text_of(message), *(call["arguments"] for call in message.get("tool_calls") or [])])
