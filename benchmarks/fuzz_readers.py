"""Whatever is in log files, is every line read, kept aside or counted, without a crash? `python -m benchmarks.fuzz_readers`.

What belongs here: spoiling files, reading them as days, and the report. What does not: files to begin with (`fuzz_seeds`,
`fuzz_packings`), ways to spoil them (`fuzz_mutations`), what must hold (`fuzz_check`), making a failure small (`fuzz_shrink`).

Some files at once make a day, since files of one format are read together; a failure is cut down to as few files and bytes as
still show it. Every other day is read twice, in turn the same way or line by line, and must come out the same. The files of
the day being read lie in `current/` below `--corpus`: should the process itself die, they are what killed it.
"""

import argparse
import faulthandler
import json
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

from benchmarks.fuzz_check import Again, failure
from benchmarks.fuzz_mutations import BYTES, FILES, JSON, as_json, change_json
from benchmarks.fuzz_packings import PACKINGS
from benchmarks.fuzz_seeds import Documents, seeds
from benchmarks.fuzz_shrink import Files, shrink, signature

DATA: Final = Path(__file__).parents[2] / "shared" / "data"
FILES_A_DAY: Final = 24
AGAIN: Final[Sequence[Again]] = ("same", "no", "line by line", "no")
"""How the days in turn are read again."""
WRONG_NAME: Final = "wrong name"
MUTATIONS: Final = (*BYTES, *JSON, *FILES, WRONG_NAME)


@dataclass(slots=True)
class Tally:
    """What was tried and what came of it.

    Attributes:
        inputs: By format, packing and mutation; a file with two mutations counts for each.
        outcomes: Lines, by what became of them.
        files: How many were read.
        seconds: How long it took, without making failures small.
        slowest: Seconds for one day's files.
        failures: Signature, seed, number of the day, and where the files are kept.
    """

    inputs: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    files: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    failures: list[dict[str, Any]] = field(default_factory=list)
    again: Counter[str] = field(default_factory=Counter)
    """Further failures with a signature that is known, which are not kept."""


def main(argv: Sequence[str] | None = None) -> int:
    """Spoil, read, check, print; 1 if something failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz_readers", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument(
        "--first", type=int, default=0, help="number of the first day: with --seed it gives the same files again"
    )
    parser.add_argument("--days", type=int, default=10**9, help="stop after so many")
    parser.add_argument("--corpus", type=Path, default=Path(tempfile.gettempdir()) / "wow-fuzz", help="folder for what failed")
    parser.add_argument(
        "--data", type=Path, default=DATA, help="folder with log_formats/, star/, tau/, crosswoz/, if there is one"
    )
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args(argv)
    faulthandler.enable()
    tally = fuzz(options.seed, options.corpus, seeds(options.data), options.seconds, options.days, options.first)
    print(as_markdown(tally, options.seed))
    if options.json:
        options.json.write_text(json.dumps(as_figures(tally, options.seed), indent=2))
    return bool(tally.failures)


def fuzz(seed: int, corpus: Path, begin: Mapping[str, list[Documents]], seconds: float, days: int, first: int = 0) -> Tally:
    """Read spoilt files until the time or the days are over.

    Args:
        seed: The same seed gives the same files.
        corpus: Folder for the files of the day at hand, and for what failed.
        begin: Lists of documents by format.
        seconds: How long.
        days: How many at most.
        first: Number of the first.
    """
    tally = Tally()
    for number in range(first, first + days):
        if tally.seconds > seconds:
            break
        before = time.monotonic()
        files = spoilt_files(Random(f"{seed}-{number}"), begin, tally)
        again: Again = AGAIN[number % len(AGAIN)]
        error = failure(corpus / "current", files, again=again, outcomes=tally.outcomes)
        took = time.monotonic() - before
        tally.seconds, tally.slowest = tally.seconds + took, max(tally.slowest, took)
        tally.files += len(files)
        if error is not None:
            _keep(tally, corpus, files, error, {"seed": seed, "day": number, "again": again})
    return tally


def spoilt_files(r: Random, begin: Mapping[str, list[Documents]], tally: Tally) -> Files:
    """The files of a day, by name."""
    files: Files = {}
    for number in range(FILES_A_DAY):
        name, data = spoilt(r, begin, list(files.values()), tally)
        files[f"{number:02d}{name}"] = data
    return files


def spoilt(r: Random, begin: Mapping[str, list[Documents]], others: list[bytes], tally: Tally) -> tuple[str, bytes]:
    """A file that one or two mutations have changed: the ending of its name, and its bytes."""
    form, packing = r.choice(list(begin)), r.choice(list(PACKINGS))
    chosen = r.sample(MUTATIONS, r.choice((1, 1, 2)))
    tally.inputs.update((form, packing, mutation) for mutation in chosen)
    documents = json.loads(json.dumps(r.choice(begin[form])))
    for mutation in JSON:
        if mutation in chosen:
            at = r.randrange(len(documents))
            documents[at] = change_json(documents[at], mutation, r)
    pack, compress = PACKINGS[packing]
    data = pack([as_json(document, ascii_only=r.random() < 0.5) for document in documents])
    packed = r.random() < 0.4
    """Whether the bytes change after compression, or before it."""
    data = compress(data) if packed else data
    for mutation, change in {**BYTES, **FILES}.items():
        if mutation in chosen:
            data = change(data, r, r.choice(others) if others else data)
    ending = r.choice(list(PACKINGS)) if WRONG_NAME in chosen else packing
    return ending, data if packed else compress(data)


def _keep(tally: Tally, corpus: Path, files: Files, error: BaseException, about: dict[str, Any]) -> None:
    """Write down a failure that was not seen before, made small."""
    name = signature(error)
    if any(each["signature"] == name for each in tally.failures):
        tally.again[name] += 1
        return
    folder = corpus / f"{about['seed']}-{about['day']}"
    small = shrink(files, lambda some: _same(failure(corpus / "shrinking", some, again=about["again"]), name))
    folder.mkdir(parents=True, exist_ok=True)
    for file, data in small.items():
        (folder / file).write_bytes(data)
    tally.failures.append(about | {"signature": name, "kept": str(folder)})
    (folder / "failure.txt").write_text(f"{json.dumps(tally.failures[-1], indent=2)}\n")


def _same(error: BaseException | None, name: str) -> bool:
    return error is not None and signature(error) == name


def as_figures(tally: Tally, seed: int) -> dict[str, Any]:
    """The report for programs."""
    return {
        "seed": seed,
        "files": tally.files,
        "seconds": round(tally.seconds, 1),
        "files_per_second": round(tally.files / max(tally.seconds, 0.001), 1),
        "slowest_day_seconds": round(tally.slowest, 2),
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "inputs": [{"format": a, "packing": b, "mutation": c, "files": n} for (a, b, c), n in sorted(tally.inputs.items())],
        "outcomes": dict(sorted(tally.outcomes.items())),
        "failures": [each | {"times": 1 + tally.again[each["signature"]]} for each in tally.failures],
    }


def as_markdown(tally: Tally, seed: int) -> str:
    """The report for people."""
    figures = as_figures(tally, seed)
    names = ("files", "seconds", "files_per_second", "slowest_day_seconds", "peak_memory_mib")
    told = [f"seed {seed} · " + " · ".join(f"{name.replace('_', ' ')} {figures[name]}" for name in names), ""]
    formats, packings = (sorted({key[place] for key in tally.inputs}) for place in (0, 1))
    told += ["| mutation | " + " | ".join((*formats, *packings)) + " |", "|---" * (1 + len(formats) + len(packings)) + "|"]
    for mutation in MUTATIONS:
        row = [sum(n for key, n in tally.inputs.items() if mutation in key and name in key) for name in (*formats, *packings)]
        told.append(f"| {mutation} | " + " | ".join(map(str, row)) + " |")
    told += ["", "| what came of a line | lines |", "|---|---|"]
    told += [f"| {name} | {number} |" for name, number in figures["outcomes"].items()]
    told += ["", f"failures: {len(tally.failures)}", *(json.dumps(each) for each in figures["failures"])]
    return "\n".join(told)


if __name__ == "__main__":
    raise SystemExit(main())
