"""Structured output in the dialects that endpoints speak, from strict to plain.

What belongs here: how each dialect is asked for, and reading what comes back. What does not: trying them out (`client`).
"""

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Literal

from pydantic import BaseModel

Dialect = Literal["json_schema", "structured_outputs", "guided_json", "json_object", "plain"]
DIALECTS: tuple[Dialect, ...] = ("json_schema", "structured_outputs", "guided_json", "json_object", "plain")
"""From the strictest to the plainest; a client steps down when an endpoint refuses or ignores one. `structured_outputs` and
`guided_json` are how newer and older vLLM servers, and others after them, are told a grammar."""


def request_extra(dialect: Dialect, schema: type[BaseModel]) -> dict[str, Any]:
    """What a dialect adds to a request's body; nothing for plain text."""
    shape = strict_schema(schema)
    if dialect == "json_schema":
        named = {"name": schema.__name__, "schema": shape, "strict": True}
        return {"response_format": {"type": "json_schema", "json_schema": named}}
    if dialect == "structured_outputs":
        return {"structured_outputs": {"json": shape}}
    if dialect == "guided_json":
        return {"guided_json": shape}
    if dialect == "json_object":
        return {"response_format": {"type": "json_object", "schema": shape}}
    return {}


def is_bare_json(content: str) -> bool:
    """True if an answer is one JSON object and nothing else, thinking aloud aside: what a grammar makes sure of."""
    try:
        return isinstance(json.loads(_unthought(content)), dict)
    except json.JSONDecodeError:
        return False


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
    content = _unthought(content)
    fenced = re.search(r"```(?:json)?\s*(\{.*\})\s*```", content, re.DOTALL)
    if fenced:
        return fenced[1]
    start, end = content.find("{"), content.rfind("}")
    return content[start : end + 1] if 0 <= start < end else content


def _unthought(content: str) -> str:
    return re.sub(r"<think>.*?</think>", "", content, flags=re.DOTALL) if "<think>" in content else content


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
