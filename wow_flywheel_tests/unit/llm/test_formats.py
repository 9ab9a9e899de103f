"""How structured output is asked for and read."""

import pytest
from pydantic import BaseModel, Field

from wow_flywheel.llm.formats import is_bare_json, json_text, request_extra, strict_schema, with_schema


class Point(BaseModel):
    """A docstring that must not matter."""

    title: str
    x: int = 3
    note: str | None = Field(default=None, description="why")


class Line(BaseModel):
    points: list[Point]


def test_a_strict_schema_requires_every_property_and_allows_no_other() -> None:
    assert strict_schema(Point) == {
        "type": "object",
        "properties": {
            "title": {"type": "string"},
            "x": {"type": "integer"},
            "note": {"anyOf": [{"type": "string"}, {"type": "null"}], "description": "why"},
        },
        "required": ["title", "x", "note"],
        "additionalProperties": False,
    }


def test_nested_models_are_strict_too() -> None:
    nested = strict_schema(Line)["$defs"]["Point"]
    assert nested["required"] == ["title", "x", "note"]
    assert nested["additionalProperties"] is False


def test_each_dialect_asks_in_its_own_way() -> None:
    schema = strict_schema(Point)
    named = {"name": "Point", "schema": schema, "strict": True}
    assert request_extra("json_schema", Point) == {"response_format": {"type": "json_schema", "json_schema": named}}
    assert request_extra("structured_outputs", Point) == {"structured_outputs": {"json": schema}}
    assert request_extra("guided_json", Point) == {"guided_json": schema}
    assert request_extra("json_object", Point) == {"response_format": {"type": "json_object", "schema": schema}}
    assert request_extra("plain", Point) == {}


@pytest.mark.parametrize(
    ("content", "bare"),
    [('{"a": 1}', True), (' {"a": 1}\n', True), ('<think>so</think>{"a": 1}', True), ("[1]", False), ('So: {"a": 1}', False)],
)
def test_bare_json_is_an_object_and_nothing_else(content: str, bare: bool) -> None:
    assert is_bare_json(content) == bare


def test_only_the_strict_dialect_leaves_the_prompt_alone() -> None:
    asked = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "where?"}]
    assert with_schema("json_schema", asked, Point) == asked
    for dialect in ("structured_outputs", "guided_json", "json_object", "plain"):
        system, user = with_schema(dialect, asked, Point)
        assert system == asked[0]
        assert user["content"].startswith("where?\n\nAnswer with one JSON object only")
        assert '"title"' in user["content"]
    assert asked[1] == {"role": "user", "content": "where?"}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('{"a": 1}', '{"a": 1}'),
        ('Sure!\n```json\n{"a": {"b": 1}}\n```\nBye.', '{"a": {"b": 1}}'),
        ('Here it is: {"a": 1}. Anything else?', '{"a": 1}'),
        ('<think>{"a": 0}?</think>{"a": 1}', '{"a": 1}'),
        ("no object", "no object"),
        ("} {", "} {"),
    ],
)
def test_the_object_is_found_in_what_a_model_says(content: str, expected: str) -> None:
    assert json_text(content) == expected
