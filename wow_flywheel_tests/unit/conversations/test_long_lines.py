"""Lines of 50 MB and of 65 MiB, as they are: read or kept aside, in bounded memory, each in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from wow_flywheel_tests.unit.conversations.logs import line, write

READ = """
import datetime as dt, json, re, sys
from pathlib import Path
from wow_flywheel.conversations.ingest import read_day
from wow_flywheel.conversations.sources import LogSource
with read_day(LogSource.at(sys.argv[1]), dt.date(2026, 11, 5)) as day:
    said = [[len(each["content"]) for each in messages] for messages in day.conversations["messages"]]
    kept = [len(text) for text in day.quarantine["redacted_line"]]
    reasons = day.quarantine["reason"].to_list()
    peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) // 1024
    print(json.dumps({"counts": dict(day.counts), "said": said, "reasons": reasons, "kept": kept, "peak_mib": peak}))
"""


def read_alone(root: Path) -> dict[str, Any]:
    """What a process of its own reads of the day, and its peak memory: not `ru_maxrss`, which begins with its parent's."""
    done = subprocess.run([sys.executable, "-c", READ, str(root)], capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.slow
def test_a_line_of_50_mb_is_a_conversation(tmp_path: Path) -> None:
    turn = "The parcel went out and will be with you soon. " * 20
    messages = [{"role": ("user", "assistant")[place % 2], "content": turn} for place in range(50_000_000 // (len(turn) + 40))]
    data = line(messages=messages)
    assert 49_000_000 < len(data) < 51_000_000
    write(tmp_path, data + b"\n" + line("c-2"))
    found = read_alone(tmp_path)
    assert (found["counts"]["conversations"], found["counts"]["quarantined"]) == (2, 0)
    assert found["said"][0] == [len(turn)] * len(messages)
    assert found["peak_mib"] < 1500


@pytest.mark.slow
def test_a_line_of_65_mib_is_kept_aside_by_its_beginning(tmp_path: Path) -> None:
    data = line(messages=[{"role": "user", "content": "y" * (65 * 2**20)}])
    write(tmp_path, line("c-0") + b"\n" + data + b"\n" + line("c-2"))
    found = read_alone(tmp_path)
    assert (found["counts"]["lines"], found["counts"]["conversations"], found["reasons"]) == (3, 2, ["too_long"])
    assert found["kept"][0] <= 100_000
    assert found["peak_mib"] < 700
