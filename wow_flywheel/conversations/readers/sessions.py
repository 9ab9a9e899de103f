"""Single model calls put together to the conversations that they were.

What belongs here: which calls continue each other, and which of several branches counts. What does not: formats of calls, and
records (`records`).

A call repeats the conversation so far, so conversations are the long paths of a tree in which every call is a path from the
root. A message is known by a hash chain over what was said up to it, so the work is linear in the size of the calls.

- Leading system messages and the ids of tool calls do not count: they change from call to call, or from request to reply.
- Calls that share a session form one conversation. A call in it that brings no history, or only its end, continues it, unless
  it belongs to the same trace as the call before (a helper's call).
- Calls without a session are told apart by user, by scenario and by what was said: two customers who say different things after
  the same opening are two conversations.
- Of several replies to the same words (retries, regenerations, a stream's chunks) the one that the conversation went on with
  counts; if it ended there, the last one, whole.
"""

import datetime as dt
import hashlib
import json
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from wow_flywheel.conversations.readers.values import Message


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a model.

    Attributes:
        id: Of the call; the same id twice is the same call.
        started: When it was asked.
        request: The messages that it was asked with.
        reply: What it answered.
        ended: When it answered, if that is known.
        session: Of the conversation, if the log knows it.
        trace: Of the turn, if the log knows it.
        previous: Id of the call whose conversation it continues without repeating it, if the log says so.
        user: Who was served.
        model: Which model answered.
        scenario: The task that the log files it under.
        usage: prompt_tokens and completion_tokens.
    """

    id: str
    started: dt.datetime
    request: list[Message]
    reply: list[Message]
    ended: dt.datetime | None = None
    session: str | None = None
    trace: str | None = None
    previous: str | None = None
    user: str | None = None
    model: str | None = None
    scenario: str | None = None
    usage: dict[str, int | None] | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """One conversation.

    Attributes:
        id: The log's session, or the id of its first call.
        messages: Every turn once, with `created_at` and, on replies, `usage`.
        calls: The calls that it is made of, in order; repeats of a call that count for it are among them.
        user: Who was served.
        model: Of its last call.
        scenario: Of its first call that names one.
        started: Of its first call.
        ended: Of its last call.
    """

    id: str
    messages: list[Message]
    calls: tuple[Call, ...]
    user: str | None
    model: str | None
    scenario: str | None
    started: dt.datetime
    ended: dt.datetime


@dataclass(slots=True, eq=False)
class _Node:
    """A message at its place in a conversation."""

    key: bytes
    parent: "_Node | None"
    message: Message
    calls: list[Call] = field(default_factory=list)
    children: "dict[bytes, _Node]" = field(default_factory=dict)
    reach: int = 0
    leaves: int = 0
    alive: bool = True

    @property
    def text(self) -> str:
        return self.message.get("content") or ""


@dataclass(slots=True)
class _Scope:
    """Calls that may belong together: those of one session, or of one user without sessions."""

    named: str | None
    root: _Node = field(default_factory=lambda: _Node(b"", None, {"role": "root"}))
    nodes: list[_Node] = field(default_factory=list)
    replies: dict[bytes, _Node] = field(default_factory=dict)
    ends: dict[str, _Node] = field(default_factory=dict)
    asked: dict[str, _Node] = field(default_factory=dict)
    last: _Node | None = None


def sessions(calls: Iterable[Call]) -> list[Session]:
    """The conversations that calls make, by start and id; the order of the calls does not matter."""
    scopes: dict[tuple[str, ...], _Scope] = {}
    for call in sorted(_agreed(calls), key=_order):
        key = ("session", call.session) if call.session else ("user", call.user or "", call.scenario or "")
        scope = scopes.setdefault(key, _Scope(call.session))
        _place(scope, call)
    taken: set[str] = set()
    found = [session for scope in scopes.values() for session in _paths(scope, taken)]
    return sorted(found, key=lambda session: (session.started, session.id))


def _agreed(calls: Iterable[Call]) -> list[Call]:
    """The calls, with one session for each trace: some clients note the last reply's id, or a session on some calls only."""
    listed = list(calls)
    named: dict[str, set[str]] = {}
    for call in listed:
        if call.trace and call.session:
            named.setdefault(call.trace, set()).add(call.session)
    agreed = {trace: next(iter(names)) if len(names) == 1 else None for trace, names in named.items()}
    return [replace(call, session=agreed[call.trace]) if call.trace in agreed else call for call in listed]


def _order(call: Call) -> tuple[dt.datetime, str, int, bytes]:
    said = [*call.request, *call.reply]
    return call.started, call.id, len(said), b"".join(map(_digest, said))


def _digest(message: Message) -> bytes:
    calls = [(call["name"], _same_json(call["arguments"])) for call in message.get("tool_calls") or ()]
    said = [message["role"], (message.get("content") or "").strip(), calls]
    return hashlib.blake2b(json.dumps(said).encode(), digest_size=16).digest()


def _same_json(arguments: str) -> Any:
    try:
        return json.dumps(json.loads(arguments), sort_keys=True)
    except (ValueError, RecursionError):
        return arguments


def _place(scope: _Scope, call: Call) -> None:
    """Walk a call's messages down the tree, adding what is new."""
    request = _without_leading_system(call.request)
    node, request = _anchor(scope, call, request)
    for message in request:
        node = _step(scope, node, message | {"created_at": call.started})
    for message in _timed_reply(call):
        node = _step(scope, node, message)
        scope.replies[_digest(message)] = node
    if node is scope.root:
        return
    node.calls.append(call)
    scope.ends[call.id] = node
    scope.last = node


def _without_leading_system(messages: list[Message]) -> list[Message]:
    first = next((index for index, each in enumerate(messages) if each["role"] != "system"), len(messages))
    return messages[first:]


def _timed_reply(call: Call) -> list[Message]:
    timed = [each | {"created_at": call.ended or call.started} for each in call.reply]
    last = next((each for each in reversed(timed) if each["role"] == "assistant"), None)
    if last is not None and call.usage:
        last["usage"] = call.usage
    return timed


def _step(scope: _Scope, node: _Node, message: Message) -> _Node:
    digest = _digest(message)
    child = node.children.get(digest)
    if child is None:
        key = hashlib.blake2b(node.key + digest, digest_size=16).digest()
        child = node.children[digest] = _Node(key, node, message)
        scope.nodes.append(child)
        for called in message.get("tool_calls") or ():
            if called["id"]:
                scope.asked[called["id"]] = child
    elif "usage" in message and "usage" not in child.message:
        child.message["usage"] = message["usage"]
    return child


def _anchor(scope: _Scope, call: Call, request: list[Message]) -> tuple[_Node, list[Message]]:
    """Where a call joins the tree, and the messages of its request that come after that place."""
    if call.previous in scope.ends:
        return scope.ends[call.previous], request
    if not request or _digest(request[0]) in scope.root.children:
        return scope.root, request
    answered = request[0].get("tool_call_id") if request[0]["role"] == "tool" else None
    if answered in scope.asked and _belongs(scope, call, scope.asked[answered]):
        return scope.asked[answered], request
    if scope.named is None:
        return scope.root, request
    for index in range(len(request) - 1, -1, -1):
        if request[index]["role"] == "assistant" and (node := scope.replies.get(_digest(request[index]))):
            return node, request[index + 1 :]
    return _continued(scope, call, request), request


def _belongs(scope: _Scope, call: Call, asked: _Node) -> bool:
    """Whether a result may answer a call of that id: ids repeat from customer to customer."""
    return scope.named is not None or any(each.trace and each.trace == call.trace for each in asked.calls)


def _continued(scope: _Scope, call: Call, request: list[Message]) -> _Node:
    """The end of a session, for a call that brings no history at all."""
    if scope.last is None or any(each["role"] == "assistant" for each in request):
        return scope.root
    helper = call.trace is not None and call.trace == scope.last.calls[-1].trace
    return scope.root if helper else scope.last


def _paths(scope: _Scope, taken: set[str]) -> Iterable[Session]:
    _measure(scope)
    for node in (scope.root, *scope.nodes):
        _choose(node, single=scope.named is not None)
    ends = _ends(scope)
    for end in sorted(ends, key=_rank, reverse=True):
        session = _session(scope, end, taken)
        if session:
            taken.add(session.id)
            yield session


def _measure(scope: _Scope) -> None:
    """How far the conversation went on after each message."""
    for node in reversed(scope.nodes):
        if node.parent is not None:
            node.parent.reach = max(node.parent.reach, node.reach + 1)


def _ends(scope: _Scope) -> list[_Node]:
    """The last messages of the conversations; every message learns in how many of them it is."""
    ends = []
    for node in reversed(scope.nodes):
        if node.alive and not node.leaves:
            node.leaves = 1
            ends.append(node)
        if node.alive and node.parent is not None:
            node.parent.leaves += node.leaves
    return ends


def _rank(node: _Node) -> tuple[int, dt.datetime, bytes]:
    return node.reach, _latest(node), node.key


def _latest(node: _Node) -> dt.datetime:
    return max((call.started for call in node.calls), default=node.message["created_at"])


def _choose(node: _Node, *, single: bool) -> None:
    """Mark which of a message's successors belong to a conversation."""
    children = list(node.children.values())
    if not node.alive:
        kept: list[_Node] = []
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


def _best(children: list[_Node]) -> list[_Node]:
    if not children:
        return []
    best = max(children, key=_rank)
    if best.reach == 0:  # of a stream's chunks the whole one
        longer = [each for each in children if each.text.startswith(best.text)]
        best = max(longer, key=lambda each: (len(each.text), len(each.message.get("tool_calls") or ()), _rank(each)))
    return [best]


def _session(scope: _Scope, end: _Node, taken: set[str]) -> Session | None:
    messages, calls = _told(end)
    if not calls:
        return None
    first = calls[0]
    name = scope.named or first.id
    return Session(
        id=name if name not in taken else f"{name}-{end.key.hex()[:12]}",
        messages=[*_system(first), *messages],
        calls=tuple(calls),
        user=next((call.user for call in calls if call.user), None),
        model=next((call.model for call in reversed(calls) if call.model), None),
        scenario=next((call.scenario for call in calls if call.scenario), None),
        started=first.started,
        ended=max(call.ended or call.started for call in calls),
    )


def _told(end: _Node) -> tuple[list[Message], list[Call]]:
    """A conversation's messages and calls. Of a message that several share, the call counts that came last before the rest."""
    messages: list[Message] = []
    calls: list[Call] = []
    after: Call | None = None
    for node in reversed(_path(end)):
        made, message = node.calls, node.message
        if node.leaves > 1 and after is not None:
            before = bisect_right(made, after.started, key=lambda call: call.started)
            made = made[max(before - 1, 0) : max(before, 1)]
            asked = [(call.ended or call.started) for call in made] or [after.started]
            message = message | {"created_at": asked[0]}
        after = made[0] if made else after
        messages.append(message)
        calls += made
    return messages[::-1], sorted(calls, key=lambda call: (call.started, call.id))


def _path(end: _Node) -> list[_Node]:
    path: list[_Node] = []
    node: _Node | None = end
    while node is not None and node.parent is not None:
        path.append(node)
        node = node.parent
    return path[::-1]


def _system(call: Call) -> list[Message]:
    leading = len(call.request) - len(_without_leading_system(call.request))
    return [message | {"created_at": call.started} for message in call.request[:leading]]
