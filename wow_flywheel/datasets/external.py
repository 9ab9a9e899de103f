"""What a cycle reads that is in no table: dialogues between people, knowledge, general data, evaluation sets.

What belongs here: reading each of them once, with a hash for the manifest. What does not: tables (`build`), how much is taken
(`mixing`), keeping what was read for a rebuild (`inputs`).
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

import polars as pl

from wow_flywheel.contracts import CONVERSATIONS, SFT_DATASET
from wow_flywheel.conversations.daily import open_day
from wow_flywheel.conversations.sources import LogSource
from wow_flywheel.datasets.contamination import TEXTS
from wow_flywheel.datasets.evaluated import read_evaluation_sets
from wow_flywheel.datasets.json_files import aligned, digest, files, licence, records
from wow_flywheel.datasets.recipe import Folders
from wow_flywheel.datasets.rows import said, written_language
from wow_flywheel.errors import DatasetError
from wow_flywheel.knowledge.load import KNOWLEDGE_SCHEMA, PROCEDURE_SCHEMA, load_knowledge, load_procedures
from wow_flywheel.lake import Lake
from wow_flywheel.settings import Settings

GENERAL_SCHEMA: Final = {name: SFT_DATASET.columns[name] for name in ("conversation_id", "language", "messages")}
OWN_DATA: Final = "your own customers' conversations: as your terms with them allow"


@dataclass(frozen=True, slots=True)
class External:
    """What was read outside the tables.

    Attributes:
        human: Dialogues between people; contract `conversations`, redacted.
        knowledge: Columns unit_id, title, content.
        procedures: Columns policy_id, scenario, reply_id, text, next_reply_id.
        general: conversation_id (`general/<hash>`, unique), language, messages.
        evaluation: Rows that no training row may hold; columns `contamination.TEXTS`.
        hashes: SHA-256 by what was read: `human:<file>`, `general:<file>`, `evaluation:<file>`, `knowledge`, `procedures`.
        licences: A note for each source.
        quarantined: Lines of dialogues between people that could not be read.
    """

    human: pl.DataFrame = field(default_factory=CONVERSATIONS.empty)
    knowledge: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=KNOWLEDGE_SCHEMA))
    procedures: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=PROCEDURE_SCHEMA))
    general: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=GENERAL_SCHEMA))
    evaluation: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=TEXTS))
    hashes: Mapping[str, str] = field(default_factory=dict)
    licences: Mapping[str, str] = field(default_factory=dict)
    quarantined: int = 0


def read_external(lake: Lake, settings: Settings, folders: Folders) -> External:
    """Read all folders.

    Args:
        lake: Says whom to forget.
        settings: How dialogues between people are read and redacted.
        folders: Where the data lie.

    Raises:
        DatasetError, SourceError: A folder or a file cannot be read, or a line is of no known shape.
    """
    found, hashes = External(), dict[str, str]()
    licences = {"good_case": OWN_DATA}
    if folders.human is not None:
        conversations, quarantined = _human(lake, settings, folders.human, hashes)
        found = dataclasses.replace(found, human=conversations, quarantined=quarantined)
        licences["human"] = licence(folders.human, "WOW_HUMAN_URI")
    if folders.general is not None:
        found = dataclasses.replace(found, general=_general(folders.general, hashes))
        licences["general"] = licence(folders.general, "WOW_GENERAL_URI")
    found = dataclasses.replace(found, evaluation=read_evaluation_sets(folders, hashes))
    knowledge = load_knowledge(folders.knowledge) if folders.knowledge else found.knowledge
    procedures = load_procedures(folders.policies) if folders.policies else found.procedures
    units = {"knowledge": knowledge, "procedures": procedures}
    hashes |= {name: digest(frame.rows()) for name, frame in units.items() if frame.height}
    licences["knowledge"] = "your own knowledge units and procedures"
    return dataclasses.replace(found, knowledge=knowledge, procedures=procedures, hashes=hashes, licences=licences)


def _human(lake: Lake, settings: Settings, uri: str, hashes: dict[str, str]) -> tuple[pl.DataFrame, int]:
    source = LogSource.at(uri, timezone=settings.timezone)
    frames, quarantined = [], 0
    for day in source.days():
        with open_day(lake, settings, day, None, source) as read:
            frames.append(read.scan().collect())
            quarantined += read.counts["quarantined"]
        hashes |= {f"human:{file.path}": sha256(source.storage.cat_file(file.uri)).hexdigest() for file in source.files(day)}
    if not frames:
        raise DatasetError(f"{uri} holds no dialogues of any day", hint="check WOW_HUMAN_URI, or unset it")
    return CONVERSATIONS.conform(pl.concat(frames)), quarantined


def _general(uri: str, hashes: dict[str, str]) -> pl.DataFrame:
    ids, chats = [], []
    for name, data in files(uri, "WOW_GENERAL_URI"):
        hashes[f"general:{name}"] = sha256(data).hexdigest()
        for number, record in records(data, name):
            chat = aligned(record, f"{name}, line {number}")
            ids.append(f"general/{digest(chat)[:20]}")
            chats.append(chat)
    rows = pl.DataFrame({"conversation_id": ids, "messages": pl.Series(chats, dtype=GENERAL_SCHEMA["messages"])})
    named = rows.with_columns(language=written_language(said("messages"))).select(list(GENERAL_SCHEMA))
    return named.unique("conversation_id", keep="first", maintain_order=True)
