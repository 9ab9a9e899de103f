"""Deletes a person: tombstone, files, ledger, tables, old versions, in an order that after a kill can be completed.

What belongs here: the order, and the record of what was deleted. What does not: which rows are theirs (`person`), files of
models (`files`), the tombstones (`tombstones`).

    1  the tombstone, so that no run brings back what is deleted meanwhile; it also keeps which cycles were trained on them
    2  files of datasets and evaluations, and the endpoint's answers about their conversations
    3  the tables, each before those that it was made from: until `conversations`, the last, is done, running again finds
       everything that is left
    4  old versions of every table that may have held them, with the parts of the log that quote values

A table's partition is replaced, not deleted from by a condition: the log would keep the condition, and their id in it.
"""

import dataclasses
import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import polars as pl

from wow_flywheel.contracts import TABLES
from wow_flywheel.conversations.duplicates.find import find_duplicates
from wow_flywheel.forget.files import files_of, journals_of, rewrite
from wow_flywheel.forget.models import Sighting, TrainedModel, rebuildable, sightings, trained_on
from wow_flywheel.forget.person import NOBODYS, Person, find_person
from wow_flywheel.forget.tombstones import cycles_of, remember
from wow_flywheel.lake import Lake
from wow_flywheel.llm.ledger import Ledger
from wow_flywheel.settings import Settings

RECOMPUTED: Final = "duplicates"


@dataclass(frozen=True, slots=True)
class Forgetting:
    """What was deleted, or would be.

    Attributes:
        dry_run: Whether nothing was touched.
        rows: Rows by table.
        files: Lines or rows by file below `WOW_MODELS_URI`.
        ledger_entries: Answers of the endpoint about their conversations.
        sources: Log files that still hold their lines, and journals of the serving process: for the operator to clean.
        models: Models that were trained on them, by cycle.
        rebuilds: Cycles and releases whose datasets can be rebuilt exactly until then, and never after: the old versions of the
            tables go, and their lines in dialogues between people.
        vacuumed: Data files of old versions that were removed.
    """

    dry_run: bool
    rows: dict[str, int] = field(default_factory=dict)
    files: dict[str, int] = field(default_factory=dict)
    ledger_entries: int = 0
    sources: list[str] = field(default_factory=list)
    models: list[TrainedModel] = field(default_factory=list)
    rebuilds: list[str] = field(default_factory=list)
    vacuumed: int = 0

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return dataclasses.asdict(self)


def plan(lake: Lake, settings: Settings, user_id: str) -> Forgetting:
    """What `forget` would delete; nothing is touched.

    Args:
        lake: The tables.
        settings: They name the models' and the logs' folders.
        user_id: The customer, as the logs name them or as the tables do.
    """
    person = find_person(lake, user_id)
    owned = {name: lake.scan(name).filter(person.owns(TABLES[name])) for name in _tables(lake)}
    if (vault := _vault(settings)) is not None:
        owned["vault"] = vault.scan("vault").filter(person.owns(TABLES["vault"]))
    counted = {name: rows.select(pl.len()).collect().item() for name, rows in owned.items()}
    read_from = [owned[name].select("source_file") for name in ("conversations", "quarantine", "feedback") if name in owned]
    sources = sorted({file for rows in read_from for file in rows.collect()["source_file"].drop_nulls()})
    return Forgetting(
        dry_run=True,
        rows={name: count for name, count in counted.items() if count},
        files={each.path: each.removed for each in files_of(Path(settings.models_uri), person)},
        ledger_entries=len(_answers(lake, person)),
        sources=[*sources, *journals_of(settings.logs_uri, person)],
        models=trained_on(_seen(lake, person), Path(settings.models_uri), lake),
        rebuilds=rebuildable(lake, Path(settings.models_uri)),
    )


def forget(
    lake: Lake, settings: Settings, user_id: str, now: dt.datetime, say: Callable[[Forgetting], None] | None = None
) -> Forgetting:
    """Delete a customer. No other run may write to the lake meanwhile: the vacuum takes files that no version names yet.

    Args:
        lake: The tables.
        settings: They name the models' and the logs' folders, and how duplicates are found.
        user_id: The customer, as the logs name them or as the tables do.
        now: The time of the tombstone, with a timezone.
        say: Told the plan before anything is deleted: after a kill, only its log still has the list of source files.

    Returns:
        What was deleted by this call; after a kill, the rest.

    Raises:
        StorageUnavailable: The storage does not answer, or other writers won every attempt.
    """
    planned = plan(lake, settings, user_id)
    if say is not None:
        say(planned)
    person = find_person(lake, user_id)
    remember(lake, person.user_ids, {each.cycle for each in _seen(lake, person)}, person.ids, now)
    for each in files_of(Path(settings.models_uri), person):
        rewrite(each)
    Ledger.at(lake.uri).remove(_answers(lake, person))
    vault = _vault(settings)
    if vault is not None:
        _empty_of(vault, "vault", person, settings)
    for name in _tables(lake):
        _empty_of(lake, name, person, settings)
    vacuumed = sum(lake.vacuum(name) for name in _tables(lake)) + (vault.vacuum("vault") if vault else 0)
    return dataclasses.replace(planned, dry_run=False, vacuumed=vacuumed)


def _vault(settings: Settings) -> Lake | None:
    """Where originals are kept, if any were; its entries go without being opened, so no key is needed."""
    vault = Lake.at(settings.vault_uri) if settings.vault_uri else None
    return vault if vault is not None and vault.exists("vault") else None


def _tables(lake: Lake) -> list[str]:
    """Those that may hold the person, in the order of deletion: the last made first.

    `duplicates` alone comes after the table that it was made from, since its days are found again without the person.
    """
    order = [name for name in reversed(TABLES) if name not in (*NOBODYS, RECOMPUTED)]
    order.insert(order.index("fingerprints") + 1, RECOMPUTED)
    return [name for name in order if lake.exists(name)]


def _empty_of(lake: Lake, name: str, person: Person, settings: Settings) -> None:
    contract = TABLES[name]
    owned = person.owns(contract)
    touched = lake.scan(name).filter(owned).select(contract.partition).unique().collect().to_series().sort()
    for partition in touched:
        if name == RECOMPUTED:
            back = settings.duplicate_window_days
            rest = find_duplicates(lake, partition, threshold=settings.near_duplicate, window_days=back).duplicates
        else:
            rest = lake.read(name, partition).filter(~owned)
        lake.replace(name, rest, partition)


def _seen(lake: Lake, person: Person) -> set[Sighting]:
    """Where models saw the person: files that have rows of theirs, and cycles that an earlier tombstone of theirs names."""
    before = {Sighting(cycle) for cycle in cycles_of(lake, person.user_ids)}
    return sightings(lake, person.owns(TABLES["dataset_rows"])) | before


def _answers(lake: Lake, person: Person) -> list[str]:
    owned = lake.scan("inspections").filter(person.owns(TABLES["inspections"])).select("prompt_hash").collect()
    return Ledger.at(lake.uri).keys_about(person.is_subject, set(owned["prompt_hash"].drop_nulls()))
