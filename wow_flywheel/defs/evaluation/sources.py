"""What a cycle's models are evaluated on, from the lake: held-out Bad Cases, languages, the inspectors that judge.

What belongs here: reading a cycle's days. What does not: measuring (`wow_flywheel.evaluation`).
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import polars as pl

from wow_flywheel.datasets.manifest import Manifest
from wow_flywheel.defs.datasets.cycle import MANIFEST
from wow_flywheel.defs.evaluation.side_by_side import judged_outcomes
from wow_flywheel.defs.resources import Flywheel
from wow_flywheel.evaluation.judged import add_judged
from wow_flywheel.evaluation.measure import Outcomes, with_locale
from wow_flywheel.evaluation.offline import read_dialogues
from wow_flywheel.evaluation.owed import Owed
from wow_flywheel.evaluation.references import References
from wow_flywheel.evaluation.repair import Gives, by_words, held_out_sites, judge_sites, repair_outcomes, site_rows
from wow_flywheel.lake import Lake
from wow_flywheel.pairs.candidates import Candidate
from wow_flywheel.pairs.sites import Site


def sites_of(lake: Lake, folder: Path) -> list[Site]:
    """The turns where held-out Bad Cases of the cycle's days went wrong."""
    cases, conversations, inspections = (_of_days(lake, folder, name) for name in ("cases", "conversations", "inspections"))
    return held_out_sites(cases, conversations, inspections)


def owed_at(flywheel: Flywheel, folder: Path, sites: Sequence[Site]) -> dict[str, Owed]:
    """What the turns owed, by name, as far as logs, Good Cases and procedures say."""
    cases, conversations, inspections = (
        _of_days(flywheel.lake(), folder, name) for name in ("cases", "conversations", "inspections")
    )
    good = conversations.join(cases.filter(pl.col("label") == "good"), on=["dt", "conversation_id"], how="semi")
    references = References.of(good, inspections, flywheel.knowledge(), flywheel.procedures())
    return {site.pair_id: owed for site in sites if (owed := references.owed(site)) is not None}


def write_sites(lake: Lake, folder: Path, sites: Sequence[Site], owed: Mapping[str, Owed]) -> Path:
    """Write them for the evaluating process, to `evaluation/sites.parquet`."""
    known = locales(lake, folder)
    rows = site_rows(sites, dict(known.select("conversation_id", "locale").iter_rows()), owed)
    path = folder / "evaluation" / "sites.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows.write_parquet(path)
    return path


def outcomes_of(flywheel: Flywheel, folder: Path, main: str, sites: Sequence[Site], owed: Mapping[str, Owed]) -> Outcomes:
    """What the evaluating process wrote, by kind, with what inspectors, knowledge and procedures say of the replies.

    Args:
        flywheel: Its lake, knowledge, procedures, and panel where an endpoint is configured.
        folder: The cycle's.
        main: The kind of the main outcomes, `simulated` or `offline`.
        sites: As the process was given them.
        owed: As well.
    """
    place = folder / "evaluation"
    found = {main: pl.read_parquet(place / "outcomes.parquet")}
    for kind in ("offline", "general"):
        if (place / f"{kind}.parquet").is_file():
            found[kind] = pl.read_parquet(place / f"{kind}.parquet")
    if not (place / "replies.parquet").is_file():
        return found
    replies = pl.read_parquet(place / "replies.parquet")
    dialogues = read_dialogues(folder / "sft.held_out.jsonl", flywheel.settings().episodes) if "offline" in found else []
    if dialogues:
        said = replies.filter(pl.col("source") == "dialogue")
        judged = add_judged(found["offline"], dialogues, said, flywheel.knowledge(), flywheel.procedures())
        found["offline"] = with_locale(judged, locales(flywheel.lake(), folder))
    if owed:
        found["repair"] = _repair(flywheel, folder, sites, owed, replies.filter(pl.col("source") == "site"))
    duels = judged_outcomes(flywheel, folder, dialogues, pl.read_parquet(place / "sites.parquet"), replies)
    return found | ({"judged": duels} if duels is not None else {})


def locales(lake: Lake, folder: Path) -> pl.DataFrame:
    """Columns conversation_id, locale, of the cycle's days."""
    return _of_days(lake, folder, "conversations").select("conversation_id", "locale")


def verifier_verdicts(flywheel: Flywheel, folder: Path) -> "Judge":
    """The blind inspectors of a cycle's days."""
    return Judge(flywheel, _of_days(flywheel.lake(), folder, "conversations"))


class Judge:
    """Blind inspection of replies at the turns of several days; conversations of two days may share an id.

    Args:
        flywheel: Its knowledge, procedures, and panel where an endpoint is configured.
        conversations: Contract `conversations`, of those days.
    """

    def __init__(self, flywheel: Flywheel, conversations: pl.DataFrame) -> None:
        client = flywheel.llm()
        self._panel = None
        if client is not None:
            from wow_flywheel.inspection.panel import Panel

            self._panel = Panel(client)
        self._conversations = conversations
        self._knowledge, self._procedures = flywheel.knowledge(), flywheel.procedures()

    def __call__(self, replies: Sequence[tuple[Site, Candidate]]) -> list[str | None]:
        """For each reply None if it passes, else why not."""
        from wow_flywheel.pairs.verify import Verifier

        found: dict[str, str | None] = {}
        for day in sorted({site.dt for site, _ in replies}):
            mine = [(site, candidate) for site, candidate in replies if site.dt == day]
            rows = self._conversations.filter(pl.col("dt") == day)
            verdicts = Verifier(rows, self._knowledge, self._procedures, self._panel).verdicts(mine)
            found |= {f"{site.dt}:{site.pair_id}": why for (site, _), why in zip(mine, verdicts, strict=True)}
        return [found[f"{site.dt}:{site.pair_id}"] for site, _ in replies]


def gives_of(flywheel: Flywheel) -> Gives:
    """Who says whether a reply gives what its turn owed: the endpoint where one is configured, else its words."""
    client = flywheel.llm()
    if client is None:
        return by_words
    from wow_flywheel.evaluation.asked import by_endpoint

    return partial(by_endpoint, client, flywheel.knowledge())


def _repair(
    flywheel: Flywheel, folder: Path, sites: Sequence[Site], owed: Mapping[str, Owed], replies: pl.DataFrame
) -> pl.DataFrame:
    rows = pl.read_parquet(folder / "evaluation" / "sites.parquet")
    judged = judge_sites(sites, replies, owed, verifier_verdicts(flywheel, folder), gives_of(flywheel))
    judged.join(rows.select("site", "user_id"), on="site").write_parquet(folder / "evaluation" / "judged.parquet")
    return repair_outcomes(rows, judged)


def _of_days(lake: Lake, folder: Path, table: str) -> pl.DataFrame:
    days = list(Manifest.load(folder / MANIFEST).source_partitions)
    return lake.scan(table).filter(pl.col("dt").is_in(days)).collect()
