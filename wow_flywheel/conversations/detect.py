"""Of which format a log file is: as `WOW_LOGS_FORMAT` names it, else told from its first lines.

What belongs here: looking at a file, and the setting. What does not: recognising a document (`readers.registry`).
"""

import json
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from itertools import islice
from typing import Final

from wow_flywheel.conversations.lines import Block
from wow_flywheel.conversations.readers.registry import NATIVE, READERS, detect
from wow_flywheel.errors import SettingsError

SETTING: Final = "WOW_LOGS_FORMAT"
LOOKED_AT: Final = 100
"""Lines that are shown to the readers before a file counts as native."""
NAMES: Final = (NATIVE, *READERS)


@dataclass(frozen=True, slots=True)
class Formats:
    """The formats of files.

    Attributes:
        named: Patterns of paths below the source, each with the format of files that match it; the first that matches counts.
    """

    named: tuple[tuple[str, str], ...] = ()

    def of(self, path: str, block: Block) -> str:
        """The format of a file: a key of `READERS`, or `native`.

        Args:
            path: Relative to the source.
            block: Its first lines, which tell the format of a file that no pattern names.
        """
        return next((name for pattern, name in self.named if fnmatchcase(path, pattern)), None) or format_of(block)


DETECTED: Final = Formats()


def read_formats(text: str) -> Formats:
    """The formats that `WOW_LOGS_FORMAT` names: one for all files, such as `otel`, or `gateway/*=openai,*.parquet=langsmith`.

    Raises:
        SettingsError: There is no such format; the hint lists those that there are, and the nearest.
    """
    return Formats(tuple(_named(part) for part in filter(None, (piece.strip() for piece in text.split(",")))))


def _named(part: str) -> tuple[str, str]:
    pattern, given, name = (piece.strip() for piece in part.rpartition("="))
    if given and not pattern:
        raise SettingsError(f"{SETTING}: {part!r} names no files", hint="write gateway/*=openai, or one format alone")
    if name not in NAMES:
        meant = get_close_matches(name, NAMES, 1)
        guess = f"; did you mean {meant[0]}?" if meant else ""
        raise SettingsError(f"{SETTING} names the format {name!r}", hint=f"the formats are {', '.join(NAMES)}{guess}")
    return pattern or "*", name


def format_of(block: Block) -> str:
    """The format of the first line that a reader knows; native if none does, so that quarantine says what is wrong."""
    for line in islice(block.lines(), LOOKED_AT):
        try:
            document = json.loads(line.data) if line.broken is None and line.data.strip() else None
        except (ValueError, RecursionError):
            continue
        if document is not None and (found := detect(document)):
            return found
    return NATIVE
