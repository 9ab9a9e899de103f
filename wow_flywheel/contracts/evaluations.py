"""Tables of how well was learned: evaluations, comparisons, experiments.

What belongs here: what was measured of models. What does not: what they learned from (`learning`).
"""

from typing import Final

import polars as pl

from wow_flywheel.contracts.contract import Contract
from wow_flywheel.contracts.vocabulary import ISSUE_TYPES

EVALUATION_KINDS: Final = ("simulated", "offline", "repair", "general", "judged")
_DIFFERENCE: Final = {
    "difference": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "n": pl.Int64,
    "sd": pl.Float64,
    "higher_is_better": pl.Boolean,
    "kind": pl.String,
}

EVALUATIONS: Final = Contract(
    name="evaluations",
    version=3,
    grain="one metric of one model in one cycle, with its 95 % confidence interval",
    columns={
        "cycle": pl.String,
        "model": pl.String,
        "metric": pl.String,
        "value": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
        "n": pl.Int64,
        "higher_is_better": pl.Boolean,
        "kind": pl.String,
        "unit": pl.String,
        "metric_version": pl.Int64,
        "interval": pl.String,
        "model_sha256": pl.String,
    },
    required=("cycle", "model", "metric", "n", "higher_is_better", "kind"),
    key=("model", "metric", "kind"),
    partition="cycle",
    pattern={"kind": EVALUATION_KINDS, "interval": ("wilson", "bootstrap")},
)

COMPARISONS: Final = Contract(
    name="comparisons",
    version=2,
    grain="candidate minus baseline for one metric in one cycle, paired by episode, with its 95 % bootstrap interval",
    columns={"cycle": pl.String, "baseline": pl.String, "candidate": pl.String, "metric": pl.String, **_DIFFERENCE},
    required=("cycle", "baseline", "candidate", "metric", "n", "higher_is_better", "kind"),
    key=("baseline", "candidate", "metric", "kind"),
    partition="cycle",
    pattern={"kind": EVALUATION_KINDS},
)

COMPARISON_SLICES: Final = Contract(
    name="comparison_slices",
    version=1,
    grain="candidate minus baseline for one metric and one group of episodes (a scenario, a language, an issue type)",
    columns={
        "cycle": pl.String,
        "baseline": pl.String,
        "candidate": pl.String,
        "metric": pl.String,
        "slice_by": pl.String,
        "slice": pl.String,
        "before": pl.Float64,
        "after": pl.Float64,
        **_DIFFERENCE,
    },
    required=("cycle", "baseline", "candidate", "metric", "slice_by", "slice", "n", "higher_is_better", "kind"),
    key=("baseline", "candidate", "metric", "kind", "slice_by", "slice"),
    partition="cycle",
    pattern={"kind": EVALUATION_KINDS, "slice_by": ("scenario", "locale", "issue_type")},
)

KNOWLEDGE_ABLATION: Final = Contract(
    name="knowledge_ablation",
    version=1,
    grain="what one metric loses where the model is not given its knowledge, on a share of traffic, paired by episode",
    columns={
        "cycle": pl.String,
        "model": pl.String,
        "metric": pl.String,
        "traffic": pl.Int64,
        "share": pl.Float64,
        "with_knowledge": pl.Float64,
        "without_knowledge": pl.Float64,
        **_DIFFERENCE,
    },
    required=("cycle", "model", "metric", "traffic", "share", "n", "higher_is_better", "kind"),
    key=("model", "metric"),
    partition="cycle",
    pattern={"kind": ("simulated",)},
)

SINGLE_ISSUE_DPO: Final = Contract(
    name="single_issue_dpo",
    version=1,
    grain="the repair rate of one issue type before and after DPO on pairs of that type alone",
    columns={
        "cycle": pl.String,
        "issue_type": pl.String,
        "pairs": pl.Int64,
        "held_out_turns": pl.Int64,
        "trained": pl.Boolean,
        "why": pl.String,
        "before": pl.Float64,
        "after": pl.Float64,
        **_DIFFERENCE,
    },
    required=("cycle", "issue_type", "pairs", "held_out_turns", "trained", "why", "n", "higher_is_better", "kind"),
    key=("issue_type",),
    partition="cycle",
    pattern={"issue_type": ISSUE_TYPES, "kind": ("repair",)},
)
