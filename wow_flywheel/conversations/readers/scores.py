"""Scores that tools keep beside calls, as feedback of the customer.

What belongs here: what counts as a thumb, a rating or a comment. What does not: where a format keeps its scores.
"""

from typing import Any

from wow_flywheel.conversations.readers.said import Feedback

UP = {
    "up",
    "thumbs_up",
    "thumbs-up",
    "thumbs up",
    "thumbsup",
    "👍",
    "positive",
    "like",
    "liked",
    "good",
    "helpful",
    "yes",
    "true",
}
DOWN = {
    "down", "thumbs_down", "thumbs-down", "thumbs down", "thumbsdown", "👎", "negative", "dislike", "disliked", "bad",
    "unhelpful", "not_helpful", "no", "false",
}  # fmt: skip
RATINGS = ("rating", "star", "csat", "score", "satisfaction")
"""What the name of a number from 1 to 5 holds; another number is a thumb if it is -1, 0 or 1."""


def feedback_of(name: str, value: Any, comment: Any = None) -> Feedback:
    """What one score says: any of thumb, score and comment; empty when it says nothing clear.

    Args:
        name: Of the score.
        value: Text, truth value or number.
        comment: What was written beside it.
    """
    found: Feedback = {}
    if isinstance(value, str):
        found = _label(value)
    elif isinstance(value, bool):
        found = {"thumb": "up" if value else "down"}
    elif isinstance(value, int | float):
        found = _number(name.lower(), value)
    if isinstance(comment, str) and comment.strip():
        found["comment"] = comment
    return found


def _label(value: str) -> Feedback:
    label = value.strip().lower()
    if label in UP:
        return {"thumb": "up"}
    return {"thumb": "down"} if label in DOWN else {}


def _number(name: str, value: float) -> Feedback:
    if any(word in name for word in RATINGS):
        return {"score": value} if 1 <= value <= 5 else {}
    if value in {-1, 0, 1}:
        return {"thumb": "up" if value == 1 else "down"}
    return {}
