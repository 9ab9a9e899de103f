"""The label itself against gold: what share of Good, Bad, Failed and Review is what its name says.

What belongs here: labels by the case rules, with and without the triage's veto, and the table. What does not: scores
(`labels_agreement`), gold (`labels_gold`).

The cuts (`proven`, `unsolved_risk`) were chosen on the known part. The veto of a known conversation comes from a triage that
knew none of its task; that of one kept aside, from a triage that learned from all of the known part, as if people had decided
it.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

import polars as pl

from benchmarks.labels_agreement import task_folds, triage
from benchmarks.labels_gold import Gold, frames
from wow_flywheel.cases.label import CaseRules, label
from wow_flywheel.contracts import DECISIONS, LABELS, TRIAGE
from wow_flywheel.evaluation.intervals import wilson

FIRST: Final = CaseRules(proven=0.0)
"""The case rules as they were in version 1."""
Labels = Mapping[str, str]
Risks = Mapping[str, float]


def labels(name: str, rules: CaseRules | None = None, risks: Risks | None = None) -> dict[str, str]:
    """The label of each conversation of a set by the case rules, without feedback and without decisions."""
    found, told = frames(name), None
    if risks is not None:
        rows = found["conversations"].select("dt", "conversation_id", need_rank=pl.lit(1), trained_on=pl.lit(len(risks)))
        told = TRIAGE.conform(rows.with_columns(unsolved_risk=pl.col("conversation_id").replace_strict(risks, default=None)))
    tables = (found[each] for each in ("conversations", "satisfaction", "inspections", "verdicts"))
    return dict(label(*tables, DECISIONS.empty(), rules, told).select("conversation_id", "label").iter_rows())


def learned_risks(gold: Gold) -> dict[str, float]:
    """The unsolved risk of each conversation with gold, by a triage that did not learn from it."""
    known = gold.where(lambda i: not gold.aside(i))
    kept = gold.where(gold.aside)
    found = dict(zip(kept, triage(gold, known, kept), strict=True))
    for train, test in task_folds(gold, known):
        found |= dict(zip(test, triage(gold, train, test), strict=True))
    return {gold.ids[i]: risk for i, risk in found.items()}


def share(gold: Gold, of: Labels, name: str, *, aside: bool, true: bool) -> tuple[int, int]:
    """Of the conversations with one label and counted gold: how many are true (or false) by gold, and how many there are."""
    rows = gold.where(lambda i: gold.counted[i] and gold.aside(i) == aside and of[gold.ids[i]] == name)
    return sum(gold.truths[i] == true for i in rows), len(rows)


def tables(gold: Gold, name: str, shown: str, *, true: bool, risks: Risks | None = None) -> Iterator[str]:
    """Markdown: one table of a gold.

    Args:
        gold: The truth.
        name: Of the set.
        shown: What the share is of, as printed.
        true: The truth to count: False counts where gold says no, such as not unsolved.
        risks: See `learned_risks`; None shows no veto.
    """
    sides = {"known": False, "kept aside": True}
    base = {side: sum(len_of for _, len_of in _all(gold, labels(name), aside, true)) for side, aside in sides.items()}
    yield f"\n### label × {gold.name}: {shown}\n"
    yield f"| label | {' | '.join(f'{side}: share of {base[side]}' for side in sides)} | known: {shown} | kept aside: {shown} |"
    yield "|---|---|---|---|---|"
    kinds: dict[str, tuple[Labels, Callable[[str], bool]]] = {
        "case rules 1": (labels(name, FIRST), lambda each: each == "good"),
        "": (labels(name), lambda _: True),
    }
    if risks is not None:
        kinds["with the triage's veto"] = (labels(name, risks=risks), lambda each: each in {"good", "review"})
    for title, (found, wanted) in kinds.items():
        for each in filter(wanted, LABELS):
            counts = [share(gold, found, each, aside=aside, true=true) for aside in sides.values()]
            portions = [f"{n / max(1, base[side]):.0%}" for (_, n), side in zip(counts, sides, strict=True)]
            yield f"| {each}{f', {title}' if title else ''} | {' | '.join(portions)} | {' | '.join(map(shown_share, counts))} |"


def _all(gold: Gold, of: Labels, aside: bool, true: bool) -> list[tuple[int, int]]:
    return [share(gold, of, each, aside=aside, true=true) for each in LABELS]


def shown_share(counted: tuple[int, int]) -> str:
    """A share with its counts and its 95 % Wilson interval."""
    found = wilson(*counted)
    if found.value is None or found.low is None or found.high is None:
        return "–"
    return f"{counted[0]}/{counted[1]} = {found.value:.2f} [{found.low:.2f}, {found.high:.2f}]"
