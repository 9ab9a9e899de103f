"""The repair rate as a measure: replies that serve nobody stay near zero, and replies that are right come near one.

On the closed world, whose customers say what is true, and on STAR's own conversations where they are to hand.
"""

import random
import shutil
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import pytest

from benchmarks import labels_gold, star_data, star_measures
from benchmarks.pairs_world import World, replayed, world
from wow_flywheel.closed_world.agents import PERFECT, ScriptedAgent
from wow_flywheel.dialogue import DialogueAction
from wow_flywheel.evaluation.owed import Owed
from wow_flywheel.evaluation.references import References
from wow_flywheel.evaluation.repair import CONSTANTS, judge_sites
from wow_flywheel.evaluation.replies import REPLIES
from wow_flywheel.pairs.sites import Site, find_sites
from wow_flywheel.pairs.verify import Verifier

import polars as pl  # isort: skip

MOST_CONSTANT = 0.1
LEAST_RIGHT = 0.9
STAR_DAYS = ("dt=2020-05-12", "dt=2020-05-13", "dt=2020-05-14")


@cache
def days(folder: Path) -> tuple[World, list[Site], dict[str, Owed]]:
    """A day of the closed world, its sites, and what these owed."""
    known = world(folder, 60, 1)
    talks = known.talks
    sites = find_sites(talks.cases, talks.conversations, talks.inspections)
    references = References.of(pl.concat([known.pool, talks.good()]), talks.inspections, known.knowledge, known.procedures)
    return known, sites, {site.pair_id: owed for site in sites if (owed := references.owed(site)) is not None}


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, list[Site], dict[str, Owed]]:
    return days(tmp_path_factory.mktemp("world"))


def outputs(model: str, sites: Sequence[Site], said: Callable[[Site], DialogueAction]) -> pl.DataFrame:
    rows = [{"model": model, "episode": site.pair_id, "raw": said(site).to_json()} for site in sites]
    return pl.DataFrame(rows, schema={name: REPLIES[name] for name in ("model", "episode", "raw")})


def rates(judged: pl.DataFrame) -> dict[str, float]:
    return dict(judged.group_by("model").agg(pl.col("reason").is_null().mean()).iter_rows())


def test_in_the_closed_world_constants_repair_nothing_and_the_right_output_repairs_as_its_customers_say(closed) -> None:
    known, sites, owed = closed
    talks = known.talks

    def perfect(site: Site) -> DialogueAction:
        messages = talks.conversations.filter(conversation_id=site.conversation_id)["messages"].to_list()[0]
        episode = replayed(known.episodes[site.conversation_id], messages, site.turn)
        done = ScriptedAgent(PERFECT, random.Random(3)).act([episode])[0]
        assert done is not None
        return done

    said = pl.concat([outputs("perfect", sites, perfect), outputs("log", sites, lambda site: site.said)])
    judged = judge_sites(sites, said, owed, Verifier(talks.conversations, known.knowledge, known.procedures).verdicts)
    found = rates(judged)
    assert len(owed) >= 0.8 * len(sites)
    assert set(found) == {*CONSTANTS, "perfect", "log"}
    assert {name: rate for name, rate in found.items() if name in CONSTANTS and rate >= MOST_CONSTANT} == {}
    assert found["perfect"] >= LEAST_RIGHT
    assert found["log"] == 0


def test_what_the_measure_says_agrees_with_the_worlds_own_customers(closed) -> None:
    known, sites, owed = closed
    verdicts = Verifier(known.talks.conversations, known.knowledge, known.procedures).verdicts
    said = outputs("unused", [], lambda site: site.said)
    judged = judge_sites(sites, said, owed, verdicts)
    by_name = {site.pair_id: site for site in sites}
    agreed = [
        (why is None) == (not known.faults(site.conversation_id, site.turn, DialogueAction(reply=text)))
        for model, name, why in judged.rows()
        if (text := CONSTANTS[model](site := by_name[name])) is not None
    ]
    assert sum(agreed) >= 0.9 * len(agreed)


@pytest.mark.slow
@pytest.mark.skipif(not labels_gold.SHARED.is_dir(), reason="../shared/data is missing: STAR's conversations")
def test_on_star_constants_repair_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, place = labels_gold.SHARED / "star", tmp_path / "star"
    for day in STAR_DAYS:
        shutil.copytree(source / "logs" / day, place / "logs" / day)
    for name in ("policies.jsonl.gz", "gold.jsonl.gz"):
        shutil.copy(source / name, place / name)
    if (source / "knowledge").exists():
        shutil.copytree(source / "knowledge", place / "knowledge")
    monkeypatch.setattr(labels_gold, "SHARED", tmp_path)
    monkeypatch.setattr(star_data, "SHARED", tmp_path)
    star = star_data.load()
    for part in ("customers", "tasks"):
        found = star_measures.constants(star, star_data.sites(star, part, 5))
        assert set(found) == set(CONSTANTS)
        assert all(judged >= 10 for _, judged in found.values()), part
        assert {name: rate for name, (fixed, judged) in found.items() if (rate := fixed / judged) >= MOST_CONSTANT} == {}, part
