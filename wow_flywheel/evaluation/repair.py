"""Repair rate: at the turn where a held-out Bad Case went wrong, does the new model still go wrong?

What belongs here: which turns, and the inspectors' blind verdict on what models say there. What does not: generating
(`replies`), inspecting (`inspection`, `pairs.verify`).

Blind: the conversation is cut after the new reply and inspected as any other; nothing says which model spoke, what had been
found there before, or that it is an evaluation. A reply repairs its turn if the inspectors accept no severe finding there and
do
not even suspect the old one. An output that is no valid object repairs nothing. Every model is judged on one sample of its own:
the model that went wrong may do better the second time, so rates compare only with the baseline's on the same turns.
"""

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Final

import polars as pl

from wow_flywheel.contracts import ISSUE_TYPES
from wow_flywheel.datasets.split import split_of
from wow_flywheel.dialogue import DialogueAction, to_chat
from wow_flywheel.pairs.candidates import Candidate
from wow_flywheel.pairs.sites import Site, find_sites

MOST_SITES: Final = 400
"""Turns judged at most in a cycle, drawn by the hash of their name: the same ones for every model."""
Verdicts = Callable[[Sequence[tuple[Site, Candidate]]], list[str | None]]
"""For each reply, at most one a turn, None if it passes blind inspection, else why not: `pairs.verify.Verifier.verdicts`."""
CHAT: Final = pl.List(pl.Struct({"role": pl.String, "content": pl.String}))


def held_out_sites(
    cases: pl.DataFrame, conversations: pl.DataFrame, inspections: pl.DataFrame, most: int = MOST_SITES
) -> list[Site]:
    """The turns where Bad Cases of held-out customers went wrong, in order of day and name; each name once.

    Args:
        cases: Contract `cases`.
        conversations: Contract `conversations`.
        inspections: Contract `inspections`.
        most: How many at most.
    """
    mine = [site for site in find_sites(cases, conversations, inspections) if split_of(site.user_id) == "held_out"]
    once = {site.pair_id: site for site in mine}.values()
    drawn = sorted(once, key=lambda site: sha256(site.pair_id.encode()).hexdigest())[:most]
    return sorted(drawn, key=lambda site: (site.dt, site.pair_id))


def site_rows(sites: Sequence[Site], locales: Mapping[str, str | None]) -> pl.DataFrame:
    """The turns as rows for the evaluating process: site, user_id, scenario, locale, issue_type, turn, prompt, said.

    Args:
        sites: The turns.
        locales: Language by conversation id.
    """
    rows = [
        {
            "site": site.pair_id, "user_id": site.user_id, "scenario": site.scenario, "turn": site.turn,
            "locale": locales.get(site.conversation_id), "issue_type": site.issue_type, "prompt": to_chat(site.prompt),
            "said": site.said.to_json(),
        }
        for site in sites
    ]  # fmt: skip
    texts = ("site", "user_id", "scenario", "locale", "issue_type", "said")
    return pl.DataFrame(rows, schema=dict.fromkeys(texts, pl.String) | {"turn": pl.Int64, "prompt": CHAT})


def judge_sites(sites: Sequence[Site], replies: pl.DataFrame, verdicts: Verdicts) -> pl.DataFrame:
    """Let the inspectors judge what models said at the turns.

    Args:
        sites: The turns.
        replies: Rows of `replies.REPLIES` whose source is `site`.
        verdicts: The inspectors.

    Returns:
        One row a model and turn: model, site, reason (null: repaired; else why not).
    """
    by_name = {site.pair_id: site for site in sites}
    rows: list[dict[str, str | None]] = []
    for (model,), given in replies.group_by("model", maintain_order=True):
        outputs = {r["episode"]: DialogueAction.from_json(r["raw"] or "") for r in given.iter_rows(named=True)}
        valid = [(by_name[name], Candidate(output, "model", "")) for name, output in outputs.items() if output is not None]
        reasons = dict(zip((site.pair_id for site, _ in valid), verdicts(valid), strict=True))
        no_object = "no valid dialogue-action object"
        rows += [{"model": str(model), "site": n, "reason": reasons.get(n, no_object)} for n in outputs]
    return pl.DataFrame(rows, schema={"model": pl.String, "site": pl.String, "reason": pl.String})


def repair_outcomes(sites: pl.DataFrame, judged: pl.DataFrame) -> pl.DataFrame:
    """The judgements as outcomes: model, episode, user_id, scenario, locale, issue_type, repair_rate (0 or 1).

    Args:
        sites: As `site_rows` gives them.
        judged: As `judge_sites` gives them.
    """
    rows = judged.join(sites, on="site", how="inner", maintain_order="left")
    return rows.select(
        "model",
        "user_id",
        "scenario",
        "locale",
        "issue_type",
        episode="site",
        repair_rate=pl.col("reason").is_null().cast(pl.Float64),
    )


def by_issue_type(slices: pl.DataFrame) -> pl.DataFrame:
    """All eight issue types with their repair rates, those without a held-out turn included.

    Args:
        slices: Contract `comparison_slices`, of one baseline and candidate.

    Returns:
        issue_type, n, before, after, difference, low, high; n = 0 and nulls where nothing was held out.
    """
    shown = ["slice", "n", "before", "after", "difference", "low", "high"]
    found = slices.filter(pl.col("metric") == "repair_rate", pl.col("slice_by") == "issue_type").select(shown)
    every = pl.DataFrame({"issue_type": list(ISSUE_TYPES)})
    joined = every.join(found.rename({"slice": "issue_type"}), on="issue_type", how="left", maintain_order="left")
    return joined.with_columns(pl.col("n").fill_null(0))
