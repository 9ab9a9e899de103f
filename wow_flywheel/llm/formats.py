"""Structured output in the dialects that endpoints speak, from strict to plain.

What belongs here: how each dialect is asked for, and reading what comes back. What does not: trying them out (`client`).
"""

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Literal

from pydantic import BaseModel

Dialect = Literal["json_schema", "json_object", "plain"]
DIALECTS: tuple[Dialect, ...] = ("json_schema", "json_object", "plain")
"""From the strictest to the plainest; a client steps down when an endpoint refuses one."""


def response_format(dialect: Dialect, schema: type[BaseModel]) -> dict[str, Any] | None:
    """The `response_format` of a request; None for plain text."""
    if dialect == "json_schema":
        return {
            "type": "json_schema",
            "json_schema": {"name": schema.__name__, "schema": strict_schema(schema), "strict": True},
        }
    if dialect == "json_object":
        return {"type": "json_object", "schema": strict_schema(schema)}
    return None


def with_schema(dialect: Dialect, messages: Sequence[Mapping[str, str]], schema: type[BaseModel]) -> list[dict[str, str]]:
    """The messages, with the schema spelt out at the end of the last one for the dialects that may not enforce it.

    No message is added: some chat templates insist that user and assistant take turns.
    """
    *before, last = [dict(message) for message in messages]
    if dialect == "json_schema":
        return [*before, last]
    text = json.dumps(strict_schema(schema), ensure_ascii=False)
    wish = f"Answer with one JSON object only, which fits this JSON schema:\n{text}"
    return [*before, last | {"content": f"{last['content']}\n\n{wish}"}]


@cache
def strict_schema(schema: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema as strict structured output wants it: every property required, none beyond them."""
    fixed: dict[str, Any] = _strict(schema.model_json_schema())
    return fixed


def json_text(content: str) -> str:
    """The JSON object in an answer: after any thinking aloud, in a code fence, or from the first brace to the last."""
    content = re.sub(r"<think>.*?</think>", "", content, flags=re.DOTALL)
    fenced = re.search(r"```(?:json)?\s*(\{.*\})\s*```", content, re.DOTALL)
    if fenced:
        return fenced[1]
    start, end = content.find("{"), content.rfind("}")
    return content[start : end + 1] if 0 <= start < end else content


def _strict(node: Any) -> Any:
    """Defaults, titles and the docstrings of classes go: a reworded docstring is no other question to the ledger."""
    if isinstance(node, list):
        return [_strict(child) for child in node]
    if not isinstance(node, dict):
        return node
    fixed = {
        key: {name: _strict(child) for name, child in value.items()} if key in {"properties", "$defs"} else _strict(value)
        for key, value in node.items()
        if key not in {"default", "title"} and not (key == "description" and "properties" in node)
    }
    if "properties" in fixed:
        fixed |= {"required": list(fixed["properties"]), "additionalProperties": False}
    return fixed
