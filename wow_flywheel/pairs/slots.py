"""Turns a reply into a template of its context's values and back, so that a reply can move to another conversation truthfully.

What belongs here: finding values in tool results and user turns, cutting them out, filling them in. What does not: which reply
fits (`candidates`). A slot is `{key}`; procedures may write `{key:s}` or `{key:d}`.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from wow_flywheel.dialogue import Action, DialogueAction, Message

SLOT = re.compile(r"\{(\w+)(?::[sd])?\}")
NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?!\w)")
USER_NUMBER = "user_number"
Values = Mapping[str, str]


def context_values(messages: Sequence[Message]) -> dict[str, str]:
    """What the conversation so far has established: the scalar leaves of tool results by key, and the customer's last number.

    A later result overrides an earlier one. Keys are compared in lower case without underscores.
    """
    values: dict[str, str] = {}
    for message in messages:
        content = message.get("content") or ""
        if message["role"] == "tool":
            _collect(_json(content), "", values)
        elif message["role"] == "user" and (numbers := NUMBER.findall(content)):
            values[USER_NUMBER] = numbers[-1]
    return values


def delexicalise(output: DialogueAction, values: Values) -> DialogueAction | None:
    """Replace the context's values in an output by slots.

    Returns:
        The template, or None if a value could be meant by more than one key, so that moving it would be a guess.
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
    if any(len(named[value]) > 1 for value in used):
        return None
    return DialogueAction(reply=reply, action=action)


def fill(template: DialogueAction, values: Values) -> DialogueAction | None:
    """Fill a template's slots from another conversation's values; None if one of them is not established there."""
    known = {_key(key): value for key, value in values.items()}
    reply = _fill_text(template.reply, known)
    if template.reply and reply is None:
        return None
    action = template.action
    if action is not None:
        arguments = {name: _fill_argument(value, known) for name, value in action.arguments.items()}
        if any(value is None for value in arguments.values()):
            return None
        action = Action(name=action.name, arguments=arguments)
    return DialogueAction(reply=reply, action=action)


def _collect(node: Any, key: str, values: dict[str, str]) -> None:
    if isinstance(node, dict):
        for name, child in node.items():
            _collect(child, str(name), values)
    elif isinstance(node, list):
        for child in node:
            _collect(child, key, values)
    elif key and isinstance(node, str | int | float) and not isinstance(node, bool) and 0 < len(str(node)) <= 80:
        values[key] = str(node)


def _cut(text: str | None, named: Mapping[str, list[str]], used: set[str]) -> str | None:
    if not text or not named:
        return text
    longest_first = sorted((value for value in named if len(value) > 1), key=len, reverse=True)
    if not longest_first:
        return text
    pattern = re.compile(r"(?<!\w)(" + "|".join(map(re.escape, longest_first)) + r")(?!\w)")

    def slot(match: re.Match[str]) -> str:
        used.add(match[1])
        return "{" + named[match[1]][0] + "}"

    return pattern.sub(slot, text)


def _cut_argument(value: Any, named: Mapping[str, list[str]], used: set[str]) -> Any:
    text = str(value)
    if isinstance(value, bool) or text not in named:
        return _cut(value, named, used) if isinstance(value, str) else value
    used.add(text)
    return {"slot": named[text][0], "number": isinstance(value, int | float)}


def _fill_text(text: str | None, known: Values) -> str | None:
    if text is None:
        return None
    if any(_key(name) not in known for name in SLOT.findall(text)):
        return None
    return SLOT.sub(lambda match: known[_key(match[1])], text)


def _fill_argument(value: Any, known: Values) -> Any:
    if isinstance(value, dict) and set(value) == {"slot", "number"}:
        found = known.get(_key(value["slot"]))
        return _json(found) if found is not None and value["number"] else found
    return _fill_text(value, known) if isinstance(value, str) else value


def _key(name: str) -> str:
    return name.lower().replace("_", "")


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return None
