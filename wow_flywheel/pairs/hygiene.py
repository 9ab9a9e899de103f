"""What might teach a model the wrong thing about a day's pairs, as numbers: lengths, beginnings, repeats, caps, balance.

What belongs here: measuring, and holding the numbers against the limits. What does not: mending (`selection`).
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log
from typing import Any

import numpy as np
import polars as pl

from wow_flywheel.dialogue import DialogueAction
from wow_flywheel.pairs.candidates import heard_as
from wow_flywheel.pairs.lengths import beyond_chance, told, told_by_pair, told_by_threshold
from wow_flywheel.pairs.limits import CheckName, PairLimits

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """One number against its limit.

    Attributes:
        check: The check's name.
        passed: Whether it is within the limit.
        value: The number.
        sentence: The number and what it is of, in words.
    """

    check: CheckName
    passed: bool
    value: float
    sentence: str


def findings(pairs: pl.DataFrame, bad_cases: Mapping[str, int], limits: PairLimits) -> list[Finding]:
    """Every number of a day's pairs, held against its limit.

    Args:
        pairs: Contract `preference_pairs`, one day.
        bad_cases: Bad Cases of the day by language.
        limits: See there.
    """
    rows = pairs.sort("pair_id").to_dicts()
    enough = len(rows) >= limits.evidence
    few = "" if enough else f"; not judged below {limits.evidence} pairs"
    repeats = len(near_duplicates([text_of(row) for row in rows], limits.near_duplicate))
    over = sum(over_caps(rows, limits).values())
    issue, share = largest(Counter(row["issue_type"] for row in rows))
    language, kept = least_kept(Counter(language_of(row["locale"], row["prompt"]) for row in rows), bad_cases)
    return [
        *side_findings(rows, limits),
        Finding("no_near_duplicates", repeats == 0, repeats, f"{repeats} of {len(rows)} pairs nearly repeat an earlier one"),
        Finding("within_caps", over == 0, over, f"{over} pairs are above the caps of customer, template and issue type"),
        Finding("issue_types_balanced", not enough or share <= limits.issue_share, share, f"{share:.1%} are of {issue}{few}"),
        Finding("languages_balanced", not enough or kept >= limits.language_share, kept,
                f"{language} keeps {kept:.1%} of its share of the Bad Cases{few}"),
    ]  # fmt: skip


def side_findings(rows: Sequence[Row], limits: PairLimits) -> list[Finding]:
    """What might tell the two sides of some pairs apart, whatever day they are of.

    Args:
        rows: chosen and rejected, as JSON.
        limits: See there; below its `evidence` shares fail only beyond chance.
    """
    weak = "" if len(rows) >= limits.evidence else f"; not judged below {limits.evidence} pairs unless beyond chance"
    chosen, rejected = ([len(row[side]) for row in rows] for side in ("chosen", "rejected"))
    same = sum(same_when_heard(row["chosen"], row["rejected"]) for row in rows)
    ratios = [length_ratio(*sides) for sides in zip(chosen, rejected, strict=True)]
    worst, mean = max(map(_apart, ratios), default=1.0), exp(sum(map(log, ratios)) / max(len(ratios), 1))
    by_length, parts = told(chosen, rejected), _parts(chosen, rejected)
    gap, words = prefix_gap(rows, limits.prefix_words)

    def above(share: float, limit: float) -> bool:
        return beyond_chance(share * len(rows), len(rows), limit, limits.evidence)

    return [
        Finding("chosen_differs_from_rejected", same == 0, same, f"in {same} of {len(rows)} pairs both sides sound alike"),
        Finding("length_ratio_bounded", worst <= limits.length_ratio, worst,
                f"the most unequal pair differs {worst:.2f} times in length; chosen is {mean:.2f} times as long on average"),
        Finding("length_does_not_tell", not above(by_length, limits.length_classifier), by_length,
                f"length alone tells chosen from rejected with {by_length:.1%} ({parts}){weak}"),
        Finding("no_telltale_prefix", not above(gap, limits.prefix_gap), gap,
                f"{words!r} begins one side {gap:.1%} of pairs more often than the other{weak}"),
    ]  # fmt: skip


def same_when_heard(chosen: str, rejected: str) -> bool:
    """True if two outputs, as JSON, differ in nothing that is heard or done."""
    sides = [DialogueAction.from_json(text) for text in (chosen, rejected)]
    return chosen == rejected or (None not in sides and len({heard_as(side) for side in sides if side}) == 1)


def length_ratio(chosen: int, rejected: int) -> float:
    """Length of the chosen side as a multiple of the rejected side's, in characters of their JSON."""
    return chosen / max(rejected, 1)


def beginning(output: str, words: int) -> str:
    """The first words of what an output says; the tool's name where it only acts; empty where it says fewer."""
    parsed = DialogueAction.from_json(output)
    if parsed is None or not parsed.reply:
        return f"→{parsed.action.name}" if parsed and parsed.action else ""
    found = re.findall(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+", parsed.reply.lower())
    return " ".join(found[:words]) if len(found) >= words else ""


def shape(output: str) -> str:
    """What the raw JSON holds, in its own order: the keys that are not empty. `{thought, reply}`, `{action}`."""
    try:
        parsed = json.loads(output)
    except ValueError:
        return "{}"
    filled = [key for key, value in parsed.items() if value not in (None, "", [])] if isinstance(parsed, dict) else []
    return "{" + ", ".join(filled) + "}"


def telltales(output: str, words: int) -> frozenset[str]:
    """What an output might be told by: its first words, and the keys of its JSON."""
    return frozenset({beginning(output, words), shape(output)})


def prefix_gap(rows: Sequence[Row], words: int) -> tuple[float, str]:
    """The beginning, of the reply or of the raw JSON, whose share among chosen and among rejected sides differs most: the
    difference, and the beginning.

    What both sides of a pair begin with does not count: it gives nothing away. Nor do bare actions, which are no script.
    """
    balance: Counter[str] = Counter()
    for row in rows:
        chosen, rejected = (telltales(row[side], words) for side in ("chosen", "rejected"))
        balance.update(chosen - rejected)
        balance.subtract(rejected - chosen)
    spoken = {text: count for text, count in balance.items() if text and not text.startswith("→")}
    if not spoken:
        return 0.0, ""
    text = min(spoken, key=lambda each: (-abs(spoken[each]), each))
    return abs(spoken[text]) / len(rows), text


def text_of(row: Row) -> str:
    """All that a pair is, as one text: the prompt's words, calls and results, and both sides."""
    said = [f"\n{m['role']}: {m['content'] or ''} {[c['arguments'] for c in m['tool_calls'] or []]}" for m in row["prompt"]]
    return "".join([*said, "\n+", row["chosen"], "\n-", row["rejected"]])


def near_duplicates(texts: Sequence[str], threshold: float) -> dict[int, int]:
    """Which texts are near an earlier one: place by place, of estimated Jaccard similarity of their shingles at or above it."""
    from wow_flywheel.conversations.duplicates.fingerprints import bands_of, signatures
    from wow_flywheel.conversations.duplicates.near import near_within

    if len(texts) < 2:
        return {}
    rows, spoken = signatures(pl.Series([f"\n{text}" for text in texts], dtype=pl.String))
    places = np.flatnonzero(spoken)
    frame = pl.DataFrame({"bands": bands_of(rows[places]).tolist(), "signature": [row.tobytes() for row in rows[places]]})
    found = near_within(frame, threshold) if places.size > 1 else None
    return {} if found is None else {int(places[row]): int(places[of]) for row, of, _ in found.iter_rows()}


def template_of(row: Row) -> str:
    """Both sides with their numbers masked: one script against another."""
    return re.sub(r"\d+(?:[.,]\d+)*", "0", f"{row['chosen']}\n{row['rejected']}")


def over_caps(rows: Sequence[Row], limits: PairLimits) -> dict[str, int]:
    """How many pairs are above each cap."""
    keys = {"customer": [r["user_id"] for r in rows], "template": list(map(template_of, rows)),
            "issue type": [r["issue_type"] for r in rows]}  # fmt: skip
    most = {"customer": limits.per_user, "template": limits.per_template, "issue type": limits.per_issue}
    return {name: sum(max(0, count - most[name]) for count in Counter(values).values()) for name, values in keys.items()}


def language_of(locale: str | None, messages: Iterable[Mapping[str, Any]]) -> str:
    """The language of a conversation: its locale's, else by the script that the customer writes."""
    if locale:
        return re.split(r"[-_]", locale)[0].lower()
    said = "".join(m.get("content") or "" for m in messages if m["role"] == "user")
    return "zh" if re.search(r"[\u3400-\u9fff]", said) else "unknown"


def largest(counts: Mapping[str, int]) -> tuple[str, float]:
    """The name that has most, and its share; empty and 0 where nothing is counted."""
    if not counts:
        return "", 0.0
    name = min(counts, key=lambda each: (-counts[each], each))
    return name, counts[name] / sum(counts.values())


def least_kept(pairs: Mapping[str, int], bad_cases: Mapping[str, int]) -> tuple[str, float]:
    """The language whose share among pairs falls most behind its share among Bad Cases; languages below 5 % are not judged."""
    total, made = sum(bad_cases.values()), sum(pairs.values())
    common = {name: count / total for name, count in bad_cases.items() if count >= 0.05 * total}
    if not common or not made:
        return "", 1.0
    kept = {name: pairs.get(name, 0) / made / share for name, share in common.items()}
    name = min(kept, key=lambda each: (kept[each], each))
    return name, kept[name]


def _apart(ratio: float) -> float:
    return max(ratio, 1 / ratio)


def _parts(chosen: Sequence[int], rejected: Sequence[int]) -> str:
    if not chosen:
        return "no pairs"
    return f"{told_by_pair(chosen, rejected):.1%} by pair, {told_by_threshold(chosen, rejected):.1%} by a threshold"
