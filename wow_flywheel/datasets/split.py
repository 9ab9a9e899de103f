"""Which customers are held out: decided by a hash of the customer, so that it never changes from one cycle to the next.

What belongs here: the split. What does not: what goes into a dataset (`build`).
"""

from hashlib import sha256
from typing import Literal

import polars as pl

Split = Literal["train", "held_out"]
HELD_OUT_SHARE = 0.2
SALT = "wow_flywheel"


def split_of(user_id: str, held_out_share: float = HELD_OUT_SHARE, salt: str = SALT) -> Split:
    """The split of a customer: the first 8 bytes of SHA-256(salt:user_id) as a share of their range."""
    position = int.from_bytes(sha256(f"{salt}:{user_id}".encode()).digest()[:8]) / 2**64
    return "held_out" if position < held_out_share else "train"


def split_expr(user_id: pl.Expr, held_out_share: float = HELD_OUT_SHARE, salt: str = SALT) -> pl.Expr:
    """`split_of` over a column, computed once a distinct customer."""
    return user_id.map_batches(
        lambda column: column.replace_strict({user: split_of(user, held_out_share, salt) for user in column.unique()}),
        return_dtype=pl.String,
    )
