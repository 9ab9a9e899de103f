"""Tables of what is learned from: rewrites, pairs, datasets.

What belongs here: the tables from the rewrites to what a model saw. What does not: labels (`labels`), how well it was learned
(`evaluations`); models, which are folders.
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

SFT_SOURCES: Final = ("good_case", "human", "knowledge", "general")
"""Where a dialogue of the SFT dataset comes from."""

SPLITS: Final = ("train", "validation", "held_out")

SFT_DATASET: Final = Contract(
    name="sft_dataset",
    version=3,
    grain="one training dialogue of a cycle, as chat messages whose assistant turns are unified dialogue-action JSON",
    columns={
        "cycle": pl.String,
        "dt": pl.Date,
        "conversation_id": pl.String,
        "user_id": pl.String,
        "scenario": pl.String,
        "language": pl.String,
        "source": pl.String,
        "from_cycle": pl.String,
        "split": pl.String,
        "messages": pl.List(pl.Struct({"role": pl.String, "content": pl.String})),
    },
    required=("cycle", "conversation_id", "scenario", "language", "source", "split", "messages"),
    key=("conversation_id",),
    partition="cycle",
    pattern={"split": SPLITS, "source": SFT_SOURCES},
)

PREFERENCE_DATASET: Final = Contract(
    name="preference_dataset",
    version=2,
    grain="one preference pair of a cycle: prompt messages, chosen and rejected unified dialogue-action JSON",
    columns={
        "cycle": pl.String,
        "dt": pl.Date,
        "conversation_id": pl.String,
        "pair_id": pl.String,
        "user_id": pl.String,
        "scenario": pl.String,
        "issue_type": pl.String,
        "language": pl.String,
        "source": pl.String,
        "source_conversation_id": pl.String,
        "from_cycle": pl.String,
        "split": pl.String,
        "prompt": pl.List(pl.Struct({"role": pl.String, "content": pl.String})),
        "chosen": pl.String,
        "rejected": pl.String,
    },
    required=(
        "cycle", "dt", "conversation_id", "pair_id", "user_id", "issue_type", "language", "split", "prompt", "chosen",
        "rejected",
    ),
    key=("pair_id",),
    partition="cycle",
    pattern={"split": ("train", "held_out")},
)  # fmt: skip

LABELLED_DATASET: Final = Contract(
    name="labelled_dataset",
    version=1,
    grain="one reply of a cycle that is labelled good or bad, with the chat before it: what KTO learns from without pairs",
    columns={
        "cycle": pl.String,
        "dt": pl.Date,
        "conversation_id": pl.String,
        "reply_id": pl.String,
        "user_id": pl.String,
        "scenario": pl.String,
        "label": pl.String,
        "issue_type": pl.String,
        "language": pl.String,
        "split": pl.String,
        "prompt": pl.List(pl.Struct({"role": pl.String, "content": pl.String})),
        "completion": pl.String,
    },
    required=(
        "cycle", "dt", "conversation_id", "reply_id", "user_id", "scenario", "label", "language", "split", "prompt",
        "completion",
    ),
    key=("reply_id",),
    partition="cycle",
    pattern={"split": ("train",), "label": ("good", "bad"), "issue_type": ISSUE_TYPES},
)  # fmt: skip

DATASET_ROWS: Final = Contract(
    name="dataset_rows",
    version=1,
    grain="one row that a dataset file of a cycle had, by the file's hash: what a model trained on it saw",
    columns={
        "cycle": pl.String,
        "dataset": pl.String,
        "file": pl.String,
        "dt": pl.Date,
        "conversation_id": pl.String,
        "pair_id": pl.String,
        "user_id": pl.String,
        "source": pl.String,
        "source_conversation_id": pl.String,
        "split": pl.String,
    },
    required=("cycle", "dataset", "conversation_id", "split"),
    partition="cycle",
    pattern={"split": SPLITS, "dataset": ("sft_dataset", "preference_dataset", "labelled_dataset")},
)

INPUT_KINDS: Final = ("human", "general", "evaluation", "knowledge", "procedures")

INPUT_LINES: Final = Contract(
    name="input_lines",
    version=1,
    grain="one line of a file outside the tables that a dataset was made from, once by its content",
    columns={
        "kind": pl.String,
        "digest": pl.String,
        "content": pl.String,
        "dt": pl.Date,
        "conversation_id": pl.String,
        "user_id": pl.String,
    },
    required=("kind", "digest", "content"),
    key=("digest",),
    partition="kind",
    pattern={"kind": INPUT_KINDS},
)

CYCLE_INPUTS: Final = Contract(
    name="cycle_inputs",
    version=1,
    grain="one line of `input_lines` that a build of a cycle's datasets read",
    columns={"cycle": pl.String, "build": pl.String, "kind": pl.String, "place": pl.Int64, "digest": pl.String},
    required=("cycle", "build", "kind", "place", "digest"),
    key=("build", "kind", "place"),
    partition="cycle",
    pattern={"kind": INPUT_KINDS},
)
