"""What all tests share: where they write, their threads, and whether property tests try the same examples each time.

What belongs here: settings of the whole run. What does not: fixtures of one folder, which has a conftest of its own.
"""

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import settings

from wow_flywheel_tests.effort import everything

MEMORY = Path("/dev/shm")  # noqa: S108 - the folder that Linux keeps in memory; pytest makes one of its own in it, for this user alone
ENOUGH_BYTES = 4 * 2**30
settings.register_profile("quick", derandomize=True)
if not everything():
    settings.load_profile("quick")  # a change is judged by what it changes; `make test-all` looks for what nobody has seen yet


def pytest_configure(config: pytest.Config) -> None:
    """Let tests write to memory where it has room: Dagster's SQLite waits for the disk at every event, a third of all time."""
    chosen = config.option.basetemp or os.environ.get("PYTEST_DEBUG_TEMPROOT")
    if not chosen and MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ENOUGH_BYTES:
        os.environ["PYTEST_DEBUG_TEMPROOT"] = str(MEMORY)
    if getattr(config.option, "numprocesses", None):  # workers inherit it: each has a core, and no use for a pool of threads
        for pool in ("POLARS_MAX_THREADS", "OMP_NUM_THREADS"):
            os.environ.setdefault(pool, "1")
