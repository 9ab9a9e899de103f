"""The peer of `benchmarks.ingest`: Data-Juicer, in a virtual environment of its own.

What belongs here: its installation, its recipes, its input and its clock. What does not: our side (`ingest_sides`).

The input is made before the clock starts: the conversation's messages, and their contents joined to the `text` that its
operators work on. Its seconds are those that it reports for its executor: loading, all operators, export; its imports are not
counted.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

PINS: Final = (
    "py-data-juicer==1.6.1",
    "aiohttp==3.14.5",
    "msgpack==1.2.4",
    "ray==2.60.0",
    "scipy==1.17.1",
    "torch==2.13.0",
)
"""All after the first are what it would otherwise install by itself in the middle of a run. The exact version of torch
matters: a looser pin can bring several GB of CUDA packages."""
PROCESSES: Final = 2
_LENGTH: Final = {"text_length_filter": {"min_len": 10, "max_len": 1_000_000}}
_EXACT: Final[dict[str, Any]] = {"document_deduplicator": {}}
_PERSONAL: Final = {"pii_redaction_mapper": {"redact_keys": ["messages"]}}
_MINHASH: Final = {
    "document_minhash_deduplicator": {
        "tokenization": "space",
        "window_size": 3,
        "num_permutations": 128,
        "jaccard_threshold": 0.9,
    }
}
RECIPES: Final[dict[str, tuple[str, Sequence[dict[str, Any]]]]] = {
    "filters": (
        "length, links, e-mail and network addresses removed from `text`, exact duplicates",
        (_LENGTH, {"clean_links_mapper": {}}, {"clean_email_mapper": {}}, {"clean_ip_mapper": {}}, _EXACT),
    ),
    "redaction": ("length, `pii_redaction_mapper` on the messages, exact duplicates", (_LENGTH, _PERSONAL, _EXACT)),
    "redaction, MinHash": (
        "the same, and MinHash near duplicates: 3 words in a row, 128 values, 0.9",
        (_LENGTH, _PERSONAL, _EXACT, _MINHASH),
    ),
}
"""By name: what it does, and its operators."""


def install(folder: Path) -> Path:
    """Its virtual environment, made unless it is there with the same pins; returns the command `dj-process`."""
    pins, command = folder / "pins.txt", folder / "bin" / "dj-process"
    wanted = "\n".join(PINS)
    if not (pins.is_file() and pins.read_text() == wanted and command.is_file()):
        print(f"installing {PINS[0]} into {folder}", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *PINS], check=True)
        pins.write_text(wanted)
    return command


def convert(logs: Path, file: Path) -> int:
    """Write its input, a line a conversation: id, user_id, text, messages; returns how many."""
    count = 0
    with logs.open(encoding="utf-8") as lines, file.open("w", encoding="utf-8") as written:
        for line in lines:
            record = json.loads(line)
            text = "\n".join(message.get("content") or "" for message in record["messages"])
            row = {"id": record["conversation_id"], "user_id": record["user_id"], "text": text, "messages": record["messages"]}
            written.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    return count


def run(command: Path, recipe: str, data: Path, folder: Path) -> dict[str, Any]:
    """One run of a recipe.

    Returns:
        seconds, peak_mib (of all its processes together, where pages that they share count in each), kept (rows).

    Raises:
        SystemExit: It failed; with the end of what it printed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    done = folder / "done.jsonl"
    settings = {
        "project_name": "benchmark",
        "dataset_path": str(data),
        "export_path": str(done),
        "np": PROCESSES,
        "use_cache": False,
        "open_tracer": False,
        "text_keys": "text",
        "process": list(RECIPES[recipe][1]),
    }
    (folder / "recipe.yaml").write_text(json.dumps(settings))  # JSON is YAML
    own = {"HF_HOME": str(folder / "cache"), "VIRTUAL_ENV": str(command.parents[1]), "PYTHONPATH": ""}
    env = os.environ | own | {"PATH": f"{command.parent}{os.pathsep}{os.environ['PATH']}"}
    with (folder / "log.txt").open("w+") as log:
        started = subprocess.Popen(
            [str(command), "--config", str(folder / "recipe.yaml")], stdout=log, stderr=subprocess.STDOUT, env=env, cwd=folder
        )
        peak = _watched(started)
        log.seek(0)
        said = log.read()
    seconds = re.search(r"Running executor took ([\d.]+) seconds", said)
    if started.returncode or seconds is None:
        raise SystemExit(f"Data-Juicer failed on the recipe {recipe!r}:\n{said[-3000:]}")
    with done.open(encoding="utf-8") as rows:
        kept = sum(1 for _ in rows)
    return {"seconds": float(seconds[1]), "peak_mib": peak, "kept": kept}


def _watched(process: "subprocess.Popen[bytes]") -> float:
    """Wait for a process; its peak memory in MiB with all that descend from it, looked at five times a second."""
    peak = 0
    while process.poll() is None:
        peak = max(peak, _resident(process.pid))
        time.sleep(0.2)
    return peak / 2**20


def _resident(root: int) -> int:
    """Bytes that a process and its descendants hold."""
    parents: dict[int, int] = {}
    held: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):  # it ended while we looked
            continue
        parents[int(folder.name)] = int(stat[1])
        held[int(folder.name)] = int(stat[21]) * os.sysconf("SC_PAGE_SIZE")
    family = {root}
    while grown := {each for each, parent in parents.items() if parent in family} - family:
        family |= grown
    return sum(held.get(each, 0) for each in family)
