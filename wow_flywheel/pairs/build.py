"""Builds a day's preference pairs: sites → candidates → checks → blind re-inspection → selection, with every candidate kept.

What belongs here: the order of the steps and the two tables. What does not: each step's own work.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from wow_flywheel.dialogue import DialogueAction
from wow_flywheel.inspection.panel import Panel
from wow_flywheel.inspection.transcript import KnowledgeIndex
from wow_flywheel.llm.client import LlmClient
from wow_flywheel.pairs.attempt import PASSED, Attempt, pair_row, tables
from wow_flywheel.pairs.borrowed import words_of
from wow_flywheel.pairs.candidates import Candidate, GoodCases, procedure_candidates, sorted_out
from wow_flywheel.pairs.edits import edit_candidates, latest
from wow_flywheel.pairs.limits import PairLimits
from wow_flywheel.pairs.rewrite import Rewrites, Sampling, rewrite
from wow_flywheel.pairs.screen import Screen, public_texts
from wow_flywheel.pairs.selection import select
from wow_flywheel.pairs.sites import Site, find_sites
from wow_flywheel.pairs.verify import Standards, Verifier

Samples = Mapping[str, Sequence[DialogueAction]]
RANK: Final = {"person": 0, "policy": 2}
"""Which source is asked, and taken, before others: between these the endpoint's, the Good Cases' and the procedure's."""
UNTRIED: Final = frozenset({"malformed", "same as said", "same as another", "over the cap"})
"""Stages of candidates that were set aside before any check."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """A day's rewriting.

    Attributes:
        candidates: Contract `rewrite_candidates`: all that were tried, with the reason that decided each.
        pairs: Contract `preference_pairs`.
        counts: bad_cases, sites, sites_without_candidate, candidates, pairs, endpoint_failures, verified (sites
            with a rewrite that passed every check), left_out (of these, by the selection).
    """

    candidates: pl.DataFrame
    pairs: pl.DataFrame
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Sources:
    """Where candidates come from beside Good Cases and procedures.

    Attributes:
        edits: What people wrote, contract `rewrite_edits`; None for nothing.
        samples: The policy model's own outputs by `pair_id`, see `self_samples`.
        malformed: What it said there that is no valid output, by `pair_id`: kept as refused candidates.
        client: The endpoint that rewrites and re-inspects, if one is configured.
        sampling: How the endpoint is asked.
    """

    edits: pl.DataFrame | None = None
    samples: Samples | None = None
    malformed: Mapping[str, Sequence[str]] | None = None
    client: LlmClient | None = None
    sampling: Sampling | None = None


def build_pairs(
    cases: pl.DataFrame,
    conversations: pl.DataFrame,
    inspections: pl.DataFrame,
    pool: pl.DataFrame,
    knowledge: pl.DataFrame,
    procedures: pl.DataFrame,
    client: LlmClient | None = None,
    sources: Sources | None = None,
    limits: PairLimits | None = None,
    standards: Standards | None = None,
) -> Pairs:
    """Rewrite the Bad Cases of one day.

    Args:
        cases: Contract `cases`.
        conversations: Contract `conversations`.
        inspections: Contract `inspections`.
        pool: Good Cases of recent days, contract `conversations`; where grounded candidates come from.
        knowledge: Columns unit_id, title, content.
        procedures: Columns policy_id, scenario, reply_id, text, next_reply_id.
        client: The endpoint that rewrites and re-inspects, if one is configured.
        sources: Further sources of candidates; its `client` is taken where `client` is None.
        limits: What the day's pairs may look like as a whole.
        standards: What the day was inspected by, which rewrites are held to as well.

    Returns:
        Pairs whose chosen side lost nothing of the solution, passed re-inspection (the issue gone, no new one), differs from
        the rejected, and answers the same prompt; and all candidates with reasons.

    Raises:
        EndpointRefused: The endpoint refuses for good.
    """
    given = sources or Sources(client=client)
    client = client or given.client
    edits = latest(given.edits) if given.edits is not None else None
    sites = find_sites(cases, conversations, inspections, edits)
    written = rewrite(client, sites, knowledge, given.sampling) if client else Rewrites({}, 0)
    public = frozenset().union(*(words_of(text) for text in public_texts(knowledge, procedures)))
    good, typed = GoodCases.of(pool, public), edit_candidates(edits) if edits is not None else {}
    attempts: list[Attempt] = []
    for site in sites:
        place = (site.dt, site.conversation_id, site.turn)
        offered = [
            *([typed[place]] if place in typed else []),
            *written.candidates.get(site.pair_id, []),
            *written.malformed.get(site.pair_id, []),
            *good.candidates(site),
            *procedure_candidates(site, procedures),
            *_sampled(given, site.pair_id),
        ]
        attempts += [Attempt(site, *sorted_one) for sorted_one in sorted_out(offered, site.said)]
    verifier = Verifier(conversations, knowledge, procedures, standards=standards or Standards())
    _verify(attempts, verifier, client, KnowledgeIndex.of(knowledge))
    return _selected(cases, sites, attempts, limits or PairLimits(), KnowledgeIndex.of(knowledge), written.failures)


def _sampled(given: Sources, pair_id: str) -> list[Candidate]:
    """What the model itself says, the most frequent first."""
    outputs, texts = (given.samples or {}).get(pair_id, []), (given.malformed or {}).get(pair_id, [])
    found = [Candidate(output, "policy", f"sample {place}") for place, output in enumerate(outputs)]
    return found + [Candidate(DialogueAction(), "policy", "sample", malformed=text or "(nothing)") for text in texts]


def _verify(attempts: Sequence[Attempt], verifier: Verifier, client: LlmClient | None, index: KnowledgeIndex) -> None:
    """Decide on every attempt: what costs nothing first, the endpoint last and only on those that may still pass."""
    screen = Screen(verifier.knowledge, verifier.procedures, with_endpoint=client is not None)
    for attempt in attempts:
        if not attempt.stage:
            screen.decide(attempt)
    evidence = [attempt for attempt in attempts if not attempt.stage]
    for attempt, judged in zip(evidence, verifier.judge([(a.site, a.candidate) for a in evidence]), strict=True):
        attempt.doubts, attempt.verified_by = judged.doubts, verifier.name
        if attempt.candidate.source == "person":
            note = f"; {judged.reason}, which a person's word outweighs" if judged.reason else ""
            attempt.stage, attempt.reason, attempt.verified_by = "selection", f"a person's edit{note}", "person"
        elif judged.reason is not None:
            attempt.refuse("re-inspection", judged.reason)
        else:
            screen.answers(attempt)
    if client is not None:
        _verify_by_endpoint([a for a in evidence if not a.stage], verifier, client, index)
    for attempt in evidence:
        if not attempt.stage:
            attempt.stage, attempt.reason = "selection", PASSED


def _verify_by_endpoint(open_now: list[Attempt], verifier: Verifier, client: LlmClient, index: KnowledgeIndex) -> None:
    """The panel and the blind comparison, the best of each site first: the next is asked only where that one fails."""
    from wow_flywheel.pairs.compare import compare
    from wow_flywheel.pairs.thought import check

    reader = replace(verifier, panel=Panel(client))
    waiting = _by_site(open_now)
    while batch := [found.pop(0) for found in waiting.values() if found]:
        steps: tuple[tuple[str, Callable[[list[tuple[Site, Candidate]]], list[str | None]], bool], ...] = (
            ("re-inspection", reader.verdicts, False),
            ("comparison", lambda rewrites: compare(client, rewrites, index), False),
            ("thought", lambda rewrites: check(client, rewrites, index), True),
        )
        for stage, ask, thoughts_only in steps:
            asked = [a for a in batch if not a.stage and (a.candidate.output.thought or not thoughts_only)]
            for attempt, reason in zip(asked, ask([(a.site, a.candidate) for a in asked]) if asked else [], strict=True):
                attempt.verified_by = f"{reader.name}+comparison"
                if reason is not None:
                    attempt.refuse(stage, reason)
        for attempt in batch:
            if not attempt.stage:
                for spare in waiting.pop(attempt.site.pair_id, []):
                    spare.refuse("not needed", "another rewrite of the turn passed before the endpoint was asked about it")


def _by_site(attempts: Iterable[Attempt]) -> dict[str, list[Attempt]]:
    """Attempts by site: a person's edit first, the model's own words last, between them by open doubts, then by source."""
    found: dict[str, list[Attempt]] = {}
    for attempt in sorted(attempts, key=lambda a: (RANK.get(a.candidate.source, 1), a.doubts)):
        found.setdefault(attempt.site.pair_id, []).append(attempt)
    return dict(sorted(found.items()))


def _selected(
    cases: pl.DataFrame,
    sites: Sequence[Site],
    attempts: Sequence[Attempt],
    limits: PairLimits,
    index: KnowledgeIndex,
    endpoint_failures: int,
) -> Pairs:
    options = _by_site(attempt for attempt in attempts if attempt.accepted)
    selection = select(options, limits)
    for key, found in options.items():
        for attempt in found:
            if attempt is selection.chosen.get(key):
                attempt.stage = "pair"
            elif key in selection.left_out:
                attempt.reason = selection.left_out[key]
            else:
                attempt.reason = f"{attempt.reason}; another rewrite of the turn is the pair"
    rows = [
        pair_row(selection.chosen[key], _units(index, selection.chosen[key].site)) for key in _order(sites, selection.chosen)
    ]
    candidates, pairs = tables(attempts, rows)
    tried = {attempt.site.pair_id for attempt in attempts if attempt.stage not in UNTRIED}
    counts = {
        "bad_cases": cases.filter(pl.col("label") == "bad").height,
        "sites": len(sites),
        "sites_without_candidate": sum(site.pair_id not in tried for site in sites),
        "candidates": len(attempts),
        "verified": len(options),
        "left_out": len(selection.left_out),
        "pairs": len(rows),
        "endpoint_failures": endpoint_failures,
    }
    return Pairs(candidates, pairs, counts)


def _order(sites: Sequence[Site], chosen: Mapping[str, Attempt]) -> list[str]:
    return [site.pair_id for site in sites if site.pair_id in chosen]


def _units(index: KnowledgeIndex, site: Site) -> list[dict[str, str]]:
    """The knowledge that was to be had for a turn: the units that share most words with what was said before it."""
    return [{name: str(unit[name] or "") for name in ("unit_id", "title", "content")} for unit in index.best(site.prompt)]
