"""The page on formats says what the code does."""

import re
from pathlib import Path

from wow_flywheel.conversations.readers.provenance import IGNORED
from wow_flywheel.conversations.readers.registry import READERS

PAGE = (Path(__file__).parents[4] / "docs" / "formats.md").read_text(encoding="utf-8")


def test_every_reason_and_every_format_is_explained() -> None:
    assert dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|$", PAGE, re.MULTILINE)) == IGNORED
    assert set(re.findall(r"^\| `(\w+)` \| .+\|.+\|.+\|$", PAGE, re.MULTILINE)) == set(READERS)


def test_the_example_reader_reads_its_rows() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    module: dict[str, object] = {}
    exec(compile(example, "formats.md", "exec"), module)  # noqa: S102
    row = {"id": 1, "asked_at": "2026-11-05T08:00:00Z", "prompt": [{"role": "user", "content": "Hi"}], "answer": "Hello!"}
    found = module["read"]([(0, row), (1, {})])  # type: ignore[operator]
    assert [message["content"] for message in found.records[0]["messages"]] == ["Hi", "Hello!"]
    assert (found.sources, found.ignored) == ([(0,)], {1: "unknown_document"})
