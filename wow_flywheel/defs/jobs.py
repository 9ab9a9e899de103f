"""The jobs over assets: `nightly` and `calibrate` for a day, `training_cycle` and two experiments for a cycle.

What belongs here: their selections. What does not: the main job, which turns the whole wheel (`flywheel`).
"""

from typing import Final

import dagster as dg

from wow_flywheel.defs.console import LOGGERS

DAILY_GROUPS: Final = ("conversations", "policies", "rules", "satisfaction", "inspection", "cases", "pairs")
CYCLE_GROUPS: Final = ("datasets", "training", "evaluation", "release")

nightly: Final = dg.define_asset_job(
    "nightly",
    selection=dg.AssetSelection.groups(*DAILY_GROUPS),
    config=LOGGERS,
    description="One business day: logs → conversations → findings → cases → preference pairs. Rerunning a day replaces it.",
)

calibrate: Final = dg.define_asset_job(
    "calibrate",
    selection=dg.AssetSelection.groups("calibration"),
    config=LOGGERS,
    description="How good a day's labels are, on planted defects and by people's decisions.",
)

training_cycle: Final = dg.define_asset_job(
    "training_cycle",
    selection=dg.AssetSelection.groups(*CYCLE_GROUPS),
    config=LOGGERS,
    description="One cycle: datasets → SFT → DPO or KTO → evaluation → gate → release. A refused candidate changes nothing.",
)

knowledge_ablation: Final = dg.define_asset_job(
    "ablate_knowledge",
    selection=dg.AssetSelection.assets("knowledge_ablation"),
    config=LOGGERS,
    description="Experiment: the release in use without its knowledge, on one per cent of simulated traffic.",
)

single_issue_dpo: Final = dg.define_asset_job(
    "tune_single_issues",
    selection=dg.AssetSelection.assets("single_issue_dpo"),
    config=LOGGERS,
    description="Experiment: DPO on one issue type at a time, and the repair rate of each of the eight.",
)
