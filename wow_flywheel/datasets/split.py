"""The split of training and held-out data: by customer, and the same in every cycle.

What belongs here: the one function that decides a customer's side. What does not: building datasets (`build`).

Splitting by customer keeps all their conversations on one side; deciding by a hash, not by chance or by date, keeps them there
for good, so that no later cycle trains on what an earlier one was evaluated on.
"""

from hashlib import sha256
from typing import Final, Literal

import polars as pl

from wow_flywheel.errors import DatasetError

Split = Literal["train", "held_out"]
SALT: Final = "wow_flywheel"
HELD_OUT_SHARE: Final = 0.2


def split_of(user_id: str, held_out_share: float = HELD_OUT_SHARE, salt: str = SALT) -> Split:
    """The side of one customer.

    The first 8 bytes of SHA-256 of `<salt>:<user_id>`, read as a fraction of 2⁶⁴, lie below the share for held-out customers,
    so a larger share only moves customers from `train` to `held_out`, never back.

    Args:
        user_id: The customer.
        held_out_share: Share of customers to hold out, 0 to 1.
        salt: Changing it draws another split; a deployment never does.

    Raises:
        DatasetError: The share is not between 0 and 1.
    """
    if not 0 <= held_out_share <= 1:
        raise DatasetError(f"held_out_share={held_out_share} is not a share", hint="give a number from 0 to 1, such as 0.2")
    fraction = int.from_bytes(sha256(f"{salt}:{user_id}".encode()).digest()[:8], "big") / 2**64
    return "held_out" if fraction < held_out_share else "train"


def split_expr(user_id: pl.Expr, held_out_share: float = HELD_OUT_SHARE, salt: str = SALT) -> pl.Expr:
    """`split_of` for a column of customers: String in, String out, null where the customer is null.

    Raises:
        DatasetError: As `split_of`, when the expression runs.
    """

    def decide(users: pl.Series) -> pl.Series:
        sides = {user: split_of(user, held_out_share, salt) for user in users.drop_nulls().unique()}
        return pl.Series(users.name, [None if user is None else sides[user] for user in users], dtype=pl.String)

    return user_id.map_batches(decide, return_dtype=pl.String, is_elementwise=True)
