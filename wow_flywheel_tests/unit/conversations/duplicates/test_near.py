"""Near duplicates by bands against all pairs compared one by one, on real talk and on a crowded script."""

import gzip
import json
import random
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from wow_flywheel.conversations.duplicates.fingerprints import VALUES, bands_of, signatures
from wow_flywheel.conversations.duplicates.near import near, near_within

STAR = Path(__file__).parents[4].parent / "shared" / "data" / "star" / "logs"


def prints(texts: list[str]) -> pl.DataFrame:
    """Fingerprints of texts, the columns that are compared."""
    rows, spoken = signatures(pl.Series([f"\x03{text}" for text in texts]))
    assert spoken.all()
    packed = pl.Series([row.tobytes() for row in rows], dtype=pl.Binary)
    return pl.DataFrame({"bands": bands_of(rows).tolist(), "signature": packed})


def by_pairs(rows: pl.DataFrame, threshold: float) -> dict[int, int]:
    """The first near row before each row that has one, all pairs compared."""
    found = np.frombuffer(b"".join(rows["signature"]), np.uint32).reshape(-1, VALUES)
    first = {}
    for row in range(1, len(found)):
        similar = np.flatnonzero((found[:row] == found[row]).mean(axis=1) >= threshold)
        if similar.size:
            first[row] = int(similar[0])
    return first


def scripts(count: int, seed: int = 1) -> list[str]:
    """Talk after ten scripts of sixty words, each time with a few words changed: many share bands."""
    rng = random.Random(seed)
    vocabulary = [f"w{number}" for number in range(500)]
    bases = [rng.choices(vocabulary, k=60) for _ in range(10)]
    texts = []
    for _ in range(count):
        words = list(rng.choice(bases))
        for _ in range(rng.randint(0, 3)):
            words[rng.randrange(60)] = rng.choice(vocabulary)
        texts.append(" ".join(words))
    return texts


@pytest.mark.parametrize("threshold", [0.8, 0.9])
def test_crowded_bands_lose_next_to_nothing(threshold: float) -> None:
    rows = prints(scripts(800))
    expected = by_pairs(rows, threshold)
    got = near_within(rows, threshold)
    assert len(expected) > 300
    assert set(got["row"]) <= set(expected)
    assert got.height >= 0.98 * len(expected)


def test_the_first_match_is_named_with_its_similarity() -> None:
    rows = prints(["a b c d e f g h", "x y z u v w q p", "a b c d e f g h", "a b c d e f g h"])
    assert near_within(rows, 0.9).rows() == [(2, 0, 1.0), (3, 0, 1.0)]
    assert near(rows[2:], rows[:2], 0.9).rows() == [(0, 0, 1.0), (1, 0, 1.0)]
    assert near(rows[1:2], rows[2:], 0.9).is_empty()
    assert near(rows, rows.clear(), 0.9).is_empty()
    assert near_within(rows.clear(), 0.9).is_empty()


def test_the_estimate_is_near_the_true_similarity() -> None:
    words = [f"w{number}" for number in range(1000)]
    rows = prints([" ".join(words), " ".join([*words[:900], *(f"v{number}" for number in range(100))])])
    found = near_within(rows, 0.0)["similarity"].to_list()
    assert found == [] or abs(found[0] - 900 / 1100) < 0.12


@pytest.mark.skipif(not STAR.is_dir(), reason="the sample data (../shared/data) is not here")
def test_real_conversations_lose_nothing() -> None:
    lines = [line for path in sorted(STAR.glob("*/*.gz")) for line in gzip.decompress(path.read_bytes()).splitlines()]
    texts = [" ".join(m.get("content") or "" for m in json.loads(line)["messages"]) for line in lines[:2000]]
    rows = prints([text for text in texts if text.strip()])
    expected = by_pairs(rows, 0.8)
    assert len(expected) > 5
    assert set(near_within(rows, 0.8)["row"]) == set(expected)
