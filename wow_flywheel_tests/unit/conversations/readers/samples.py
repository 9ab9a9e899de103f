"""Where the real samples of other tools' logs lie, which are never part of the checkout; reading plain documents."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from wow_flywheel.conversations.readers.records import Records
from wow_flywheel.conversations.readers.registry import read

DATA = Path(os.environ.get("WOW_TEST_DATA") or Path(__file__).parents[4].parent / "shared" / "data")
SAMPLES = DATA / "log_formats"
needs_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the sample logs (../shared/data/log_formats) are not here")


def reading(name: str) -> Callable[[Iterable[Any]], Records]:
    """The reader of a format, for documents without indexes of their own."""
    return lambda documents: read(name, enumerate(documents))
