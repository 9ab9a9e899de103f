"""Which days to run because their log files are new, changed, late or gone, and which of them have to wait.

What belongs here: the decision, as a plain function of what was remembered and what is there. What does not: listing
(`sources`), starting runs (`defs.sensors`).
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from wow_flywheel.conversations.log_paths import dated_folder, folder_day
from wow_flywheel.conversations.sources import LogFile, LogSource
from wow_flywheel.errors import SettingsError

VERSION: Final = 2
DAYS_A_TICK: Final = 30


@dataclass(frozen=True, slots=True)
class DayState:
    """The files of a day in three short values, however many files there are.

    Attributes:
        content: Fingerprint of every file's path, size and token.
        newest: When the newest of them was written, in seconds since 1970.
        key: Of the run last asked for; each is made of the one before it, so that a day that becomes as it once was runs again.
    """

    content: str
    newest: float
    key: str = ""


@dataclass(frozen=True, slots=True)
class LogCursor:
    """What is remembered between ticks.

    Attributes:
        asked: Each day as it was when it was last asked for.
        waiting: Each day that waits, as it was last seen.
    """

    asked: Mapping[str, DayState] = field(default_factory=dict)
    waiting: Mapping[str, DayState] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str | None) -> "LogCursor":
        """The cursor as stored, also by the version before this one; none yet means that nothing was seen.

        Raises:
            SettingsError: The text is of another version or no cursor at all.
        """
        try:
            stored: dict[str, Any] = json.loads(text) if text else {"version": VERSION}
            read = _READ[stored.get("version")]
            days = {part: dict(stored.get(part, {})) for part in ("asked", "waiting")}
            return cls(**{part: {day: read(state) for day, state in states.items()} for part, states in days.items()})
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            raise SettingsError(
                "the cursor of the sensor new_logs is not one that this version can read",
                hint="delete it with `dagster sensor cursor new_logs --delete`: the sensor then looks at every day anew",
            ) from error

    def dump(self) -> str:
        """The cursor as text: about 60 bytes a day."""
        parts = {"asked": self.asked, "waiting": self.waiting}
        days = {part: {day: [s.content, s.newest, s.key] for day, s in states.items()} for part, states in parts.items()}
        return json.dumps({"version": VERSION} | days, sort_keys=True, separators=(",", ":"))

    def is_growing(self, day: str, files: Sequence[LogFile]) -> bool:
        """Whether a file of the day that was seen before has changed or gone since; only new files beside it do not matter."""
        before = self.waiting.get(day, self.asked.get(day))
        if before is None or fingerprint(files) == before.content:
            return False
        return fingerprint(file for file in files if file.modified <= before.newest) != before.content


@dataclass(frozen=True, slots=True)
class Found:
    """What is there.

    Attributes:
        days: The files of every day.
        held: Days that must not run yet, with the reason in words.
    """

    days: Mapping[str, Sequence[LogFile]]
    held: Mapping[str, str] = field(default_factory=dict)


def arrived(source: LogSource, now: float, settle_seconds: int) -> Found:
    """List the logs and sort them by the days that they touch.

    Args:
        source: Where they lie.
        now: Seconds since 1970.
        settle_seconds: A file that was written less long ago holds its days, and is not looked through.

    Raises:
        SourceError: The source cannot be listed or a file not be read.
        StorageUnavailable: The object store does not answer.
    """
    logs, others = source.listing()
    days: defaultdict[str, list[LogFile]] = defaultdict(list)
    held: dict[str, str] = {}
    fresh = {file.path for file in logs if abs(now - file.modified) < settle_seconds}
    known = source.index.known() if any(not file.dated for file in logs if file.path in fresh) else {}
    loose = [file for file in logs if not file.dated]
    touched = {file.path: file.days for file in source.index.placed(source, [f for f in loose if f.path not in fresh])}
    for file in logs:
        folder = dated_folder(file.path)
        of = (
            (folder_day(folder),) if folder else touched.get(file.path) or (known[file.path].days if file.path in known else ())
        )
        for day in map(str, of):
            days[day].append(file)
            if file.path in fresh:
                held[day] = f"{file.path} was written less than {settle_seconds} s ago"
            elif folder and source.manifest and f"{folder}/{source.manifest}" not in others:
                held.setdefault(day, f"{folder} has no {source.manifest} yet")
    return Found(days, held)


def look(cursor: LogCursor, found: Found, limit: int = DAYS_A_TICK) -> tuple[LogCursor, dict[str, str]]:
    """Decide which days to run.

    A day runs when its files differ from those that it was last run for, whether new, changed, late or removed; but a file that
    has changed since the last tick may still be growing, so its day waits until a tick finds it unchanged.

    Args:
        cursor: What the last tick remembered.
        found: What is there now.
        limit: Days to ask for at most; the oldest first, the others wait for the next tick.

    Returns:
        What to remember, and the run key by day of the days to run.
    """
    now = {day: _seen(found.days.get(day, ())) for day in sorted({*found.days, *cursor.asked})}
    changed = [day for day, state in now.items() if state.content != _before(cursor, day).content]
    waits = {day: now[day] for day in changed if day in found.held or _is_waited_for(cursor, found, day)}
    keys = {day: _key(_before(cursor, day), now[day]) for day in [day for day in changed if day not in waits][:limit]}
    asked = {day: DayState(now[day].content, now[day].newest, key) for day, key in keys.items()}
    return LogCursor({**cursor.asked, **asked}, waits), {day: f"{day} {key}" for day, key in keys.items()}


def in_words(found: Found, waiting: Iterable[str], *, most: int = 5) -> str:
    """Why days wait, for the first few of them."""
    days = sorted(waiting)
    said = [f"{day} waits: {found.held.get(day, 'a file has changed since the last tick')}" for day in days[:most]]
    return "; ".join([*said, *([f"and {len(days) - most} more days"] if len(days) > most else [])])


def fingerprint(files: Iterable[LogFile]) -> str:
    """The same for the same paths, sizes and tokens in any order."""
    lines = sorted(f"{file.path}\0{file.size}\0{file.token}\n" for file in files)
    return sha256("".join(lines).encode(errors="surrogateescape")).hexdigest()[:16]


NOTHING: Final = DayState(fingerprint([]), 0.0)


def _seen(files: Sequence[LogFile]) -> DayState:
    return DayState(fingerprint(files), max((file.modified for file in files), default=0.0))


def _before(cursor: LogCursor, day: str) -> DayState:
    return cursor.asked.get(day, NOTHING)


def _is_waited_for(cursor: LogCursor, found: Found, day: str) -> bool:
    return day in found.days and cursor.is_growing(day, found.days[day])


def _key(before: DayState, now: DayState) -> str:
    return sha256(f"{before.key} {before.content} {now.content}".encode()).hexdigest()[:16]


def _state(stored: Sequence[Any]) -> DayState:
    content, newest, key = stored
    return DayState(str(content), float(newest), str(key))


def _state_of_files(stored: Mapping[str, Sequence[Any]]) -> DayState:
    """A day as the first version wrote it: size and token by path. Its newest file is not known, so it waits if it changes."""
    return DayState(fingerprint(LogFile(path, "", int(size), str(token)) for path, (size, token) in stored.items()), -1.0)


_READ: Final[Mapping[int | None, Callable[[Any], DayState]]] = {None: _state_of_files, VERSION: _state}
"""The first version wrote no number."""
