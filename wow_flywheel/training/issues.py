"""Issue types of preference pairs: which pairs a run sees and how often, and how well each type is learnt.

What belongs here: filter, weights, statistics by issue type. What does not: the loss (TRL), where pairs come from (`pairs`).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from wow_flywheel.errors import TrainingError
from wow_flywheel.training.rows import Pair

UNNAMED = "unnamed"
"""The issue type of a pair that names none."""


def issue_of(pair: Pair) -> str:
    """Its issue type."""
    return pair.issue_type or UNNAMED


def of_types(pairs: Sequence[Pair], wanted: str) -> list[Pair]:
    """The pairs of some issue types.

    Args:
        pairs: All pairs of the file.
        wanted: Issue types separated by commas; empty keeps all.

    Raises:
        TrainingError: A type has no pair.
    """
    types = [name.strip() for name in wanted.split(",") if name.strip()]
    _all_there("issue_types", types, pairs)
    return [pair for pair in pairs if not types or issue_of(pair) in types]


def weights_of(pairs: Sequence[Pair], setting: str) -> list[float] | None:
    """How often each pair is seen in an epoch; None if all are seen once.

    Args:
        pairs: The pairs of the run.
        setting: `type=weight`, separated by commas.

    Raises:
        TrainingError: The setting is malformed, a type has no pair, or nothing has a weight.
    """
    if not setting.strip():
        return None
    weights = dict(_weight(part) for part in setting.split(","))
    _all_there("issue_weights", weights, pairs)
    found = [weights.get(issue_of(pair), 1.0) for pair in pairs]
    if not sum(found):
        raise TrainingError(f"issue_weights={setting!r} leaves no pair", hint="give some issue type a weight above 0")
    return found


def _weight(part: str) -> tuple[str, float]:
    name, separator, text = part.partition("=")
    try:
        weight = float(text)
    except ValueError:
        weight = -1.0
    if not separator or not name.strip() or not 0 <= weight <= 100:
        raise TrainingError(
            f"issue_weights: {part.strip()!r} is not type=weight, weight from 0 to 100",
            hint="write it like repetition=2,incorrect=0.5",
        )
    return name.strip(), weight


def _all_there(setting: str, names: Iterable[str], pairs: Sequence[Pair]) -> None:
    there = {issue_of(pair) for pair in pairs}
    if absent := sorted(set(names) - there):
        raise TrainingError(
            f"{setting}: no pair is of type {', '.join(absent)}", hint=f"the pairs' types are {', '.join(sorted(there))}"
        )


@dataclass(slots=True)
class IssueStatistics:
    """Sums over the pairs seen since they were last taken.

    Attributes:
        sums: By issue type: pairs, margins, pairs whose chosen answer has the greater reward, nats by which the chosen answer
            became less likely than under the reference, tokens of chosen answers.
    """

    sums: dict[str, list[float]] = field(default_factory=lambda: defaultdict(lambda: [0.0] * 5))

    def add(self, issue: str, margin: float, drop: float, tokens: int) -> None:
        """Count one pair."""
        for at, value in enumerate((1.0, margin, float(margin > 0), drop, float(tokens))):
            self.sums[issue][at] += value

    def take(self) -> dict[str, list[float]]:
        """The sums, which begin anew."""
        taken = {issue: list(values) for issue, values in self.sums.items()}
        self.sums.clear()
        return taken


def issue_logs(parts: Iterable[dict[str, list[float]]]) -> dict[str, float]:
    """What the processes of a run have counted, as logs.

    Returns:
        `rewards/margins/<type>` and `rewards/accuracies/<type>` as means over pairs, and `logps/chosen_drop` in nats per token
        over all types.
    """
    total: dict[str, list[float]] = {}
    for part in parts:
        for issue, values in part.items():
            total[issue] = [a + b for a, b in zip(total.get(issue, [0.0] * 5), values, strict=True)]
    logs: dict[str, float] = {}
    for issue, (count, margin, right, _, _) in sorted(total.items()):
        logs[f"rewards/margins/{issue}"] = margin / count
        logs[f"rewards/accuracies/{issue}"] = right / count
    if tokens := sum(values[4] for values in total.values()):
        logs["logps/chosen_drop"] = sum(values[3] for values in total.values()) / tokens
    return logs
