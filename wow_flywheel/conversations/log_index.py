"""Remembers of which days the files are that lie in no day's folder, so that each is read through once and not for each day.

What belongs here: the table `log_files`, and a file's home day. What does not: reading through a file (`moments`), listing
(`sources`). The table holds nothing that the files do not say: a lost row costs one more look at its file.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from zoneinfo import ZoneInfo

import polars as pl

from wow_flywheel.contracts import LOG_FILES
from wow_flywheel.conversations.detect import Formats
from wow_flywheel.conversations.moments import Moments, Spread, moments
from wow_flywheel.conversations.sources import FIRST_DAY, LogFile, LogSource
from wow_flywheel.lake import Lake

METHOD = "2"
"""Raised when `moments` finds other days than before, so that all files are looked through again."""
AT_ONCE = 1000
"""Files that are looked through before what they said is written."""
READERS = 4
FEW = 3
"""Partitions that are rewritten rather than added to, which keeps a day's rows in one file."""


def log_index(lake: Lake | None, timezone: str, formats: Formats) -> "LogIndex":
    """An index of files some of whose formats are named; naming others asks for the days of all files again."""
    method = f"{METHOD} {','.join(f'{pattern}={name}' for pattern, name in formats.named)}".strip()
    return LogIndex(lake, timezone, partial(moments, formats=formats), method)


@dataclass(frozen=True, slots=True)
class LogIndex:
    """The days of files.

    Attributes:
        lake: Where they are remembered; None remembers them as long as this object lives.
        timezone: IANA name of the business timezone.
        look: Finds the days of one file.
        method: How it looks: what was found by another method is looked for again.
    """

    lake: Lake | None
    timezone: str
    look: Moments = moments
    method: str = METHOD
    _seen: dict[str, LogFile] = field(default_factory=dict)

    def placed(self, source: LogSource, files: Sequence[LogFile]) -> list[LogFile]:
        """The files with their days and their home; those that are new or have changed are read through and remembered.

        Raises:
            SourceError: A file may not be read.
            StorageUnavailable: The object store does not answer, or a file went away since it was listed.
        """
        if not files:
            return []
        known = self.known()
        fresh = [file for file in files if not _is_same(known.get(file.path), file)]
        for start in range(0, len(fresh), AT_ONCE):
            found = list(self._looked_through(source, fresh[start : start + AT_ONCE]))
            known.update({file.path: file for file, _ in found})
            self._remember(found, {file.path for file in files})
        return [replace(file, dated=False, home=(k := known[file.path]).home, days=k.days) for file in files]

    def known(self) -> dict[str, LogFile]:
        """What is remembered, by path; a file may have changed since."""
        if self.lake is None:
            return self._seen
        mine = (pl.col("timezone") == self.timezone) & (pl.col("method") == self.method)
        rows = self.lake.scan(LOG_FILES.name).filter(mine).collect().sort("seen_at").unique("path", keep="last")
        columns = rows.select("path", "size", "token", "dt", pl.col("days").list.eval(pl.element().struct.field("day")))
        return {
            path: LogFile(path, "", size, token, dated=False, home=home, days=tuple(days))
            for path, size, token, home, days in columns.iter_rows()
        }

    def _looked_through(self, source: LogSource, files: Sequence[LogFile]) -> Iterator[tuple[LogFile, Spread]]:
        with ThreadPoolExecutor(READERS) as readers:
            yield from readers.map(lambda file: self._look(source, file), files)

    def _look(self, source: LogSource, file: LogFile) -> tuple[LogFile, Spread]:
        zone = ZoneInfo(self.timezone)
        with source.reading(file) as stream:
            spread = self.look(file.path, stream, zone)
        today = dt.datetime.now(zone).date()
        written = dt.datetime.fromtimestamp(file.modified, zone).date()
        days = [day for day in sorted(spread.days) if FIRST_DAY <= day <= today + dt.timedelta(days=1)]
        home = days[0] if days else max(FIRST_DAY, min(written, today))
        return replace(file, dated=False, home=home, days=tuple(days or [home])), spread

    def _remember(self, found: Sequence[tuple[LogFile, Spread]], listed: set[str]) -> None:
        if self.lake is None:
            return
        rows = pl.DataFrame([self._row(file, spread) for file, spread in found], schema=pl.Schema(LOG_FILES.columns))
        homes = rows["dt"].unique().sort().to_list()
        if len(homes) > FEW:
            self.lake.append(LOG_FILES.name, rows)
            return
        for home in homes:
            before = self.lake.read(LOG_FILES.name, home)
            kept = before.filter(pl.col("path").is_in(list(listed - set(rows["path"]))))
            both = pl.concat([kept, rows.filter(dt=home)]).sort("path", "seen_at").unique("path", keep="last")
            self.lake.replace(LOG_FILES.name, both.sort("path"), home)

    def _row(self, file: LogFile, spread: Spread) -> dict[str, object]:
        return {
            "dt": file.home,
            "path": file.path,
            "size": file.size,
            "token": file.token,
            "days": [{"day": day, "lines": spread.days.get(day, 0)} for day in file.days],
            "unreadable": spread.unreadable + sum(n for day, n in spread.days.items() if day not in file.days),
            "timezone": self.timezone,
            "method": self.method,
            "seen_at": dt.datetime.now(dt.UTC),
        }


def _is_same(known: LogFile | None, file: LogFile) -> bool:
    return known is not None and (known.size, known.token) == (file.size, file.token)
