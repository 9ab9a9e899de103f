"""Repair rate: at the turn where a held-out Bad Case went wrong, does the new model do what was right there?

What belongs here: which turns, and the blind verdict on what models say there. What does not: what a turn owed (`references`,
`owed`), generating (`replies`), inspecting (`inspection`, `pairs.verify`).

That nobody finds a fault repairs nothing: "Okay." has none. A reply repairs its turn if it gives what the turn owed, *and* the
inspectors accept no severe finding there and do not even suspect the old one. Turns of which nothing certain is known are not
counted, and their number is shown. Constant replies (`CONSTANTS`) are judged beside the models: a measure under which one of
them is not near zero measures nothing.

Blind: the conversation is cut after the new reply and inspected as any other; nothing says which model spoke, what had been
found there before, or that it is an evaluation. An output that is no valid object repairs nothing. Every model is judged on one
sample of its own: the model that went wrong may do better the second time, so rates compare only with the baseline's on the
same turns.
"""

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Final

import polars as pl

from wow_flywheel.contracts import ISSUE_TYPES
from wow_flywheel.datasets.split import split_of
from wow_flywheel.dialogue import DialogueAction, to_chat
from wow_flywheel.evaluation.owed import Owed
from wow_flywheel.pairs.candidates import Candidate
from wow_flywheel.pairs.sites import Site, find_sites

MOST_SITES: Final = 400
"""Turns judged at most in a cycle, drawn by the hash of their name: the same ones for every model."""
Verdicts = Callable[[Sequence[tuple[Site, Candidate]]], list[str | None]]
"""For each reply, at most one a turn, None if it passes blind inspection, else why not: `pairs.verify.Verifier.verdicts`."""
Gives = Callable[[Sequence[tuple[Site, DialogueAction, Owed]]], list[str | None]]
"""For each output None if it gives what its turn owed, else why not: `by_words`, or an endpoint's word (`asked`)."""
CONSTANTS: Final[Mapping[str, Callable[[Site], str | None]]] = {
    "constant: Okay.": lambda _: "Okay.",
    "constant: apology": lambda _: "I am sorry about that.",
    "constant: the customer's words": lambda site: _last(site, "user"),
    "constant: the reply before": lambda site: _last(site, "assistant"),
}
"""Replies that no customer is served by; a turn that none can be made for has none."""
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


def site_rows(sites: Sequence[Site], locales: Mapping[str, str | None], owed: Mapping[str, Owed]) -> pl.DataFrame:
    """The turns as rows for the evaluating process: site, user_id, scenario, locale, issue_type, turn, prompt, said, owed.

    Args:
        sites: The turns.
        locales: Language by conversation id.
        owed: By the turn's name; one that is not among them is not judged, and its `owed` is null.
    """
    rows = [
        {
            "site": site.pair_id, "user_id": site.user_id, "scenario": site.scenario, "turn": site.turn,
            "locale": locales.get(site.conversation_id), "issue_type": site.issue_type, "prompt": to_chat(site.prompt),
            "said": site.said.to_json(), "owed": owed[site.pair_id].text if site.pair_id in owed else None,
        }
        for site in sites
    ]  # fmt: skip
    texts = ("site", "user_id", "scenario", "locale", "issue_type", "said", "owed")
    return pl.DataFrame(rows, schema=dict.fromkeys(texts, pl.String) | {"turn": pl.Int64, "prompt": CHAT})


def by_words(outputs: Sequence[tuple[Site, DialogueAction, Owed]]) -> list[str | None]:
    """`Gives` without an endpoint: the owed call, values or words."""
    return [owed.unmet(output) for _, output, owed in outputs]


def constant_replies(sites: Sequence[Site]) -> pl.DataFrame:
    """What the constants say at the turns: model, episode, raw."""
    said = [(name, site, text) for name, reply in CONSTANTS.items() for site in sites if (text := reply(site))]
    rows = [{"model": name, "episode": site.pair_id, "raw": DialogueAction(reply=text).to_json()} for name, site, text in said]
    return pl.DataFrame(rows, schema={"model": pl.String, "episode": pl.String, "raw": pl.String})


def judge_sites(
    sites: Sequence[Site], replies: pl.DataFrame, owed: Mapping[str, Owed], verdicts: Verdicts, gives: Gives = by_words
) -> pl.DataFrame:
    """Judge what models, and the constants, said at the turns.

    Args:
        sites: The turns.
        replies: Rows of `replies.REPLIES` whose source is `site`.
        owed: What turns owed, by name; the others are not judged.
        verdicts: The inspectors; they hear what gave what was owed.
        gives: Whether an output gives what is owed.

    Returns:
        One row a model, or constant, and turn: model, site, reason (null: repaired; else why not).
    """
    by_name = {site.pair_id: site for site in sites if site.pair_id in owed}
    said = pl.concat([replies.select("model", "episode", "raw"), constant_replies(sites)])
    rows: list[dict[str, str | None]] = []
    for (model,), given in said.filter(pl.col("episode").is_in(list(by_name))).group_by("model", maintain_order=True):
        outputs = {r["episode"]: DialogueAction.from_json(r["raw"] or "") for r in given.iter_rows(named=True)}
        valid = {name: output for name, output in outputs.items() if output is not None}
        missed = gives([(by_name[name], output, owed[name]) for name, output in valid.items()])
        reasons = dict(zip(valid, missed, strict=True))
        meeting = [(by_name[name], Candidate(valid[name], "model", "")) for name, why in reasons.items() if why is None]
        reasons |= dict(zip((site.pair_id for site, _ in meeting), verdicts(meeting), strict=True))
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


def by_issue_type(slices: pl.DataFrame, sites: pl.DataFrame | None = None) -> pl.DataFrame:
    """All eight issue types with their repair rates, those without a held-out turn included.

    Args:
        slices: Contract `comparison_slices`, of one baseline and candidate.
        sites: As `site_rows` gives them, to count the turns that were not judged.

    Returns:
        issue_type, n, before, after, difference, low, high, and with sites not_judged; n = 0 and nulls where nothing was held
        out.
    """
    shown = ["slice", "n", "before", "after", "difference", "low", "high"]
    found = slices.filter(pl.col("metric") == "repair_rate", pl.col("slice_by") == "issue_type").select(shown)
    every = pl.DataFrame({"issue_type": list(ISSUE_TYPES)})
    joined = every.join(found.rename({"slice": "issue_type"}), on="issue_type", how="left", maintain_order="left")
    rows = joined.with_columns(pl.col("n").fill_null(0))
    if sites is None:
        return rows
    unknown = sites.group_by("issue_type").agg(not_judged=pl.col("owed").is_null().sum().cast(pl.Int64))
    counted = rows.join(unknown, on="issue_type", how="left", maintain_order="left")
    return counted.with_columns(pl.col("not_judged").fill_null(0))


def in_words(sites: pl.DataFrame, evaluations: pl.DataFrame) -> str:
    """On how many turns repair was judged, on how many not, and what constant replies reach; empty without turns.

    Args:
        sites: As `site_rows` gives them.
        evaluations: Contract `evaluations`, of one cycle.
    """
    if sites.is_empty():
        return ""
    unknown = sites["owed"].null_count()
    rates = evaluations.filter(pl.col("kind") == "repair", pl.col("model").is_in(list(CONSTANTS))).drop_nulls("value")
    constants = "; ".join(
        f"{name.removeprefix('constant: ')} {value:.0%}" for name, value in rates.select("model", "value").rows()
    )
    shown = f" Constant replies, which serve nobody, reach: {constants}." if constants else ""
    return (
        "A turn is repaired if the reply does what was right there and the inspectors object to nothing. "
        f"{sites.height - unknown} of {sites.height} turns are judged; of {unknown} neither log nor Good Cases nor procedure "
        f"say what was right.{shown}"
    )


def _last(site: Site, role: str) -> str | None:
    said = (message.get("content") for message in reversed(site.prompt) if message["role"] == role)
    return next((text for text in said if text), None)
