"""The table `forgotten`: whose log records are ignored from now on, without saying who that is.

What belongs here: adding a tombstone, and asking whether a customer has one. What does not: deleting (`erase`).

A tombstone holds the hash of the customer's id with a salt that the lake draws once. It keeps ids from being read, not from
being guessed: whoever can read the lake can hash an id and compare.
"""

import datetime as dt
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import sha256

import polars as pl

from wow_flywheel.contracts import FORGOTTEN
from wow_flywheel.lake import Lake


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The customers of a lake that were forgotten.

    Attributes:
        salt: The lake's.
        hashes: Of their ids, each as it was given and as its pseudonym.
        conversations: Hashes of the ids of their conversations, and of calls and traces in these.
    """

    salt: str
    hashes: frozenset[str]
    conversations: frozenset[str] = frozenset()

    def __contains__(self, user_id: str) -> bool:
        return bool(self.hashes) and hashed(self.salt, user_id) in self.hashes

    def had(self, name: str) -> bool:
        """Whether an id is of a conversation, call or trace of theirs."""
        return bool(self.conversations) and hashed(self.salt, name) in self.conversations

    def among(self, user_ids: pl.Series) -> pl.Series:
        """Which of a column's customers were forgotten: Boolean, False where the id is null.

        Each distinct id is hashed once; with no tombstones nothing is.
        """
        distinct = user_ids.drop_nulls().unique() if self.hashes else user_ids.clear()
        theirs = [user_id for user_id in distinct.to_list() if user_id in self]
        return user_ids.is_in(theirs).fill_null(value=False)


def hashed(salt: str, user_id: str) -> str:
    """SHA-256 of the salt and an id, in hex."""
    return sha256(f"{salt}:{user_id}".encode()).hexdigest()


def forgotten_users(lake: Lake) -> Forgotten:
    """The customers that a lake has forgotten; read it once a run, not once a record."""
    rows = lake.read("forgotten")
    conversations = rows["conversations"].explode(empty_as_null=False).drop_nulls()
    salt = rows["salt"][0] if rows.height else ""
    return Forgotten(salt, frozenset(rows["user_hash"].drop_nulls()), frozenset(conversations))


def cycles_of(lake: Lake, user_ids: Collection[str]) -> set[str]:
    """The cycles that tombstones of these ids name: those that had been trained on them."""
    known = forgotten_users(lake)
    hashes = [hashed(known.salt, each) for each in user_ids]
    rows = lake.read("forgotten").filter(pl.col("user_hash").is_in(hashes))
    return set(rows["cycles"].explode(empty_as_null=False).drop_nulls())


def remember(
    lake: Lake, user_ids: Collection[str], cycles: Collection[str], conversations: Collection[str], now: dt.datetime
) -> None:
    """Add a tombstone for each id, unless it has one that names these cycles and conversations already.

    Args:
        lake: The tables.
        user_ids: All forms of one customer's id.
        cycles: The cycles whose datasets hold rows of theirs.
        conversations: Ids of their conversations, and of calls and traces in these: feedback names no customer.
        now: When, with a timezone.
    """
    known = forgotten_users(lake)
    told = set(cycles) <= cycles_of(lake, user_ids) and all(known.had(each) for each in conversations)
    if told and all(each in known for each in user_ids):
        return
    salt = known.salt or secrets.token_hex(16)
    users: list[str | None] = [hashed(salt, each) for each in sorted(user_ids)]
    _add(lake, users, salt, sorted(cycles), [hashed(salt, each) for each in conversations], now)


def remember_conversations(lake: Lake, conversations: Collection[str], now: dt.datetime) -> None:
    """Add the ids of conversations of forgotten people that a log still had, so that feedback on them is ignored too."""
    known = forgotten_users(lake)
    fresh = [each for each in conversations if not known.had(each)]
    if fresh:
        _add(lake, [None], known.salt, [], [hashed(known.salt, each) for each in fresh], now)


def _add(lake: Lake, users: list[str | None], salt: str, cycles: list[str], conversations: list[str], now: dt.datetime) -> None:
    about = {"dt": now.astimezone(dt.UTC).date(), "salt": salt, "forgotten_at": now}
    rows = [about | {"user_hash": each, "cycles": cycles, "conversations": sorted(conversations)} for each in users]
    lake.append("forgotten", pl.DataFrame(rows, schema=pl.Schema(FORGOTTEN.columns)))
