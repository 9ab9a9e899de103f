"""The shape of a conversation: turns, waiting times, tool calls, named steps.

What belongs here: counts and shares that need no understanding of words. What does not: how people talk (`speech`).
"""

import itertools
import json
import math
from collections import Counter
from collections.abc import Sequence

from wow_flywheel.dialogue import Message
from wow_flywheel.inspection.results import Call, calls
from wow_flywheel.inspection.triage.arithmetic import NAN, mean, share, trend
from wow_flywheel.inspection.wording import folded, text_of


def structure(messages: Sequence[Message]) -> dict[str, float]:
    """Features of turns, times, tools and steps, by name; NaN where the log does not say."""
    return {**_shape(messages), **_times(messages), **_tools(messages), **_procedure(messages)}


def _shape(messages: Sequence[Message]) -> dict[str, float]:
    users = [text_of(m) for m in messages if m["role"] == "user"]
    agents = [text_of(m) for m in messages if m["role"] == "assistant" and text_of(m)]
    spoken = [m["role"] for m in messages if m["role"] == "user" or (m["role"] == "assistant" and text_of(m))]
    said = Counter(folded(text) for text in agents)
    user_words, agent_words = [len(t.split()) for t in users], [len(t.split()) for t in agents]
    return {
        "turns": math.log1p(len(messages)),
        "user_turns": float(len(users)),
        "agent_turns": float(len(agents)),
        "user_twice": share(a == b == "user" for a, b in itertools.pairwise(spoken)),
        "agent_twice": share(a == b == "assistant" for a, b in itertools.pairwise(spoken)),
        "ends_with_user": float(bool(spoken) and spoken[-1] == "user"),
        "user_words": mean(user_words),
        "agent_words": mean(agent_words),
        "first_words": float(user_words[0]) if user_words else NAN,
        "last_user_words": float(user_words[-1]) if user_words else NAN,
        "last_agent_words": float(agent_words[-1]) if agent_words else NAN,
        "user_trend": trend(user_words),
        "agent_repeats": sum(n - 1 for n in said.values()) / max(1, len(agents)),
        "most_repeated": float(max(said.values(), default=0)),
        "exclamations": share("!" in t or "！" in t for t in users),
        "shouting": share(len(t) > 3 and t.isupper() for t in users),
        "lower_case": share(t[:1].islower() for t in users),
        "agent_lower_case": share(t[:1].islower() for t in agents),
        "numbers_in_user": share(any(c.isdigit() for c in t) for t in users),
    }


def _times(messages: Sequence[Message]) -> dict[str, float]:
    waits: dict[str, list[float]] = {"user": [], "assistant": []}
    for before, after in itertools.pairwise(messages):
        one, other = before.get("created_at"), after.get("created_at")
        if one is not None and other is not None and after["role"] in waits:
            waits[after["role"]].append(math.log1p(max(0.0, (other - one).total_seconds())))
    known = [m["created_at"] for m in messages if m.get("created_at") is not None]
    agent, user = waits["assistant"], waits["user"]
    return {
        "lasted": math.log1p(max(0.0, (known[-1] - known[0]).total_seconds())) if len(known) > 1 else NAN,
        "agent_wait": mean(agent),
        "agent_wait_max": max(agent, default=NAN),
        "agent_wait_last": agent[-1] if agent else NAN,
        "user_wait": mean(user),
        "user_wait_max": max(user, default=NAN),
        "user_wait_last": user[-1] if user else NAN,
    }


def _tools(messages: Sequence[Message]) -> dict[str, float]:
    made = [call for call in calls(messages) if call.about_demand]
    done = [call for call in made if call.result is not None]
    last = done[-1] if done else None
    states = {f"last_{state}": float(last is not None and last.result == state) for state in ("succeeded", "answered", "empty")}
    same = Counter((call.name, call.arguments) for call in made)
    return {
        "calls": float(len(made)),
        "tools": float(len({call.name for call in made})),
        "failed_calls": share(call.result == "failed" for call in done),
        "empty_calls": share(call.result == "empty" for call in done),
        "succeeded_calls": share(call.result == "succeeded" for call in done),
        "any_succeeded": float(any(call.result == "succeeded" for call in done)),
        **states,
        "last_failed": float(last is not None and last.result == "failed"),
        "writes": float(sum(call.writes for call in made)),
        "writes_that_worked": float(sum(call.writes and call.worked for call in made)),
        "same_calls": float(sum(n - 1 for n in same.values())),
        "calls_after_last": 1 - last.turn / len(messages) if last else NAN,
        "arguments": mean([_size(call) for call in made]),
        "empty_arguments": share(_size(call) == 0 for call in made),
        "reads_after_write": _reads_after_write(made),
    }


def _procedure(messages: Sequence[Message]) -> dict[str, float]:
    """How far the assistant's named actions carry; NaN where the log names none."""
    agents = [m for m in messages if m["role"] == "assistant" and text_of(m)]
    actions = [action for m in agents if (action := m.get("action"))]
    if not actions:
        return dict.fromkeys(("free_text", "free_text_late", "action_repeats", "actions"), NAN)
    return {
        "free_text": share(not m.get("action") for m in agents),
        "free_text_late": share(not m.get("action") for m in agents[-3:]),
        "action_repeats": 1 - len(set(actions)) / len(actions),
        "actions": float(len(set(actions))),
    }


def _reads_after_write(made: Sequence[Call]) -> float:
    wrote = max((i for i, call in enumerate(made) if call.writes), default=None)
    return NAN if wrote is None else float(len(made) - 1 - wrote)


def _size(call: Call) -> int:
    try:
        value = json.loads(call.arguments or "{}")
    except ValueError:
        return 1
    return len(value) if isinstance(value, dict) else 1
