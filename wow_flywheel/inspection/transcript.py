"""Logged text as data in a prompt, where it cannot pass for instructions.

What belongs here: rendering turns, knowledge and procedures, and prompt templates. What does not: what is asked (`prompts/`).
Text goes in as JSON whose angle brackets are escaped, so that nothing in it can close the element that holds it.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import polars as pl

from wow_flywheel.dialogue import Message

MAX_UNITS = 5


@dataclass(frozen=True, slots=True)
class KnowledgeIndex:
    """Knowledge units by their words."""

    units: Sequence[tuple[Mapping[str, Any], frozenset[str]]]

    @classmethod
    def of(cls, knowledge: pl.DataFrame) -> "KnowledgeIndex":
        """Index a frame with the columns unit_id, title, content."""
        rows = knowledge.select("unit_id", "title", "content").iter_rows(named=True)
        return cls([(row, _words(f"{row['title']} {row['content']}")) for row in rows])

    def relevant(self, messages: Sequence[Message]) -> str:
        """The `best` units as data; empty if there are none."""
        return "\n".join(map(_escaped, self.best(messages)))

    def best(self, messages: Sequence[Message]) -> list[Mapping[str, Any]]:
        """The few units that share most words with a conversation, for their length."""
        said = _words(" ".join(message.get("content") or "" for message in messages))
        scored = [(len(said & words) / (len(words) + 10), row) for row, words in self.units]
        best = sorted((pair for pair in scored if pair[0] > 0), key=lambda pair: (-pair[0], pair[1]["unit_id"]))
        return [row for _, row in best[:MAX_UNITS]]


def as_data(rows: Sequence[Mapping[str, Any]] | Sequence[Message]) -> str:
    """Rows as JSON, one a line; messages are numbered as turns. `<`, `>` and `&` are escaped."""
    return "\n".join(_escaped(row if "role" not in row or "turn" in row else turn_row(i, row)) for i, row in enumerate(rows))


def turn_row(turn: int, message: Mapping[str, Any] | Message) -> Mapping[str, Any]:
    """A message as the judge sees it: its number, its role, what it says, and its calls."""
    calls = [{"name": call["name"], "arguments": call["arguments"]} for call in message.get("tool_calls") or []]
    row: dict[str, Any] = {"turn": turn, "role": message["role"], "content": message.get("content")}
    return row | ({"calls": calls} if calls else {})


def procedure_steps(procedures: pl.DataFrame, scenario: str) -> list[Mapping[str, Any]]:
    """The steps of a scenario's procedure: reply_id, text, next_reply_id."""
    steps = procedures.filter(pl.col("scenario") == scenario).select("reply_id", "text", "next_reply_id")
    return list(steps.iter_rows(named=True))


def render(package: str, template: str, values: Mapping[str, str]) -> str:
    """Fill a prompt template of `wow_flywheel/<package>/prompts/`."""
    text: str = _templates(package).get_template(template).render(**values)
    return text.strip()


@cache
def _templates(package: str) -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("wow_flywheel", f"{package}/prompts")
    return Environment(loader=loader, autoescape=False, undefined=StrictUndefined, trim_blocks=True)  # noqa: S701 - plain text


def _escaped(row: Mapping[str, Any]) -> str:
    text = json.dumps(row, ensure_ascii=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _words(text: str) -> frozenset[str]:
    chinese = "".join(re.findall(r"[\u4e00-\u9fff]", text))
    return frozenset(re.findall(r"[a-z0-9]{3,}", text.lower())) | {chinese[i : i + 2] for i in range(len(chinese) - 1)}
