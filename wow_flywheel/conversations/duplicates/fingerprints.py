"""The fingerprint of each conversation: all that later days need to see that one of theirs repeats it.

What belongs here: the table `fingerprints` of a day. What does not: comparing (`near`, `find`).

MinHash is rensa's (measured fastest of the well-kept ones): 128 values, in 16 bands of 8. Two conversations whose shingles have
the Jaccard similarity s share a band with probability 1 − (1 − s⁸)¹⁶: 0.9999 at 0.9, 0.95 at 0.8, 0.06 at 0.5.
"""

from hashlib import sha256
from typing import Final, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wow_flywheel.contracts import FINGERPRINTS
from wow_flywheel.conversations.duplicates.shingles import VERSION, Hashes, Numbers, mixed, shingles
from wow_flywheel.conversations.duplicates.text import assistant_template, full_text

BANDS: Final = 16
ROWS: Final = 8
VALUES: Final = BANDS * ROWS
SEED: Final = 1
ALGORITHM: Final = f"rensa-2 {VALUES}/{BANDS} shingles-{VERSION}"
"""Only fingerprints of one algorithm can be compared; rensa keeps its signatures within one algorithm version."""
BATCH_ROWS: Final = 5_000

Signatures: TypeAlias = NDArray[np.uint32]


def fingerprints(conversations: pl.DataFrame) -> pl.DataFrame:
    """The fingerprints of conversations, in the order of their start.

    Args:
        conversations: Contract `conversations`.

    Returns:
        Contract `fingerprints`; `bands` and `signature` are null where nobody says a word.
    """
    ordered = conversations.select("dt", "conversation_id", "started_at", "messages").sort(
        "dt", "started_at", "conversation_id"
    )
    batches = [_of_batch(batch) for batch in ordered.iter_slices(BATCH_ROWS) if batch.height]
    return FINGERPRINTS.conform(pl.concat(batches) if batches else FINGERPRINTS.empty())


def signatures(texts: pl.Series) -> tuple[Signatures, NDArray[np.bool_]]:
    """MinHash signatures of texts, a row of `VALUES` each, and which texts have any words.

    Args:
        texts: As `shingles` takes them; at least one.
    """
    found = [(_minhash(hashes, begins), np.diff(begins) > 0) for hashes, begins in shingles(texts)]
    return np.concatenate([rows for rows, _ in found]), np.concatenate([spoken for _, spoken in found])


def bands_of(rows: Signatures) -> NDArray[np.int64]:
    """The hash of each band of each signature, `BANDS` a row; the band's number is part of its hash."""
    weights = mixed(np.arange(1, ROWS + 1, dtype=np.uint64)) | np.uint64(1)
    sums = (rows.reshape(-1, BANDS, ROWS) * weights).sum(axis=2, dtype=np.uint64)
    return mixed(sums + mixed(np.arange(BANDS, dtype=np.uint64))).view(np.int64)


def _of_batch(batch: pl.DataFrame) -> pl.DataFrame:
    texts = batch.select(text=full_text(pl.col("messages")), template=assistant_template(pl.col("messages")))
    rows, spoken = signatures(texts["text"])
    silent = pl.Series(~spoken)
    packed = pl.Series([row.tobytes() for row in rows], dtype=pl.Binary)
    bands = pl.Series(bands_of(rows), dtype=pl.Array(pl.Int64, BANDS)).cast(pl.List(pl.Int64))
    return batch.drop("messages").with_columns(
        algorithm=pl.lit(ALGORITHM),
        exact_hash=_digests(texts["text"]),
        template_hash=_digests(texts["template"]),
        bands=pl.when(~silent).then(bands),
        signature=pl.when(~silent).then(packed),
    )


def _minhash(hashes: Hashes, begins: Numbers) -> Signatures:
    from rensa import RMinHash

    matrix = RMinHash.digest_matrix_from_flat_token_hashes(hashes, begins.astype(np.uint64), VALUES, SEED)
    return np.array(matrix.to_rows(), np.uint32)


def _digests(texts: pl.Series) -> pl.Series:
    """SHA-256 of each text, its first 128 bits in hex: nobody can write a conversation that passes for another one."""
    return pl.Series([sha256(text.encode()).hexdigest()[:32] for text in texts], dtype=pl.String)
