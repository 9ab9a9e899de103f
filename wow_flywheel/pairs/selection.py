"""Which of the verified rewrites become a day's pairs: the best of each site, unless the day as a whole would mislead a model.

What belongs here: choosing, exchanging and leaving out, each with its reason. What does not: the numbers (`hygiene`,
`lengths`). In order: unequal lengths, near duplicates, caps; then, while length alone tells the sides apart, pairs that help it
are exchanged for another verified rewrite of the same site, and left out where there is none; then the same for a beginning. A
person's edit is never exchanged for another's words, and left out last.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from typing import Any

from wow_flywheel.pairs import hygiene
from wow_flywheel.pairs.attempt import Attempt, pair_row
from wow_flywheel.pairs.lengths import beyond_chance, telling, told
from wow_flywheel.pairs.limits import PairLimits


@dataclass(slots=True)
class Selection:
    """Verified attempts on their way to pairs.

    Attributes:
        limits: What the day may look like.
        options: Verified attempts by site, the best first.
        chosen: The attempt of each site that is to be a pair.
        left_out: Why other sites have none.
        exchanged: Sites whose best attempt gave way to another.
    """

    limits: PairLimits
    options: Mapping[str, Sequence[Attempt]]
    chosen: dict[str, Attempt]
    left_out: dict[str, str] = field(default_factory=dict)
    exchanged: set[str] = field(default_factory=set)

    def rows(self) -> list[dict[str, Any]]:
        """The pairs so far, as rows, in the order of their ids."""
        return [pair_row(self.chosen[key]) for key in sorted(self.chosen)]

    def leave_out(self, key: str, reason: str) -> None:
        """No pair of this site today."""
        del self.chosen[key]
        self.left_out[key] = reason

    def lengths(self) -> tuple[list[str], list[int], list[int]]:
        """Sites, and the characters of their chosen and rejected sides."""
        keys = sorted(self.chosen)
        return keys, [self.chosen[k].length for k in keys], [self.chosen[k].said_length for k in keys]


def select(options: Mapping[str, Sequence[Attempt]], limits: PairLimits) -> Selection:
    """Choose a day's pairs.

    Args:
        options: Verified attempts by the site's `pair_id`, the best first.
        limits: See there.
    """
    best = {key: _best(found, limits) for key, found in options.items() if found}
    selection = Selection(limits, options, {key: attempt for key, attempt in best.items() if attempt is not None})
    selection.left_out |= {
        key: "one side is too many times as long as the other" for key, found in best.items() if found is None
    }
    for step in (_near_duplicates, _caps, _lengths, _beginnings):
        step(selection)
    return selection


def _best(found: Sequence[Attempt], limits: PairLimits) -> Attempt | None:
    """The first that fits; a person's edit, which comes first, gives way to no other."""
    edits = [attempt for attempt in found if attempt.candidate.source == "person"]
    return next((attempt for attempt in edits or found if _fits(attempt, limits)), None)


def _fits(attempt: Attempt, limits: PairLimits) -> bool:
    ratio = hygiene.length_ratio(attempt.length, attempt.said_length)
    return max(ratio, 1 / ratio) <= limits.length_ratio


def _near_duplicates(selection: Selection) -> None:
    rows = selection.rows()
    found = hygiene.near_duplicates([hygiene.text_of(row) for row in rows], selection.limits.near_duplicate)
    for later, earlier in found.items():
        selection.leave_out(rows[later]["pair_id"], f"nearly the same as {rows[earlier]['pair_id']}")


def _caps(selection: Selection) -> None:
    limits = selection.limits
    caps: tuple[tuple[str, Callable[[dict[str, Any]], str], int], ...] = (
        ("customer", lambda row: str(row["user_id"]), limits.per_user),
        ("template", hygiene.template_of, limits.per_template),
        ("issue type", lambda row: str(row["issue_type"]), limits.per_issue),
    )
    for name, of, most in caps:
        seen: Counter[str] = Counter()
        for row in sorted(selection.rows(), key=lambda row: (row["source"] != "person", _draw(row["pair_id"]))):
            seen[of(row)] += 1
            if seen[of(row)] > most:
                selection.leave_out(row["pair_id"], f"above the cap of {most} for one {name}")


def _lengths(selection: Selection) -> None:
    """Exchange, then leave out, until length alone tells no more than the limit."""
    limits = selection.limits
    for mend in (_exchange_by_length, _leave_out_by_length):
        while selection.chosen:
            keys, chosen, rejected = selection.lengths()
            right = told(chosen, rejected) * len(keys)
            if not beyond_chance(right, len(keys), limits.length_classifier, limits.evidence):
                break
            if not mend(selection, keys, telling(chosen, rejected).tolist()):
                break


def _exchange_by_length(selection: Selection, keys: Sequence[str], help_by: Sequence[int]) -> bool:
    """Exchange some telling pairs' rewrites for such as are longer where these are shorter, or the other way round, or at least
    nearer to the rejected side's length, each once; False if none can be.

    A twentieth at a time: the classifier is asked again in between.
    """
    moves = []
    for key, helps in zip(keys, help_by, strict=True):
        now = selection.chosen[key]
        others = [a for a in selection.options[key] if a.doubts <= now.doubts and _fits(a, selection.limits)]
        other = min(others, key=lambda each: _against(each, now), default=now)
        free = key not in selection.exchanged and now.candidate.source != "person"
        if helps == 2 and free and _against(other, now) < _against(now, now):
            moves.append((_draw(key), key, other))
    for _, key, other in sorted(moves, key=lambda move: move[0])[: max(1, len(keys) // 20)]:
        selection.chosen[key] = other
        selection.exchanged.add(key)
    return bool(moves)


def _against(other: Attempt, now: Attempt) -> tuple[bool, int]:
    """Whether a rewrite leaves the pair unequal in the same direction as now, and by how many characters."""
    difference, before = other.length - other.said_length, now.length - now.said_length
    return difference * before > 0, abs(difference)


def _leave_out_by_length(selection: Selection, keys: Sequence[str], help_by: Sequence[int]) -> bool:
    """Leave out some telling pairs, of the issue type that has most of them; False if there is none."""
    found = [key for key, helps in zip(keys, help_by, strict=True) if helps == 2]
    found = [key for key in found if selection.chosen[key].candidate.source != "person"] or found
    issues = Counter(selection.chosen[key].site.issue_type for key in found)
    found = sorted(found, key=lambda key: (-issues[selection.chosen[key].site.issue_type], _draw(key)))
    for key in found[: max(1, len(keys) // 50)]:
        selection.leave_out(key, "its length would give the chosen side away")
    return bool(found)


def _beginnings(selection: Selection) -> None:
    """Leave out pairs with a telltale beginning until it is no more frequent on one side than the limit lets it be."""
    limits = selection.limits
    while selection.chosen:
        rows = selection.rows()
        gap, telltale = hygiene.prefix_gap(rows, limits.prefix_words)
        if not beyond_chance(gap * len(rows), len(rows), limits.prefix_gap, limits.evidence):
            return
        of = partial(hygiene.telltales, words=limits.prefix_words)
        begins = [(telltale in of(row["chosen"]), telltale in of(row["rejected"]), row) for row in rows]
        chosen = [row for one, other, row in begins if one and not other]
        rejected = [row for one, other, row in begins if other and not one]
        side = chosen if len(chosen) > len(rejected) else rejected
        for row in sorted(side, key=lambda row: (row["source"] == "person", _draw(row["pair_id"])))[: max(1, len(rows) // 50)]:
            selection.leave_out(row["pair_id"], f"its beginning {telltale!r} would give one side away")


def _draw(key: str) -> str:
    return sha256(f"pairs:{key}".encode()).hexdigest()
