"""Builds a day's preference pairs: sites → candidates → blind re-inspection → pairs, with every rejected candidate kept.

What belongs here: the order of the steps and the two tables. What does not: each step's own work.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from wow_flywheel.contracts import PREFERENCE_PAIRS, REWRITE_CANDIDATES
from wow_flywheel.inspection.panel import Panel
from wow_flywheel.llm.client import LlmClient
from wow_flywheel.pairs.candidates import Candidate, GoodCases, distinct, procedure_candidates
from wow_flywheel.pairs.rewrite import Rewrites, rewrite
from wow_flywheel.pairs.sites import Site, find_sites
from wow_flywheel.pairs.verify import Verifier


@dataclass(frozen=True, slots=True)
class Pairs:
    """A day's rewriting.

    Attributes:
        candidates: Contract `rewrite_candidates`: all that were tried, with the reason that decided each.
        pairs: Contract `preference_pairs`.
        counts: bad_cases, sites, sites_without_candidate, candidates, pairs, endpoint_failures.
    """

    candidates: pl.DataFrame
    pairs: pl.DataFrame
    counts: Mapping[str, int]


@dataclass(slots=True)
class _Ledger:
    """What has been tried so far."""

    tried: list[dict[str, object]] = field(default_factory=list)
    pairs: list[dict[str, object]] = field(default_factory=list)

    def note(self, site: Site, candidate: Candidate, reason: str | None, verified_by: str) -> None:
        common = {
            "dt": site.dt,
            "conversation_id": site.conversation_id,
            "turn": site.turn,
            "issue_type": site.issue_type,
            "source": candidate.source,
            "source_conversation_id": candidate.source_conversation_id,
        }
        outcome = {
            "candidate": candidate.output.to_json(),
            "accepted": reason is None,
            "reason": reason or "passed re-inspection",
        }
        self.tried.append(common | outcome)
        if reason is None:
            self.pairs.append(
                common
                | {
                    "pair_id": site.pair_id,
                    "user_id": site.user_id,
                    "scenario": site.scenario,
                    "prompt": list(site.prompt),
                    "chosen": candidate.output.to_json(),
                    "rejected": site.said.to_json(),
                    "verified_by": verified_by,
                }
            )


def build_pairs(
    cases: pl.DataFrame,
    conversations: pl.DataFrame,
    inspections: pl.DataFrame,
    pool: pl.DataFrame,
    knowledge: pl.DataFrame,
    procedures: pl.DataFrame,
    client: LlmClient | None = None,
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

    Returns:
        Pairs whose chosen side passed re-inspection (the issue gone, no new one), differs from the rejected, and answers the
        same prompt; and all candidates with reasons.

    Raises:
        EndpointRefused: The endpoint refuses for good.
    """
    sites = find_sites(cases, conversations, inspections)
    written = rewrite(client, sites, knowledge) if client else Rewrites({}, 0)
    good = GoodCases.of(pool)
    options = {
        site.pair_id: distinct(
            [*written.candidates.get(site.pair_id, []), *good.candidates(site), *procedure_candidates(site, procedures)],
            site.said,
        )
        for site in sites
    }
    verifier = Verifier(conversations, knowledge, procedures, Panel(client) if client else None)
    ledger = _try_in_rounds(sites, options, verifier)
    counts = {
        "bad_cases": cases.filter(pl.col("label") == "bad").height,
        "sites": len(sites),
        "sites_without_candidate": sum(not found for found in options.values()),
        "candidates": len(ledger.tried),
        "pairs": len(ledger.pairs),
        "endpoint_failures": written.failures,
    }
    return Pairs(_frame(ledger.tried, REWRITE_CANDIDATES.columns), _frame(ledger.pairs, PREFERENCE_PAIRS.columns), counts)


def _try_in_rounds(sites: Sequence[Site], options: Mapping[str, Sequence[Candidate]], verifier: Verifier) -> _Ledger:
    """Try each site's first candidate, then the second of those that failed, and so on: one batch a round."""
    ledger = _Ledger()
    open_sites = list(sites)
    for attempt in range(max((len(found) for found in options.values()), default=0)):
        batch = [(site, options[site.pair_id][attempt]) for site in open_sites if attempt < len(options[site.pair_id])]
        verdicts = verifier.verdicts(batch)
        for (site, candidate), reason in zip(batch, verdicts, strict=True):
            ledger.note(site, candidate, reason, verifier.name)
        open_sites = [site for (site, _), reason in zip(batch, verdicts, strict=True) if reason is not None]
    return ledger


def _frame(rows: Sequence[dict[str, object]], schema: Mapping[str, pl.DataType | type[pl.DataType]]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=pl.Schema(schema))
