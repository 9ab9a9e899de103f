"""A lake of Good and Bad Cases without pairs, for the tests of labelled replies."""

from pathlib import Path
from typing import Any

from wow_flywheel.conversations.duplicates.fingerprints import fingerprints
from wow_flywheel.datasets.split import split_of
from wow_flywheel.lake import Lake
from wow_flywheel_tests.unit.cases.rows import DAY, claim, inspections
from wow_flywheel_tests.unit.datasets.good_cases import conversation, conversations, labels
from wow_flywheel_tests.unit.datasets.test_leaks import talk, words
from wow_flywheel_tests.unit.inspection.talk import agent, user

TRAINED_ON = [name for name in (f"customer-{number}" for number in range(60)) if split_of(name) == "train"]
"""Customers on the training side."""
ISSUES = ("hallucination", "poor_empathy")


def good_talks(count: int = 12) -> list[dict[str, Any]]:
    """Good Cases `g0`, `g1`, … of the first customers."""
    return [talk(f"g{number}", TRAINED_ON[number]) for number in range(count)]


def bad_talk(name: str, user_id: str, text: str | None = None) -> dict[str, Any]:
    """A conversation whose second message is where it went wrong."""
    said = [user(text or words(name)), agent(f"No. {words(name, 4)}"), user("Why?"), agent("Well.")]
    return conversation(name, user_id, said)


def bad_talks(count: int = 12) -> list[dict[str, Any]]:
    """Bad Cases `b0`, `b1`, … of the customers after those of the Good Cases."""
    return [bad_talk(f"b{number}", TRAINED_ON[12 + number]) for number in range(count)]


def filled(root: Path, good: list[dict[str, Any]], bad: list[dict[str, Any]]) -> Lake:
    """A lake with these cases, an accepted finding at the second message of each bad one."""
    lake = Lake(str(root / "lake"))
    talks = conversations(*good, *bad)
    lake.replace("conversations", talks, DAY)
    lake.replace("fingerprints", fingerprints(talks), DAY)
    cases = labels("good", *good)
    lake.replace("cases", cases.vstack(labels("bad", *bad)) if bad else cases, DAY)
    found = [claim(ISSUES[i % 2], "major", 1, conversation_id=row["conversation_id"]) for i, row in enumerate(bad)]
    lake.replace("inspections", inspections(*found), DAY)
    return lake
