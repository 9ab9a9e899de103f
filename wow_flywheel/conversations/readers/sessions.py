"""Single model calls put together to the conversations that they were.

What belongs here: which calls are looked at together, and the conversations that they make. What does not: where a call joins
what was said before (`tree`), formats of calls, and records (`records`).

A call repeats the conversation so far, so conversations are the long paths of a tree in which every call is a path from the
root.

- Leading system messages and the ids of tool calls do not count: they change from call to call, or from request to reply.
- Calls that share a session form one conversation. A call in it that brings no history, or only its end, continues it, unless
  it belongs to the same trace as the call before (a helper's call).
- A call without a session that repeats only the last messages of a conversation (a sliding window) continues it.
- Calls without a session are told apart by user, by scenario and by what was said: two customers who say different things after
  the same opening are two conversations.
- Of several replies to the same words (retries, regenerations, a stream's chunks) the one that the conversation went on with
  counts; if it ended there, the last one, whole.
"""

import datetime as dt
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import replace

from wow_flywheel.conversations.readers import tree
from wow_flywheel.conversations.readers.calls import Call, Session, ids_of
from wow_flywheel.conversations.readers.values import Message


def sessions(calls: Iterable[Call], unused: Callable[[Call, str], None] | None = None) -> list[Session]:
    """The conversations that calls make, by start and id; the order of the calls does not matter.

    Args:
        calls: In any order.
        unused: Is told each call from which no conversation has anything, and why: `superseded`, `helper_call`, `repeated`,
            `no_messages`.
    """
    scopes: dict[tuple[str, ...], tree.Scope] = {}
    for call in sorted(_agreed(calls), key=_order):
        key = ("session", call.session) if call.session else ("user", call.user or "", call.scenario or "")
        scope = scopes.setdefault(key, tree.Scope(call.session))
        if not tree.place(scope, call) and unused:
            unused(call, "no_messages")
    taken: set[str] = set()
    found = [session for scope in scopes.values() for session in _paths(scope, taken, unused or _forgotten)]
    return sorted(found, key=lambda session: (session.started, session.id))


def _forgotten(_call: Call, _reason: str) -> None:
    """Nobody asks what was not used."""


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
    return call.started, call.id, len(said), b"".join(map(tree.digest, said))


def _paths(scope: tree.Scope, taken: set[str], unused: Callable[[Call, str], None]) -> Iterable[Session]:
    tree.measure(scope)
    for node in (scope.root, *scope.nodes):
        tree.choose(node, single=scope.named is not None)
    used: dict[int, Call] = {}
    for end in sorted(tree.ends(scope), key=tree.rank, reverse=True):
        session = _session(scope, end, taken, used)
        if session:
            taken.add(session.id)
            yield session
    traces = {call.trace for call in used.values() if call.trace}
    for node in scope.nodes:
        for call in node.calls:
            if id(call) not in used:
                unused(call, _why(node, call, traces))


def _why(node: tree.Node, call: Call, traces: set[str]) -> str:
    """Why a call is not used, whose last message is this node."""
    if node.alive:
        return "repeated"
    return "helper_call" if call.trace in traces and not tree.path(node)[0].alive else "superseded"


def _session(scope: tree.Scope, end: tree.Node, taken: set[str], used: dict[int, Call]) -> Session | None:
    messages, turns, telling = _told(end)
    if not turns:
        return None
    calls = sorted((call for call, _ in turns), key=lambda call: (call.started, call.id))
    used.update({id(call): call for call in telling})
    first = calls[0]
    system, free = _system(first), scope.named or first.id
    name = free if free not in taken else f"{free}-{end.key.hex()[:12]}"
    return Session(
        id=name,
        messages=[*system, *messages],
        calls=tuple(calls),
        sources=frozenset[int]().union(*(call.sources for call in telling)),
        user=next((call.user for call in calls if call.user), None),
        model=next((call.model for call in reversed(calls) if call.model), None),
        scenario=next((call.scenario for call in calls if call.scenario), None),
        started=first.started,
        ended=max(call.ended or call.started for call in calls),
        ids=ids_of(name, ((call, len(system) + turn) for call, turn in turns)),
    )


def _told(end: tree.Node) -> tuple[list[Message], list[tuple[Call, int]], list[Call]]:
    """A conversation's messages, its calls, each with the message that it ends with, and those of them that tell it: of calls
    that repeat each other the first.

    Of a message that several conversations share, the call counts that came last before the rest.
    """
    messages: list[Message] = []
    turns: list[tuple[Call, int]] = []
    telling: list[Call] = []
    after: Call | None = None
    for turn, node in reversed([*enumerate(tree.path(end))]):
        made, message = node.calls, node.message
        if node.leaves > 1 and after is not None:
            before = bisect_right(made, after.started, key=lambda call: call.started)
            made = made[max(before - 1, 0) : max(before, 1)]
            asked = [(call.ended or call.started) for call in made] or [after.started]
            message = message | {"created_at": asked[0]}
        after = made[0] if made else after
        messages.append(message)
        turns += [(call, turn) for call in made]
        telling += made[:1]
    return messages[::-1], turns, telling


def _system(call: Call) -> list[Message]:
    leading = len(call.request) - len(tree.without_leading_system(call.request))
    return [message | {"created_at": call.started} for message in call.request[:leading]]
