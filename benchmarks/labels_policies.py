"""Policy recognition on STAR and tau, the scenario field hidden from the recogniser.

What belongs here: the splits and the tables. What does not: recognising (`wow_flywheel.policies`).
"""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any

from benchmarks.labels_gold import SHARED, answers, frames
from wow_flywheel.evaluation.intervals import wilson
from wow_flywheel.policies.apply import SURE
from wow_flywheel.policies.recognise import LEAST, Recogniser
from wow_flywheel.policies.units import Policy, load_policies

Row = dict[str, Any]
MULTI = "multi"


def tables() -> Iterator[str]:
    """Markdown: top-1 accuracy by what the recogniser may know and see."""
    for name in ("star", "tau"):
        path = SHARED / name / ("policies.jsonl.gz" if name == "star" else "policies")
        policies = load_policies(str(path))
        rows = frames(name)["conversations"].select("conversation_id", "scenario", "messages").to_dicts()
        governed = {scenario for policy in policies for scenario in policy.scenarios}
        single = [row for row in rows if row["scenario"] in governed]
        known, kept = [r for r in single if not _aside(r)], [r for r in single if _aside(r)]
        yield f"\n### {name}: {len(governed)} scenarios, {len(known)} known conversations, {len(kept)} kept aside\n"
        yield "| what it knows | what it sees | top-1, kept aside | top-3, kept aside |"
        yield "|---|---|---|---|"
        for knows, history in (("policies' text alone", []), ("policies and known conversations", known)):
            for sees, hide in (("words and tool calls", False), ("words alone", True)):
                fitted = _fitted(policies, history, hide=hide)
                ranked = [sorted(s, key=lambda k, s=s: -s[k]) for s in fitted.scores([_shown(r, hide=hide) for r in kept])]
                hits = [[r["scenario"] in names[:k] for r, names in zip(kept, ranked, strict=True)] for k in (1, 3)]
                cells = [_share(sum(each), len(kept)) for each in hits]
                yield f"| {knows} | {sees} | {cells[0]} | {cells[1]} |"
        yield from _sure(policies, known, kept)
        if name == "star":
            yield from _several(policies, known, [row for row in rows if row["scenario"] == MULTI])


def _sure(policies: Sequence[Policy], known: Sequence[Row], kept: Sequence[Row]) -> Iterator[str]:
    """How many are sure enough to stand in for a scenario that the log does not name, and how many of those are right."""
    for knows, history in (("the policies' text alone", []), ("known conversations as well", known)):
        scores = _fitted(policies, history, hide=False).within([row["messages"] for row in kept])
        best = [(row["scenario"], max(each.items(), key=lambda item: item[1])) for row, each in zip(kept, scores, strict=True)]
        sure = [true == name for true, (name, confidence) in best if confidence >= SURE]
        yield f"\nWith {knows}, {_share(len(sure), len(kept))} are recognised with a confidence of {SURE} or more;"
        yield f"{_share(sum(sure), len(sure))} of these are right."


def _several(policies: Sequence[Policy], known: Sequence[Row], rows: Sequence[Row]) -> Iterator[str]:
    """Conversations of several tasks: whether the best scenario is one of them, and how many of them are named."""
    gold = answers("star")
    best = right = named = total = said = 0
    fitted = _fitted(policies, known, hide=False)
    for row, scores in zip(rows, fitted.within([r["messages"] for r in rows]), strict=True):
        tasks = set(gold[row["conversation_id"]]["tasks"])
        top = max(scores, key=lambda k, s=scores: s[k])
        taken = {k for k, v in scores.items() if v >= LEAST} | {top}
        best, right, named = best + (top in tasks), right + len(taken & tasks), named + len(taken)
        total, said = total + len(tasks), said + 1
    yield f"\nConversations of several tasks (`multi`, none in training): the best is one of them in {_share(best, said)};"
    yield f"with all from a confidence of {LEAST} on, {_share(right, named)} of those named are right,"
    yield f"and {_share(right, total)} of the tasks are named."


def _fitted(policies: Sequence[Policy], history: Sequence[Row], *, hide: bool) -> Recogniser:
    return Recogniser(policies).fit([_shown(row, hide=hide) for row in history], [row["scenario"] for row in history])


def _shown(row: Row, *, hide: bool) -> list[Any]:
    return [{**m, "tool_calls": None} for m in row["messages"]] if hide else row["messages"]


def _share(right: int, of: int) -> str:
    found = wilson(right, of)
    return "–" if found.value is None else f"{found.value:.1%} [{found.low:.1%}, {found.high:.1%}]"


def _aside(row: Row) -> bool:
    return int(sha256(f"lock{row['conversation_id']}".encode()).hexdigest()[:8], 16) % 5 == 0
