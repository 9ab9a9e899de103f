"""Baseline and candidate before the endpoint as a judge, where one is configured.

What belongs here: which turns, and what is kept of the verdicts. What does not: judging (`wow_flywheel.evaluation.pairwise`).
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from wow_flywheel.defs.evaluation.judge import model_names
from wow_flywheel.defs.resources import Flywheel
from wow_flywheel.evaluation.offline import Dialogue, named
from wow_flywheel.storage import write_atomic

FILE = "judge.json"


def judged_outcomes(
    flywheel: Flywheel, folder: Path, dialogues: Sequence[Dialogue], sites: pl.DataFrame, replies: pl.DataFrame
) -> pl.DataFrame | None:
    """Outcomes of kind `judged`, and the verdicts in words in `evaluation/judge.json`; None without an endpoint.

    Raises:
        EndpointRefused: The endpoint refuses for good.
        EndpointUnavailable: It is down.
    """
    client, most = flywheel.llm(), flywheel.settings().judged_turns
    if client is None or not most:
        return None
    from wow_flywheel.evaluation.pairwise import duels, judge

    baseline, *_, candidate = model_names(folder, folder.name)
    found = duels(_prompts(dialogues, sites), replies, baseline, candidate, most)
    verdicts = judge(client, found, flywheel.knowledge(), baseline, candidate)
    write_atomic(folder / "evaluation" / FILE, json.dumps(verdicts.lines(), ensure_ascii=False).encode())
    return verdicts.outcomes


def verdict_lines(folder: Path) -> list[tuple[str, str]]:
    """What the judge said, in words; empty where nobody was asked."""
    path = folder / "evaluation" / FILE
    return [(name, value) for name, value in json.loads(path.read_text())] if path.is_file() else []


def _prompts(dialogues: Sequence[Dialogue], sites: pl.DataFrame) -> Mapping[str, Any]:
    from wow_flywheel.evaluation.pairwise import turn_name

    prompts = dict(sites.select("site", "prompt").iter_rows())
    for place, dialogue in enumerate(dialogues):
        episode = named(dialogue, place)["episode"]
        for turn, message in enumerate(dialogue["messages"]):
            if message["role"] == "assistant" and turn:
                prompts.setdefault(turn_name("dialogue", episode, turn), dialogue["messages"][:turn])
    return prompts
