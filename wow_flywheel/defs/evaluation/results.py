"""The results page of a cycle, gathered from its tables and files.

What belongs here: reading them. What does not: the page (`wow_flywheel.release.results`).
"""

from pathlib import Path

import polars as pl

from wow_flywheel.datasets.manifest import Manifest
from wow_flywheel.defs.datasets.cycle import MANIFEST
from wow_flywheel.defs.evaluation.judge import gate
from wow_flywheel.defs.resources import Flywheel
from wow_flywheel.evaluation.repair import in_words
from wow_flywheel.release.results.examples import Example, examples
from wow_flywheel.release.results.page import PageData, changes_in_words, render
from wow_flywheel.storage import write_atomic


def write_page(flywheel: Flywheel, cycle: str) -> Path:
    """Write `evaluation/results.html` of a cycle whose tables are written; returns its path."""
    path = flywheel.cycle_folder(cycle) / "evaluation" / "results.html"
    write_atomic(path, render(page_data(flywheel, cycle)).encode())
    return path


def page_data(flywheel: Flywheel, cycle: str) -> PageData:
    """What the page of a cycle shows."""
    lake, folder = flywheel.lake(), flywheel.cycle_folder(cycle)
    decision = gate(lake, folder, cycle, flywheel.settings().checks)
    pair = pl.col("baseline") == decision.baseline, pl.col("candidate") == decision.candidate
    return PageData(
        cycle,
        decision,
        lake.read("evaluations", cycle),
        lake.read("comparisons", cycle).filter(*pair),
        lake.read("comparison_slices", cycle).filter(*pair),
        changes_in_words(Manifest.load(folder / MANIFEST).model_dump(mode="json")),
        _examples(folder / "evaluation", decision.baseline, decision.candidate),
        _notes(folder / "evaluation", lake.read("evaluations", cycle)),
    )


def _notes(place: Path, evaluations: pl.DataFrame) -> dict[str, str]:
    file = place / "sites.parquet"
    return {"repair": in_words(pl.read_parquet(file), evaluations)} if file.is_file() else {}


def _examples(place: Path, baseline: str, candidate: str) -> list[Example]:
    files = [place / f"{name}.parquet" for name in ("sites", "replies", "judged")]
    if not all(file.is_file() for file in files):
        return []
    sites, replies, judged = map(pl.read_parquet, files)
    return examples(sites, replies, judged, baseline, candidate)
