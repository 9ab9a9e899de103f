"""The fixtures beside the rules: `sql/rules/<rule>.yaml`, what each rule must find and what it must let pass.

A file is a list, one element a language: `planted` conversations, each with the defect's turn and a verbatim quote of it,
`clean` conversations, and where the rule needs them `knowledge` (texts, or title and content) and `steps` (pairs of a
procedure's step and the next). A message is `{user: …}`, `{agent: …, step: …, calls: […]}`, `{calls: [{id, name, arguments}]}`
or `{tool: …, id: …}`.
"""

from dataclasses import dataclass
from typing import Any

import yaml

from wow_flywheel.dialogue import Message
from wow_flywheel.queries import sql_root


@dataclass(frozen=True)
class Planted:
    """A conversation with one defect: its turn and a quote of that turn."""

    turn: int
    quote: str
    messages: list[Message]


@dataclass(frozen=True)
class Sample:
    """What one rule must find and what it must let pass, in one language; all of it is one day."""

    rule: str
    language: str
    planted: list[Planted]
    clean: list[list[Message]]
    knowledge: tuple[Any, ...] = ()
    steps: tuple[tuple[str, str], ...] = ()


def samples() -> list[Sample]:
    """The fixtures of all rules, by rule and language."""
    paths = sorted((sql_root() / "rules").glob("*.yaml"))
    return [sample(path.stem, each) for path in paths for each in yaml.safe_load(path.read_text(encoding="utf-8"))]


def sample(rule: str, written: dict[str, Any]) -> Sample:
    """One element of a fixture file."""
    planted = [Planted(each["turn"], each["quote"], talk(each["messages"])) for each in written["planted"]]
    steps = tuple((lead, follower) for lead, follower in written.get("steps", []))
    clean = [talk(messages) for messages in written["clean"]]
    return Sample(rule, written["language"], planted, clean, tuple(written.get("knowledge", [])), steps)


def talk(written: list[dict[str, Any]]) -> list[Message]:
    """A conversation in log form."""
    return [message(each) for each in written]


def message(written: dict[str, Any]) -> Message:
    """A message in log form."""
    if "tool" in written:
        return {"role": "tool", "content": written["tool"], "tool_call_id": written["id"]}
    if "user" in written:
        return {"role": "user", "content": written["user"]}
    made: Message = {"role": "assistant", "content": written.get("agent")}
    if "calls" in written:
        made["tool_calls"] = written["calls"]
    if "step" in written:
        made["action"] = written["step"]
    return made
