"""Calls laid out as the tree of all that was said: every call is a path from the root.

What belongs here: messages and their places, where a call joins the tree, and which of several branches counts. What does not:
which calls are looked at together, and conversations (`sessions`).

A message is known by a hash chain over what was said up to it, so the work is linear in the size of the calls.
"""

import datetime as dt
import hashlib
import json
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from wow_flywheel.conversations.readers.calls import Call
from wow_flywheel.conversations.readers.values import Message

LATEST = 100
"""Of replies with the same words so many are looked at for the one that a call goes on after."""


@dataclass(slots=True, eq=False)
class Node:
    """A message at its place in a conversation."""

    key: bytes
    parent: "Node | None"
    message: Message
    calls: list[Call] = field(default_factory=list)
    children: "dict[bytes, Node]" = field(default_factory=dict)
    reach: int = 0
    leaves: int = 0
    alive: bool = True

    @property
    def text(self) -> str:
        """What it says."""
        return self.message.get("content") or ""


@dataclass(slots=True)
class Scope:
    """Calls that may belong together: those of one session, or of one user without sessions."""

    named: str | None
    root: Node = field(default_factory=lambda: Node(b"", None, {"role": "root"}))
    nodes: list[Node] = field(default_factory=list)
    replies: "dict[bytes, dict[bytes, Node]]" = field(default_factory=dict)
    ends: dict[str, Node] = field(default_factory=dict)
    asked: dict[str, Node] = field(default_factory=dict)
    last: Node | None = None


def digest(message: Message) -> bytes:
    """A hash of what a message says: its role, text and calls without their ids."""
    calls = [(call["name"], _same_json(call["arguments"])) for call in message.get("tool_calls") or ()]
    said = [message["role"], (message.get("content") or "").strip(), calls]
    return hashlib.blake2b(json.dumps(said).encode(), digest_size=16).digest()


def _same_json(arguments: str) -> Any:
    try:
        return json.dumps(json.loads(arguments), sort_keys=True)
    except (ValueError, RecursionError):
        return arguments


def place(scope: Scope, call: Call) -> bool:
    """Walk a call's messages down the tree, adding what is new; False for a call that says nothing."""
    request = without_leading_system(call.request)
    node, request = _anchor(scope, call, request)
    for message in request:
        node = _step(scope, node, message | {"created_at": call.started})
    for message in _timed_reply(call):
        node = _step(scope, node, message)
        said_so = scope.replies.setdefault(digest(message), {})
        said_so.pop(node.key, None)
        said_so[node.key] = node
    if node is scope.root:
        return False
    node.calls.append(call)
    scope.ends[call.id] = node
    scope.last = node
    return True


def without_leading_system(messages: list[Message]) -> list[Message]:
    """The messages from the first one on that is no instruction."""
    first = next((index for index, each in enumerate(messages) if each["role"] != "system"), len(messages))
    return messages[first:]


def _timed_reply(call: Call) -> list[Message]:
    timed = [each | {"created_at": call.ended or call.started} for each in call.reply]
    last = next((each for each in reversed(timed) if each["role"] == "assistant"), None)
    if last is not None and call.usage:
        last["usage"] = call.usage
    return timed


def _step(scope: Scope, node: Node, message: Message) -> Node:
    said = digest(message)
    child = node.children.get(said)
    if child is None:
        key = hashlib.blake2b(node.key + said, digest_size=16).digest()
        child = node.children[said] = Node(key, node, message)
        scope.nodes.append(child)
        for called in message.get("tool_calls") or ():
            if called["id"]:
                scope.asked[called["id"]] = child
    elif "usage" in message and "usage" not in child.message:
        child.message["usage"] = message["usage"]
    return child


def _anchor(scope: Scope, call: Call, request: list[Message]) -> tuple[Node, list[Message]]:
    """Where a call joins the tree, and the messages of its request that come after that place."""
    if call.previous in scope.ends:
        return scope.ends[call.previous], request
    if not request or digest(request[0]) in scope.root.children:
        return scope.root, request
    answered = request[0].get("tool_call_id") if request[0]["role"] == "tool" else None
    if answered in scope.asked and _belongs(scope, call, scope.asked[answered]):
        return scope.asked[answered], request
    if scope.named is None:
        return _in_window(scope, call, request) or (scope.root, request)
    for index in range(len(request) - 1, -1, -1):
        if request[index]["role"] == "assistant" and (nodes := scope.replies.get(digest(request[index]))):
            return next(reversed(nodes.values())), request[index + 1 :]
    return _continued(scope, call, request), request


def _in_window(scope: Scope, call: Call, request: list[Message]) -> tuple[Node, list[Message]] | None:
    """Where a call goes on that repeats only the end of its conversation: after what ends with all that it repeats.

    One message is too little to tell; of several such conversations the last one is meant only where they are one customer's.
    """
    index = max((index for index, each in enumerate(request) if each["role"] == "assistant"), default=0)
    if index == 0:
        return None
    latest = islice(reversed(scope.replies.get(digest(request[index]), {}).values()), LATEST)
    found = [node for node in latest if _ends_with(node, request[: index + 1])]
    return (found[0], request[index + 1 :]) if found and (call.user or len(found) == 1) else None


def _ends_with(node: Node | None, said: list[Message]) -> bool:
    """Whether what was said up to a message ends with these."""
    for message in reversed(said):
        if node is None or node.parent is None or digest(node.message) != digest(message):
            return False
        node = node.parent
    return True


def _belongs(scope: Scope, call: Call, asked: Node) -> bool:
    """Whether a result may answer a call of that id: ids repeat from customer to customer."""
    return scope.named is not None or any(each.trace and each.trace == call.trace for each in asked.calls)


def _continued(scope: Scope, call: Call, request: list[Message]) -> Node:
    """The end of a session, for a call that brings no history at all."""
    if scope.last is None or any(each["role"] == "assistant" for each in request):
        return scope.root
    helper = call.trace is not None and call.trace == scope.last.calls[-1].trace
    return scope.root if helper else scope.last


def measure(scope: Scope) -> None:
    """How far the conversation went on after each message."""
    for node in reversed(scope.nodes):
        if node.parent is not None:
            node.parent.reach = max(node.parent.reach, node.reach + 1)


def ends(scope: Scope) -> list[Node]:
    """The last messages of the conversations; every message learns in how many of them it is."""
    ends = []
    for node in reversed(scope.nodes):
        if node.alive and not node.leaves:
            node.leaves = 1
            ends.append(node)
        if node.alive and node.parent is not None:
            node.parent.leaves += node.leaves
    return ends


def rank(node: Node) -> tuple[int, dt.datetime, bytes]:
    """What decides between branches: how far it goes on, then how late it is."""
    return node.reach, _latest(node), node.key


def _latest(node: Node) -> dt.datetime:
    return max((call.started for call in node.calls), default=node.message["created_at"])


def choose(node: Node, *, single: bool) -> None:
    """Mark which of a message's successors belong to a conversation."""
    children = list(node.children.values())
    if not node.alive:
        kept: list[Node] = []
    elif single:
        kept = _best(children)
    else:
        replies = [child for child in children if child.message["role"] == "assistant"]
        went_on = [child for child in replies if child.reach]
        others = [child for child in children if child.message["role"] != "assistant"]
        kept = others + (went_on or _best(replies))
    chosen = set(map(id, kept))
    for child in children:
        child.alive = id(child) in chosen


def _best(children: list[Node]) -> list[Node]:
    if not children:
        return []
    best = max(children, key=rank)
    if best.reach == 0:  # of a stream's chunks the whole one
        longer = [each for each in children if each.text.startswith(best.text)]
        best = max(longer, key=lambda each: (len(each.text), len(each.message.get("tool_calls") or ()), rank(each)))
    return [best]


def path(end: Node) -> list[Node]:
    """The messages from the first one to this one."""
    found: list[Node] = []
    node: Node | None = end
    while node is not None and node.parent is not None:
        found.append(node)
        node = node.parent
    return found[::-1]
