"""DPO on one issue type at a time: which types have enough, and their training runs.

What belongs here: the files and the runs. What does not: judging them (`judging`).
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from wow_flywheel.contracts import ISSUE_TYPES
from wow_flywheel.defs.evaluation.sources import sites_of
from wow_flywheel.defs.flywheel.production import stream
from wow_flywheel.defs.resources import Flywheel
from wow_flywheel.defs.training.child import write_config
from wow_flywheel.defs.training.recipes import dpo_config
from wow_flywheel.errors import DatasetError
from wow_flywheel.pairs.sites import Site
from wow_flywheel.storage import write_atomic
from wow_flywheel.training.config import DpoConfig

FOLDER: Final = "single_issue"
EPOCHS: Final = DpoConfig(model="-", output_dir="-", pairs="-").epochs
"""The trainer's own, where neither the recipe nor the user's file sets them."""

LEAST_PAIRS: Final = 10
"""With fewer, a run learns the pairs by heart and says nothing of its type."""


@dataclass(frozen=True, slots=True)
class IssueRun:
    """One issue type's run.

    Attributes:
        issue_type: The type.
        pairs: Its pairs on the training side.
        sites: Its held-out turns.
        model: The tuned model's folder; None where there was too little.
        why: What was done, or why not.
    """

    issue_type: str
    pairs: int
    sites: tuple[Site, ...]
    model: Path | None
    why: str


def trained_models(flywheel: Flywheel, cycle: str, say: Callable[[str], None]) -> list[IssueRun]:
    """Tune the cycle's SFT model on each issue type alone, where there are pairs to learn from and turns to judge.

    Each run takes as many steps as the cycle's DPO on all pairs: a quarter of the pairs once would move a quarter as much.

    Raises:
        DatasetError: The cycle has no preference pairs.
        PermanentError: A run failed.
    """
    folder = flywheel.cycle_folder(cycle)
    config = dpo_config(flywheel.settings(), folder)
    if not Path(config["pairs"]).is_file():
        raise DatasetError(f"cycle {cycle} has no file of pairs", hint="materialize preference_dataset first")
    pairs = [json.loads(line) for line in Path(config["pairs"]).read_text("utf-8").splitlines() if line.strip()]
    sites = sites_of(flywheel.lake(), folder)
    return [
        _run(folder / FOLDER, config, issue, pairs, tuple(site for site in sites if site.issue_type == issue), say)
        for issue in ISSUE_TYPES
    ]


def _run(
    place: Path,
    config: Mapping[str, Any],
    issue: str,
    pairs: Sequence[Mapping[str, Any]],
    sites: tuple[Site, ...],
    say: Callable[[str], None],
) -> IssueRun:
    mine = [pair for pair in pairs if pair["issue_type"] == issue]
    if len(mine) < LEAST_PAIRS:
        return IssueRun(issue, len(mine), sites, None, f"not trained: {len(mine)} pairs, {LEAST_PAIRS} are needed")
    if not sites:
        return IssueRun(issue, len(mine), sites, None, "not trained: no held-out turn to judge it by")
    say(f"DPO on {issue} alone: {len(mine)} pairs")
    file = place / f"{issue}.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(file, "".join(json.dumps(pair, ensure_ascii=False) + "\n" for pair in mine).encode())
    epochs = config.get("epochs", EPOCHS) * len(pairs) / len(mine)
    values = {**config, "pairs": str(file), "output_dir": str(place / issue), "epochs": epochs}
    stream(["wow_flywheel.training.dpo", "--config", str(write_config(place / issue, values))], say)
    return IssueRun(issue, len(mine), sites, place / issue / "model", f"trained on {len(mine)} pairs")
