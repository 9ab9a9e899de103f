"""Of which format a log file is, told from its first lines.

What belongs here: looking at a file. What does not: recognising a document (`readers.registry`).
"""

import json
from itertools import islice
from typing import Final

from wow_flywheel.conversations.lines import Block
from wow_flywheel.conversations.readers.registry import NATIVE, detect

LOOKED_AT: Final = 100
"""Lines that are shown to the readers before a file counts as native."""


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
