"""Actions compared: the right tool with the right arguments, and F1 over the arguments.

What belongs here: when two values are the same JSON value. What does not: which turns need an action (`offline`).
"""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from wow_flywheel.dialogue import Action


def same_action(gold: Action, said: Action | None) -> bool:
    """True if both call the same tool with the same arguments, as JSON sees them: 1 and 1.0 are one, 1 and true are two."""
    return said is not None and said.name == gold.name and _plain(said.arguments) == _plain(gold.arguments)


def slot_f1(pairs: Sequence[tuple[Action, Action | None]]) -> float | None:
    """F1 of the arguments over some turns: 2·TP / (2·TP + FP + FN), a slot being tool, name and value (micro-averaged).

    Args:
        pairs: The right action of a turn, and the one that the model took; None for none.

    Returns:
        From 0 to 1; None if neither side has any argument.
    """
    hits = wrong = missed = 0
    for gold, said in pairs:
        expected, found = _slots(gold), _slots(said)
        hits += (expected & found).total()
        wrong += (found - expected).total()
        missed += (expected - found).total()
    return 2 * hits / (2 * hits + wrong + missed) if hits + wrong + missed else None


def _slots(action: Action | None) -> Counter[tuple[str, str, str]]:
    if action is None:
        return Counter()
    return Counter((action.name, name, _plain(value)) for name, value in action.arguments.items())


def _plain(value: Any) -> str:
    return json.dumps(_whole(value), sort_keys=True, ensure_ascii=False)


def _whole(value: Any) -> Any:
    """The value with whole floats as integers, since JSON knows one kind of number."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _whole(inner) for key, inner in value.items()}
    return [_whole(inner) for inner in value] if isinstance(value, list) else value
