"""Turns a reply into a template of its context's values and back, so that a reply can move to another conversation truthfully.

What belongs here: which values a context gives, cutting them out, filling them in. What does not: which reply
fits (`candidates`), words that are no values (`borrowed`). A slot is `{key}`; procedures may write `{key:s}` or `{key:d}`.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from wow_flywheel.dialogue import Action, DialogueAction, Message
from wow_flywheel.inspection.values import leaves, parsed, whole

SLOT = re.compile(r"\{(\w+)(?::[sd])?\}")
NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?!\w)")
LINE_BEGINS, LIST_MARK = re.compile(r"(?:^|\n)\s*$"), re.compile(r"\d[.)、]\s")
USER_NUMBER = "user_number"
Values = Mapping[str, str]


class _NotEstablishedError(Exception):
    """A slot has no value in this conversation."""


def context_values(messages: Sequence[Message]) -> dict[str, str]:
    """What the conversation so far has established: the scalar leaves of tool results by key, and the customer's last number.

    A later result overrides an earlier one. A key that one result gives several values, and a number that the customer gives
    beside others in one breath, are left out: which one a reply means would be a guess. Keys are compared in lower case
    without underscores.
    """
    values: dict[str, str] = {}
    for message in messages:
        content = message.get("content") or ""
        if message["role"] == "tool":
            found: dict[str, set[str]] = {}
            for key, value in leaves(parsed(content)):
                found.setdefault(key, set()).add(value)
            _update(values, found)
        elif message["role"] == "user" and (numbers := set(NUMBER.findall(content))):
            _update(values, {USER_NUMBER: numbers})
    return values


def delexicalise(output: DialogueAction, values: Values) -> DialogueAction | None:
    """Replace the context's values in an output by slots.

    Returns:
        The template, or None if moving it would be a guess: a value could be meant by more than one key, or is a single letter,
        which may be a word as well.
    """
    keys_by_value: dict[str, list[str]] = {}
    for key, value in values.items():
        keys_by_value.setdefault(value, []).append(key)
    named = {value: [k for k in keys if k != USER_NUMBER] or keys for value, keys in keys_by_value.items()}
    used: set[str] = set()
    reply = _cut(output.reply, named, used)
    action = output.action
    if action is not None:
        action = Action(name=action.name, arguments={k: _cut_argument(v, named, used) for k, v in action.arguments.items()})
    if any(len(named[value]) > 1 or (len(value) == 1 and not value.isdecimal()) for value in used):
        return None
    return DialogueAction(reply=reply, action=action)


def fill(template: DialogueAction, values: Values) -> DialogueAction | None:
    """Fill a template's slots from another conversation's values; None if one of them is not established there."""
    known = {_key(key): value for key, value in values.items()}
    action = template.action
    try:
        reply = template.reply and _fill_text(template.reply, known)
        if action is not None:
            arguments = {name: _fill_argument(value, known) for name, value in action.arguments.items()}
            action = Action(name=action.name, arguments=arguments)
    except _NotEstablishedError:
        return None
    return DialogueAction(reply=reply, action=action)


def _update(values: dict[str, str], found: Mapping[str, set[str]]) -> None:
    for key, several in found.items():
        if len(several) == 1:
            values[key] = min(several)
        else:
            values.pop(key, None)


def _cut(text: str | None, named: Mapping[str, list[str]], used: set[str]) -> str | None:
    present = sorted((value for value in named if text and value in text), key=len, reverse=True)
    if not text or not present:
        return text
    pattern = re.compile("|".join(f"(?:{whole(value)})" for value in present))

    def slot(match: re.Match[str]) -> str:
        if len(match[0]) == 1 and LIST_MARK.match(text, match.start()) and LINE_BEGINS.search(text[: match.start()]):
            return match[0]
        used.add(match[0])
        return "{" + named[match[0]][0] + "}"

    return pattern.sub(slot, text)


def _cut_argument(value: Any, named: Mapping[str, list[str]], used: set[str]) -> Any:
    if isinstance(value, dict):
        return {name: _cut_argument(child, named, used) for name, child in value.items()}
    if isinstance(value, list):
        return [_cut_argument(child, named, used) for child in value]
    text = str(value)
    if isinstance(value, bool) or value is None or text not in named:
        return _cut(value, named, used) if isinstance(value, str) else value
    used.add(text)
    return {"slot": named[text][0], "number": isinstance(value, int | float)}


def _fill_text(text: str, known: Values) -> str:
    return SLOT.sub(lambda match: _established(match[1], known), text)


def _fill_argument(value: Any, known: Values) -> Any:
    if isinstance(value, dict) and set(value) == {"slot", "number"}:
        found = _established(value["slot"], known)
        return _number(found) if value["number"] else found
    if isinstance(value, dict):
        return {name: _fill_argument(child, known) for name, child in value.items()}
    if isinstance(value, list):
        return [_fill_argument(child, known) for child in value]
    return _fill_text(value, known) if isinstance(value, str) else value


def _established(name: str, known: Values) -> str:
    value = known.get(_key(name))
    if value is None:
        raise _NotEstablishedError
    return value


def _number(text: str) -> int | float:
    value = parsed(text)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _NotEstablishedError
    return value


def _key(name: str) -> str:
    return name.lower().replace("_", "")
