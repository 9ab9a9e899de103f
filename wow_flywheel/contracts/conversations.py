"""Tables of what was said: conversations, what was kept aside, feedback, duplicates, who is forgotten.

What belongs here: the tables that ingestion fills. What does not: judgements of what was said (`labels`).
"""

from typing import Final

import polars as pl

from wow_flywheel.contracts.contract import Contract
from wow_flywheel.contracts.vocabulary import FEEDBACK, MESSAGE, TIMESTAMP

CONVERSATIONS: Final = Contract(
    name="conversations",
    version=3,
    grain="one conversation, redacted",
    columns={
        "dt": pl.Date,
        "conversation_id": pl.String,
        "user_id": pl.String,
        "channel": pl.String,
        "scenario": pl.String,
        "locale": pl.String,
        "model": pl.String,
        "started_at": TIMESTAMP,
        "ended_at": TIMESTAMP,
        "messages": pl.List(MESSAGE),
        "feedback": FEEDBACK,
        "extra": pl.String,
        "logged_ids": pl.List(pl.Struct({"id": pl.String, "turn": pl.Int64})),
        "redactions": pl.Int64,
        "source_file": pl.String,
        "source_line": pl.Int64,
    },
    required=("dt", "conversation_id", "user_id", "scenario", "started_at", "ended_at", "messages"),
    key=("conversation_id",),
)

QUARANTINE: Final = Contract(
    name="quarantine",
    version=2,
    grain="one input line that could not be read or broke the contract, redacted",
    columns={
        "dt": pl.Date,
        "conversation_id": pl.String,
        "user_id": pl.String,
        "source_file": pl.String,
        "source_line": pl.Int64,
        "byte_offset": pl.Int64,
        "reason": pl.String,
        "detail": pl.String,
        "redacted_line": pl.String,
    },
    required=("dt", "source_file", "source_line", "reason"),
    key=("source_file", "source_line"),
)

FEEDBACK_LINES: Final = Contract(
    name="feedback",
    version=2,
    grain="one word of a person on a conversation, that came on a line of its own or is a better reply; joined or waiting",
    columns={
        "dt": pl.Date,
        "rated_conversation_id": pl.String,
        "rated_message_id": pl.String,
        "rated_ids": pl.List(pl.String),
        "user_id": pl.String,
        "thumb": pl.String,
        "score": pl.Float64,
        "comment": pl.String,
        "correction": pl.String,
        "joined": pl.Boolean,
        "source_file": pl.String,
        "source_line": pl.Int64,
        "part": pl.Int64,
    },
    required=("dt", "source_file", "source_line"),
    pattern={"thumb": ("up", "down")},
)

LOG_FILES: Final = Contract(
    name="log_files",
    version=1,
    grain="one log file outside the days' folders, with the days that its lines are of; the latest row of a path counts",
    columns={
        "dt": pl.Date,
        "path": pl.String,
        "size": pl.Int64,
        "token": pl.String,
        "days": pl.List(pl.Struct({"day": pl.Date, "lines": pl.Int64})),
        "unreadable": pl.Int64,
        "timezone": pl.String,
        "method": pl.String,
        "seen_at": TIMESTAMP,
    },
    required=("dt", "path", "size", "token", "days", "unreadable", "timezone", "method", "seen_at"),
    key=("path",),
)

FINGERPRINTS: Final = Contract(
    name="fingerprints",
    version=1,
    grain="what later days need to see that a conversation of theirs repeats this one",
    columns={
        "dt": pl.Date,
        "conversation_id": pl.String,
        "started_at": TIMESTAMP,
        "algorithm": pl.String,
        "exact_hash": pl.String,
        "template_hash": pl.String,
        "bands": pl.List(pl.Int64),
        "signature": pl.Binary,
    },
    required=("dt", "conversation_id", "started_at", "algorithm", "exact_hash", "template_hash"),
    key=("conversation_id",),
)

DUPLICATES: Final = Contract(
    name="duplicates",
    version=1,
    grain="one conversation that repeats an earlier one, exactly or nearly; training data leave it out",
    columns={
        "dt": pl.Date,
        "conversation_id": pl.String,
        "kind": pl.String,
        "of_dt": pl.Date,
        "of_conversation_id": pl.String,
        "similarity": pl.Float64,
    },
    required=("dt", "conversation_id", "kind", "of_dt", "of_conversation_id", "similarity"),
    key=("conversation_id",),
    pattern={"kind": ("exact", "near")},
)

FORGOTTEN: Final = Contract(
    name="forgotten",
    version=2,
    grain="one person whose conversations were deleted, and whose log records are ignored from then on; or more of their ids",
    columns={
        "dt": pl.Date,
        "user_hash": pl.String,
        "salt": pl.String,
        "forgotten_at": TIMESTAMP,
        "cycles": pl.List(pl.String),
        "conversations": pl.List(pl.String),
    },
    required=("dt", "salt", "forgotten_at", "cycles"),
)

VAULT: Final = Contract(
    name="vault",
    version=1,
    grain="one value that redaction replaced, encrypted; under WOW_VAULT_URI, never in the lake",
    columns={"dt": pl.Date, "conversation_id": pl.String, "placeholder": pl.String, "ciphertext": pl.Binary},
    required=("dt", "conversation_id", "placeholder", "ciphertext"),
    key=("conversation_id", "placeholder"),
)
