"""Where the real samples of other tools' logs lie; they are never part of the checkout."""

import os
from pathlib import Path

import pytest

DATA = Path(os.environ.get("WOW_TEST_DATA") or Path(__file__).parents[4].parent / "shared" / "data")
SAMPLES = DATA / "log_formats"
needs_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the sample logs (../shared/data/log_formats) are not here")
