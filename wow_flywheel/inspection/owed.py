"""What a right reply at a turn must do: the call, the fact, the question or the words that the turn owes to the customer.

What belongs here: reading that from the conversation, its log, its procedure and the knowledge. What does not: whether a reply
does it (`met`), is free of faults (`examine`) or invents something (`claims`).

That nothing is wrong with a reply does not make it an answer: "Okay." has no fault. A turn owes one of several things, and each
is found by evidence only: without any, nobody but a reader can tell, and `owed` says None. It is a floor: that a reply does
what was owed does not prove it good.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from wow_flywheel.dialogue import DialogueAction, Message
from wow_flywheel.inspection.met import ASKS, SHARED_WORDS, Fact, Owed, content_words
from wow_flywheel.inspection.procedure import next_step
from wow_flywheel.inspection.results import Call, calls
from wow_flywheel.inspection.transcript import KnowledgeIndex
from wow_flywheel.inspection.values import leaves, long_texts, parsed, plain_arguments, stands_in
from wow_flywheel.inspection.wording import (
    PUSHBACK,
    QUESTION,
    RESIGNED,
    THANKS,
    UPSET,
    WRAPPED_UP,
    folded,
    text_of,
)

WITHIN_CUSTOMER_TURNS: Final = 2
"""A call that the log makes later than so many customer turns after a turn answers another demand."""
PERSON: Final = re.compile(r"\bwho\b|\bname\b|谁|哪位|名字|叫什么", re.IGNORECASE)
AMOUNT: Final = re.compile(r"\bhow (?:much|many)\b|\b(?:cost|costs|price|fee)\b|多少|几[个块元]|费用|价格", re.IGNORECASE)
TIME: Final = re.compile(r"\bwhen\b|\bhow (?:long|soon)\b|几点|多久|什么时候|何时", re.IGNORECASE)
NUMBER_WORDS: Final = frozenset({"number", "id", "code", "reference", "号码", "单号", "编号", "号"})


def owed(
    messages: Sequence[Message],
    turn: int,
    knowledge: KnowledgeIndex,
    steps: Sequence[Mapping[str, Any]],
    right: Sequence[DialogueAction] = (),
) -> Owed | None:
    """What a right reply at a turn must do; None if no evidence says it.

    Args:
        messages: The whole conversation as logged: what came after the turn shows how the demand was met. Cut it after the turn
            where the log is not to be looked at.
        turn: Index of the assistant message to be judged; the messages before it are the prompt.
        knowledge: The knowledge base.
        steps: The steps of the conversation's procedure: reply_id, text, next_reply_id (`transcript.procedure_steps`).
        right: Replies that are known to be right there, if there are any: what they do is owed as well.
    """
    prompt, rest = messages[:turn], messages[turn:]
    if not prompt:
        return None
    asked, from_tool = _last_words(prompt), prompt[-1]["role"] == "tool"
    is_open = not from_tool and bool(QUESTION.search(asked) or PUSHBACK.search(asked) or UPSET.search(asked))
    closing = not from_tool and not is_open and bool(THANKS.search(asked) or RESIGNED.search(asked) or WRAPPED_UP.search(asked))
    facts = _facts(prompt, asked, from_tool=from_tool) if from_tool or is_open else ()
    words = () if closing else (*_told_at_length(prompt), *_known(asked, knowledge), *_said_when_asked_again(prompt, rest))
    result = next((call.result for call in calls(prompt) if from_tool and call.result_turn == len(prompt) - 1), None)
    logged, scripted = _upcoming(messages, turn), _scripted(prompt, [] if is_open else steps)
    open_questions = Owed() if is_open or closing else _questions(prompt, steps)
    found = [logged, scripted, open_questions, *(_done_by(output, asked) for output in right)]
    whole = Owed(
        calls=frozenset().union(*(each.calls for each in found)),
        facts=scripted.facts or facts,
        asks=frozenset().union(*(each.asks for each in found)),
        words=(*words, *(each for part in found for each in part.words)),
        closing=closing,
        success=result == "succeeded" and not scripted.facts,
        refusal=result in {"failed", "empty"},
        before=(folded(asked), *(folded(text_of(m)) for m in prompt if m["role"] == "assistant")),
        may_repeat=from_tool,
    )
    evidence = (whole.calls, whole.facts, whole.asks, whole.words, whole.closing, whole.success, whole.refusal)
    return whole if any(evidence) else None


def _last_words(prompt: Sequence[Message]) -> str:
    return next((text_of(message) for message in reversed(prompt) if message["role"] == "user"), "")


def _upcoming(messages: Sequence[Message], turn: int) -> Owed:
    """The next call that worked in the log: itself, if all its values were given before the turn, else what to ask for it."""
    made = calls(messages)
    before = {(call.name, _plain(call)) for call in made if call.worked and call.turn < turn}
    call = next((c for c in made if c.worked and c.turn >= turn and (c.name, _plain(c)) not in before), None)
    if call is None:
        return Owed()
    places = [place for place in range(turn, call.turn) if messages[place]["role"] == "user"]
    known = "\n".join(_given(messages[:turn]))
    asks: frozenset[str] = frozenset()
    for key, value in leaves(parsed(call.arguments)):
        given = next((place for place in places if stands_in(value, text_of(messages[place]))), None)
        if given is not None and not stands_in(value, known):
            asked = messages[given - 1] if given - 1 > turn and messages[given - 1]["role"] == "assistant" else None
            asks |= _words_for(key, value) | (content_words(text_of(asked)) if asked else frozenset())
    if asks or len(places) > WITHIN_CUSTOMER_TURNS:
        return Owed(asks=asks)
    return Owed(calls=frozenset({(call.name, _plain(call))}))


def _words_for(key: str, value: str) -> frozenset[str]:
    """Words by which one asks for an argument: those of its key, and of numbers in general where it is one."""
    words = frozenset(part for part in re.findall(r"[^\W_\d]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", key).lower()) if part)
    return words | (NUMBER_WORDS if value.replace(".", "", 1).isdecimal() else frozenset())


def _given(messages: Sequence[Message]) -> Iterator[str]:
    """What customers, tools and calls put into a conversation."""
    for message in messages:
        if message["role"] != "assistant":
            yield text_of(message)
        yield from (call["arguments"] for call in message.get("tool_calls") or [])


def _scripted(prompt: Sequence[Message], steps: Sequence[Mapping[str, Any]]) -> Owed:
    """What the procedure's next step owes: its call, what it asks for, its slots' values, or its words."""
    expected = next_step(prompt, steps)
    if expected is None:
        return Owed()
    name, text = expected
    if text is None:
        return Owed(calls=frozenset({(name, None)}))
    spoken = content_words(re.sub(r"\{\w+(?::[sd])?\}", " ", text))
    if QUESTION.search(text):
        return Owed(asks=spoken)
    slots = {_key(slot) for slot in re.findall(r"\{(\w+)", text)}
    facts = tuple((key, value) for key, value in _results(prompt) if _key(key) in slots)
    if facts:
        return Owed(facts=tuple(fact for fact in facts if not _customers(fact[1], prompt)) or facts)
    return Owed(words=(spoken,) if spoken else ())


def _questions(prompt: Sequence[Message], steps: Sequence[Mapping[str, Any]]) -> Owed:
    """What the procedure asks for and nobody has asked yet, until a tool has worked: agents ask in an order of their own."""
    if any(call.worked for call in calls(prompt)):
        return Owed()
    asked = {folded(text_of(message)) for message in prompt if message["role"] == "assistant"}
    texts = [text for step in steps if (text := step["text"]) and QUESTION.search(text) and folded(text) not in asked]
    return Owed(asks=frozenset().union(*map(content_words, texts)))


def _done_by(output: DialogueAction, asked: str) -> Owed:
    """What a right reply does."""
    if output.action is not None:
        return Owed(calls=frozenset({(output.action.name, plain_arguments(output.action.arguments))}))
    words = content_words(output.reply or "") - content_words(asked)
    return Owed(asks=words) if ASKS.search(output.reply or "") else Owed(words=(words,) if words else ())


def _told_at_length(prompt: Sequence[Message]) -> tuple[frozenset[str], ...]:
    """The words of long texts in tool results, such as directions or articles."""
    texts = [text for message in prompt if message["role"] == "tool" for text in long_texts(parsed(message.get("content")))]
    return tuple(words for text in texts if (words := content_words(text)))


def _facts(prompt: Sequence[Message], asked: str, *, from_tool: bool) -> tuple[Fact, ...]:
    """Facts that answer the customer: of the last result where it has just come, else those that nobody has told yet, and of
    these the ones that the question names or is after.
    """
    results = _results(prompt[-1:] if from_tool else prompt, prompt)
    facts = [(key, value) for key, value in results if not _customers(value, prompt)]
    told = "\n".join(text_of(message) for message in prompt if message["role"] == "assistant")
    facts = [fact for fact in facts if from_tool or not stands_in(fact[1], told)] or facts
    words = content_words(asked)
    named = [fact for fact in facts if content_words(_spaced(fact[0])) & words]
    if from_tool or not named:
        named = [fact for fact in facts if named and fact in named] or [f for f in facts if _answers(asked, f[1])] or facts
    return tuple(dict.fromkeys(named))


def _answers(asked: str, value: str) -> bool:
    """True if a value is of the kind that a question is after: a name, an amount, a time."""
    digits = re.search(r"\d", value) is not None
    if PERSON.search(asked):
        return not digits
    return digits if AMOUNT.search(asked) or TIME.search(asked) else False


def _results(messages: Sequence[Message], prompt: Sequence[Message] | None = None) -> list[Fact]:
    """Keys and values of the results of calls that worked, in order."""
    prompt = messages if prompt is None else prompt
    failed = {call.result_turn for call in calls(prompt) if not call.worked}
    places = range(len(prompt) - len(messages), len(prompt))
    return [
        fact
        for place, message in zip(places, messages, strict=True)
        if message["role"] == "tool" and place not in failed
        for fact in leaves(parsed(message.get("content")))
    ]


def _customers(value: str, prompt: Sequence[Message]) -> bool:
    """True if a call had used a value or the customer had named it: telling it back is no answer.

    A word that the customer named may be the answer all the same: "On my card or in my wallet?", "There is no tea in my bag."
    """
    texts = [call["arguments"] for message in prompt for call in message.get("tool_calls") or []]
    if re.search(r"\d", value):
        texts += [text_of(message) for message in prompt if message["role"] == "user"]
    return any(stands_in(value, text) for text in texts)


def _known(asked: str, knowledge: KnowledgeIndex) -> tuple[frozenset[str], ...]:
    """What the best knowledge unit says beyond the customer's question, if the question is about it."""
    if not QUESTION.search(asked):
        return ()
    about = content_words(asked)
    for unit in knowledge.best([{"role": "user", "content": asked}]):
        words = content_words(f"{unit['title']} {unit['content']}")
        if len(words & about) >= SHARED_WORDS and (new := content_words(str(unit["content"])) - about):
            return (new,)
    return ()


def _said_when_asked_again(prompt: Sequence[Message], rest: Sequence[Message]) -> tuple[frozenset[str], ...]:
    """The words of the log's next reply where the customer had to ask again: it answers the same need."""
    after = next((place for place, message in enumerate(rest) if place and message["role"] == "user"), None)
    if after is None or not PUSHBACK.search(text_of(rest[after])):
        return ()
    reply = next((text_of(message) for message in rest[after + 1 :] if message["role"] == "assistant" and text_of(message)), "")
    earlier = {folded(text_of(message)) for message in [*prompt, *rest[:1]] if message["role"] == "assistant"}
    words = content_words(reply) - content_words(_last_words(prompt))
    return (words,) if words and folded(reply) not in earlier else ()


def _plain(call: Call) -> str:
    arguments = parsed(call.arguments)
    return plain_arguments(arguments) if isinstance(arguments, dict) else call.arguments


def _spaced(key: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", key)


def _key(name: str) -> str:
    return name.lower().replace("_", "")
