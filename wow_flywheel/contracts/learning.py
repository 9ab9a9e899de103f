"""Tables of what is learned from and how well: rewrites, pairs, datasets, evaluations, comparisons.

What belongs here: the tables from the pairs on. What does not: labels (`labels`); models, which are folders.
"""

from typing import Final

import polars as pl

from wow_flywheel.contracts.contract import Contract
from wow_flywheel.contracts.vocabulary import ISSUE_TYPES, MESSAGE

KNOWLEDGE_UNIT: Final = pl.Struct({"unit_id": pl.String, "title": pl.String, "content": pl.String})
"""One knowledge unit as it was."""

REWRITE_CANDIDATES: Final = Contract(
    name="rewrite_candidates",
    version=2,
    grain="one candidate rewrite of one Bad Case turn, accepted or not, with the reason",
    columns={
        "dt": pl.Date,
        "conversation_id": pl.String,
        "pair_id": pl.String,
        "turn": pl.Int64,
        "issue_type": pl.String,
        "source": pl.String,
        "source_conversation_id": pl.String,
        "candidate": pl.String,
        "accepted": pl.Boolean,
        "stage": pl.String,
        "reason": pl.String,
    },
    required=("dt", "conversation_id", "turn", "issue_type", "source", "candidate", "accepted", "reason"),
)

PREFERENCE_PAIRS: Final = Contract(
    name="preference_pairs",
    version=2,
    grain="one preference pair at the turn of a Bad Case that went wrong",
    columns={
        "dt": pl.Date,
        "conversation_id": pl.String,
        "pair_id": pl.String,
        "user_id": pl.String,
        "scenario": pl.String,
        "locale": pl.String,
        "turn": pl.Int64,
        "issue_type": pl.String,
        "prompt": pl.List(MESSAGE),
        "knowledge": pl.List(KNOWLEDGE_UNIT),
        "chosen": pl.String,
        "rejected": pl.String,
        "length_ratio": pl.Float64,
        "source": pl.String,
        "source_conversation_id": pl.String,
        "verified_by": pl.String,
    },
    required=(
        "dt", "conversation_id", "pair_id", "user_id", "scenario", "turn", "issue_type", "prompt", "chosen", "rejected",
        "source", "verified_by",
    ),
    key=("pair_id",),
    pattern={"issue_type": ISSUE_TYPES},
)  # fmt: skip

SFT_DATASET: Final = Contract(
    name="sft_dataset",
    version=1,
    grain="one training dialogue of a cycle, as chat messages whose assistant turns are unified dialogue-action JSON",
    columns={
        "cycle": pl.String,
        "dt": pl.Date,
        "conversation_id": pl.String,
        "user_id": pl.String,
        "scenario": pl.String,
        "split": pl.String,
        "messages": pl.List(pl.Struct({"role": pl.String, "content": pl.String})),
    },
    required=("cycle", "dt", "conversation_id", "user_id", "scenario", "split", "messages"),
    key=("conversation_id",),
    partition="cycle",
    pattern={"split": ("train", "held_out")},
)

PREFERENCE_DATASET: Final = Contract(
    name="preference_dataset",
    version=1,
    grain="one preference pair of a cycle: prompt messages, chosen and rejected unified dialogue-action JSON",
    columns={
        "cycle": pl.String,
        "dt": pl.Date,
        "conversation_id": pl.String,
        "pair_id": pl.String,
        "user_id": pl.String,
        "scenario": pl.String,
        "issue_type": pl.String,
        "split": pl.String,
        "prompt": pl.List(pl.Struct({"role": pl.String, "content": pl.String})),
        "chosen": pl.String,
        "rejected": pl.String,
    },
    required=("cycle", "dt", "conversation_id", "pair_id", "user_id", "issue_type", "split", "prompt", "chosen", "rejected"),
    key=("pair_id",),
    partition="cycle",
    pattern={"split": ("train", "held_out")},
)

EVALUATIONS: Final = Contract(
    name="evaluations",
    version=1,
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
    },
    required=("cycle", "model", "metric", "n", "higher_is_better", "kind"),
    key=("model", "metric"),
    partition="cycle",
    pattern={"kind": ("simulated", "offline")},
)

COMPARISONS: Final = Contract(
    name="comparisons",
    version=1,
    grain="candidate minus baseline for one metric in one cycle, paired by episode, with its 95 % bootstrap interval",
    columns={
        "cycle": pl.String,
        "baseline": pl.String,
        "candidate": pl.String,
        "metric": pl.String,
        "difference": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
        "n": pl.Int64,
        "higher_is_better": pl.Boolean,
        "kind": pl.String,
    },
    required=("cycle", "baseline", "candidate", "metric", "n", "higher_is_better", "kind"),
    key=("baseline", "candidate", "metric"),
    partition="cycle",
    pattern={"kind": ("simulated", "offline")},
)
