"""The panel behind an endpoint against gold: evidence alone, with the panel, and the triage, on the part kept aside.

What belongs here: which conversations are heard, agreement with people, and what became of the labels. What does not: what the
panel's answers and claims came to (`labels_panel_counts`), the gold (`labels_gold`).

The endpoint is the one of the settings; all chosen conversations are heard, whatever the cascade would choose. The first ones
in the order of a hash are taken, so that a longer run hears those of a shorter one again, from the ledger, and a second one
asks nothing. With `WOW_BENCHMARK_CONVERSATIONS` one says how many of each set: `40`, or `star=40,tau=5`; 0 leaves a set out.
"""

import os
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import polars as pl

from benchmarks.labels_agreement import shown, triage
from benchmarks.labels_gold import SHARED, Gold, frames, low_satisfaction, not_achieved, not_solved
from benchmarks.labels_panel_counts import counted
from wow_flywheel.cases.label import label
from wow_flywheel.contracts import CONVERSATIONS, DECISIONS
from wow_flywheel.inspection.calibration.agreement import auroc, kappa_above, measured
from wow_flywheel.inspection.cascade import estimated
from wow_flywheel.inspection.run import Inspection, inspect
from wow_flywheel.inspection.transcript import as_data
from wow_flywheel.knowledge.load import load_knowledge, load_procedures

if TYPE_CHECKING:
    from wow_flywheel.inspection.panel import Panel

QUESTIONS: Final = {"star": (low_satisfaction, not_achieved), "tau": (not_solved,)}
SETS: Final = tuple(QUESTIONS)
EACH: Final = 40
VARIABLE: Final = "WOW_BENCHMARK_CONVERSATIONS"
UNSET: Final = (
    "No endpoint is set: export WOW_LLM_BASE_URL and WOW_LLM_MODEL (and WOW_LLM_API_KEY where it wants one), then run this "
    "part again. Answers are kept under WOW_LAKE_URI."
)
SAYS: Final[Mapping[str, Mapping[str, bool]]] = {
    "unsolved": {"good": False, "bad": False, "failed": True},
    "dissatisfied": {"good": False, "bad": True},
}
"""What a label says of a question; the labels left out say nothing of it. Bad says dissatisfied, though a severe finding alone
can make it."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A set's conversations before the panel.

    Attributes:
        keys: Those heard, in the order of the hash.
        done: What the panel found.
        scores: solved_score and satisfied_score of each, with the panel.
        before: The label of each by evidence alone.
        after: The same with the panel.
    """

    keys: Sequence[str]
    done: Inspection
    scores: Mapping[str, Mapping[str, float]]
    before: Mapping[str, str]
    after: Mapping[str, str]


def tables() -> Iterator[str]:
    """Markdown: agreement by question, what became of the labels, and the counts of each set."""
    panel = _panel()
    if panel is None:
        yield UNSET
        return
    sizes = sizes_of(os.environ.get(VARIABLE, ""))
    golds = {name: [gold() for gold in QUESTIONS[name]] for name in SETS if sizes[name]}
    chosen = {name: [(gold, first(gold, sizes[name])) for gold in of] for name, of in golds.items()}
    heard = {name: hear(name, panel, [gold.ids[i] for gold, rows in of for i in rows]) for name, of in chosen.items()}
    yield f"\n### Agreement with people, {panel.client.settings.model}\n"
    yield "| question | conversations (positive) | inspector | AUROC | Cohen's κ |"
    yield "|---|---|---|---|---|"
    for name, of in chosen.items():
        for gold, rows in of:
            yield from agreement(gold, rows, heard[name])
    yield "\n### Labels that the panel changed\n"
    yield "| question | from → to | conversations | towards gold | away from gold | gold silent or no difference |"
    yield "|---|---|---|---|---|---|"
    for name, of in chosen.items():
        for gold, rows in of:
            yield from changes(gold, rows, heard[name].before, heard[name].after)
    for name, found in heard.items():
        yield from counted(name, found.keys, found.done)


def sizes_of(text: str) -> dict[str, int]:
    """How many conversations of each set: `40`, or `star=40,tau=5`, with the default for a set that is not named.

    Raises:
        SystemExit: It says neither.
    """
    if re.fullmatch(r"\d*", text.strip()):
        return dict.fromkeys(SETS, int(text) if text.strip() else EACH)
    pairs = [part.strip().partition("=") for part in text.split(",")]
    if any(name not in SETS or not count.isdecimal() for name, _, count in pairs):
        raise SystemExit(f"{VARIABLE}={text!r} is neither a number nor like {','.join(f'{name}={EACH}' for name in SETS)}")
    return dict.fromkeys(SETS, EACH) | {name: int(count) for name, _, count in pairs}


def first(gold: Gold, size: int) -> list[int]:
    """The first rows of the part kept aside, in the order of a hash of their ids."""
    kept = gold.where(lambda i: gold.aside(i) and gold.counted[i])
    return sorted(kept, key=lambda i: sha256(f"panel {gold.ids[i]}".encode()).hexdigest())[:size]


def hear(name: str, panel: "Panel", wanted: Sequence[str]) -> Heard:
    """Hear conversations of a set; what is planned is said on standard error before the first call."""
    keys, found = list(dict.fromkeys(wanted)), frames(name)
    order = {key: place for place, key in enumerate(keys)}
    rows = found["conversations"].filter(pl.col("conversation_id").is_in(keys))
    rows = CONVERSATIONS.conform(rows.sort(pl.col("conversation_id").replace_strict(order, default=None)))
    tokens = sum(estimated(as_data(messages), panel.client.settings).tokens for messages in rows["messages"].to_list())
    print(f"{name}: {len(keys)} conversations, about {tokens} tokens", file=sys.stderr, flush=True)
    done = inspect(
        rows,
        rule_findings=_of(found["findings"], keys),
        satisfaction=_of(found["satisfaction"], keys),
        knowledge=load_knowledge(str(SHARED / name / "knowledge")),
        procedures=load_procedures(str(SHARED / name / "policies.jsonl.gz")),
        panel=panel,
    )
    scores = {row["conversation_id"]: row for row in done.verdicts.iter_rows(named=True)}
    return Heard(keys, done, scores, _labels(found, keys), _labels(_with(found, done, keys), keys))


def agreement(gold: Gold, rows: Sequence[int], heard: Heard) -> Iterator[str]:
    """AUROC and κ of evidence, panel and triage; κ as in `labels_agreement`: as many are called positive as there are."""
    truths = [gold.truths[i] for i in rows]
    column = "satisfied_score" if gold.target == "dissatisfied" else "solved_score"
    scores = {
        "evidence alone": [gold.evidence[i] for i in rows],
        "with the panel": [1 - heard.scores[gold.ids[i]][column] for i in rows],
        "triage": triage(gold, gold.where(lambda i: not gold.aside(i)), list(rows)),
    }
    for inspector, each in scores.items():
        cut = sorted(each, reverse=True)[max(0, sum(truths) - 1)]
        cells = [shown(measured(measure, each, truths)) for measure in (auroc, kappa_above(cut))]
        yield f"| {gold.name} | {len(rows)} ({sum(truths)}) | {inspector} | {' | '.join(cells)} |"


def changes(gold: Gold, rows: Sequence[int], before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    """A row for each way in which labels changed, and one for all."""
    steps: dict[tuple[str, str], Counter[int]] = {}
    for i in rows:
        old, new = before[gold.ids[i]], after[gold.ids[i]]
        if old != new:
            step = value(gold, new, gold.truths[i]) - value(gold, old, gold.truths[i])
            steps.setdefault((old, new), Counter())[(step > 0) - (step < 0)] += 1
    total: Counter[int] = sum(steps.values(), Counter())
    shares = {f"{old} → {new}": each for (old, new), each in sorted(steps.items())}
    for title, each in (shares | {f"all, of {len(rows)}": total}).items():
        yield f"| {gold.name} | {title} | {each.total()} | {each[1]} | {each[-1]} | {each[0]} |"


def value(gold: Gold, of: str, truth: bool) -> int:
    """1 for a label that says what is true, -1 for one that says what is not, 0 for one that says nothing of it."""
    says = SAYS[gold.target].get(of)
    return 0 if says is None else 1 if says == truth else -1


def _panel() -> "Panel | None":
    from wow_flywheel.defs.resources import Flywheel

    panel = Flywheel().panel()
    return None if panel is None else replace(panel, cascade=None)


def _of(frame: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    return frame.filter(pl.col("conversation_id").is_in(keys))


def _with(found: Mapping[str, pl.DataFrame], done: Inspection, keys: Sequence[str]) -> dict[str, pl.DataFrame]:
    """The set's tables with the panel's rows in the place of those of the conversations that it heard."""
    fresh = {"inspections": done.inspections, "verdicts": done.verdicts}
    old = {name: found[name].filter(~pl.col("conversation_id").is_in(keys)) for name in fresh}
    return {**found, **{name: pl.concat([old[name], fresh[name]]) for name in fresh}}


def _labels(found: Mapping[str, pl.DataFrame], keys: Sequence[str]) -> dict[str, str]:
    tables = (found[each] for each in ("conversations", "satisfaction", "inspections", "verdicts"))
    labels = dict(label(*tables, DECISIONS.empty()).select("conversation_id", "label").iter_rows())
    return {key: labels[key] for key in keys}
