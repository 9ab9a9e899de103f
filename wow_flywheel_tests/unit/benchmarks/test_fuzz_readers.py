"""The fuzzer finds what is wrong and makes it small; a short run over all readers finds nothing."""

import json
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from benchmarks import fuzz_check
from benchmarks.fuzz_check import failure
from benchmarks.fuzz_mutations import BYTES, FILES, JSON, RAW, as_json, change_json
from benchmarks.fuzz_packings import PACKINGS
from benchmarks.fuzz_readers import MUTATIONS, Tally, fuzz, spoilt_files
from benchmarks.fuzz_seeds import BUILT, seeds
from benchmarks.fuzz_shrink import shrink
from wow_flywheel_tests.effort import everything

DAYS = 6 if everything() else 3
NO_SAMPLES = Path("nowhere")


def files_of(form: str, packing: str) -> dict[str, bytes]:
    pack, compress = PACKINGS[packing]
    return {f"a{packing}": compress(pack([json.dumps(each).encode() for each in BUILT[form]()]))}


@pytest.mark.parametrize("packing", [".jsonl", ".json.zst", ".parquet"])
@pytest.mark.parametrize("form", BUILT)
def test_what_the_fuzzer_begins_with_is_valid(tmp_path: Path, form: str, packing: str) -> None:
    outcomes = Counter[str]()
    assert failure(tmp_path / "day", files_of(form, packing), again="line by line", outcomes=outcomes) is None
    assert outcomes["conversation"] >= 2
    assert not [name for name in outcomes if name.startswith("quarantined")]


@pytest.mark.parametrize("kind", JSON)
def test_every_mutation_changes_a_document(kind: str) -> None:
    before = as_json(BUILT["native"]()[0], ascii_only=True)
    after = {as_json(change_json(BUILT["native"]()[0], kind, Random(number)), ascii_only=True) for number in range(5)}
    assert after - {before}


@pytest.mark.parametrize("kind", [*BYTES, *FILES])
def test_every_mutation_changes_bytes(kind: str) -> None:
    change = {**BYTES, **FILES}[kind]
    assert {change(b"some bytes", Random(number), b"other bytes") for number in range(5)} - {b"some bytes"}


def test_what_json_of_python_cannot_say() -> None:
    document = {"a": f"{RAW}1e999", "\x00twice:a": 1, "b": f"{RAW}{{'x':[]}}"}
    assert as_json(document, ascii_only=False) == b'{"a": 1e999, "a": 1, "b": {"x":[]}}'


def test_the_same_seed_gives_the_same_files() -> None:
    begin, tally = seeds(NO_SAMPLES), Tally()
    one, two, other = (spoilt_files(Random(seed), begin, tally) for seed in ("7-0", "7-0", "7-1"))
    assert one == two != other


def test_a_failure_is_made_small() -> None:
    files = {"a": b"x\n" * 50, "b": b"1\n2\n3bad4\n5\n", "c": b"y"}
    assert shrink(files, lambda some: any(b"bad" in data for data in some.values())) == {"b": b"bad"}


def test_a_lost_line_a_crash_and_an_endless_reading_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = files_of("native", ".jsonl")
    with monkeypatch.context() as patched:
        patched.setattr(fuzz_check, "_lines", lambda _logs: 5)
        assert str(failure(tmp_path / "day", files, again="no")) == "lines are lost"
    with monkeypatch.context() as patched:
        patched.setattr(fuzz_check, "read_day", lambda *_: 1 / 0)
        tally = fuzz(7, tmp_path / "corpus", seeds(NO_SAMPLES), seconds=60, days=2)
    (found,) = tally.failures
    assert (found["signature"].split()[0], found["day"], tally.again.total()) == ("ZeroDivisionError", 0, 1)
    assert (tmp_path / "corpus" / "7-0" / "failure.txt").exists()
    with monkeypatch.context() as patched:
        patched.setattr(fuzz_check, "PATIENCE", 1)
        patched.setattr(fuzz_check, "check", endless)
        assert isinstance(failure(tmp_path / "day", files, again="no"), fuzz_check.TooSlowError)


def endless(_logs: Path, *, again: str) -> Counter[str]:
    while True:
        pass


@pytest.mark.slow
def test_a_short_run_over_all_readers_finds_nothing(tmp_path: Path) -> None:
    tally = fuzz(3, tmp_path, seeds(NO_SAMPLES), seconds=120, days=DAYS)
    assert tally.failures == []
    assert tally.files == DAYS * 24
    formats, packings, mutations = (set(column) for column in zip(*tally.inputs, strict=True))
    assert (formats, packings, mutations) == (set(BUILT), set(PACKINGS), set(MUTATIONS))
    assert tally.outcomes["conversation"] > 50
    assert sum(name.startswith("quarantined: ") for name in tally.outcomes) >= 5
