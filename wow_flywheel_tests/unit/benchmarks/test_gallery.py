"""The gallery of findings: ten of them, each with its quote in its turn, the same each time."""

import re

import pytest

from benchmarks.labels_gallery import SHOWN, lines, said


@pytest.fixture(scope="module")
def text() -> str:
    return "\n".join(lines())


def test_ten_findings_each_with_its_quote_marked_in_its_turn(text: str) -> None:
    head, *findings = re.split(r"^## \d+\. ", text, flags=re.MULTILINE)
    assert head.startswith("# Ten findings")
    assert len(findings) == SHOWN == 10
    for finding in findings:
        marked = [line for line in finding.splitlines() if line.startswith("▶")]
        assert len(marked) == 1
        assert re.fullmatch(r"▶ +\d+ assistant .*«.+».*", marked[0])
        assert finding.count("- **Label:** ") == 1
    decisions = re.findall(r"→ \*\*(\w+)\*\*", text)
    assert {"accepted", "unresolved"} <= set(decisions)
    assert len({finding.split(",")[0] for finding in findings}) >= 5


def test_equal_seeds_show_the_same(text: str) -> None:
    assert "\n".join(lines()) == text


def test_a_turn_is_shown_on_one_line_with_its_calls() -> None:
    message = {"role": "assistant", "content": "One\n moment.", "tool_calls": [{"id": "1", "name": "look", "arguments": "{}"}]}
    assert said(message) == "One moment. look({})"
