"""The split: fixed for good, by customer, the same for one and for a column."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wow_flywheel.datasets.split import split_expr, split_of
from wow_flywheel.errors import DatasetError

USERS = [f"user-{number}" for number in range(10_000)]


def test_customers_stay_where_they_are_for_good() -> None:
    """The first four hex digits that `printf %s wow_flywheel:ada | sha256sum` prints, as a fraction; and so on."""
    fractions = {"ada": 0x4DB3 / 0x10000, "bo": 0xB612 / 0x10000, "cy": 0x752E / 0x10000}
    for user, fraction in fractions.items():
        assert split_of(user, fraction + 0.001) == "held_out"
        assert split_of(user, fraction - 0.001) == "train"


def test_about_the_share_asked_for_is_held_out() -> None:
    """10,000 customers at 0.2: 2,000 ± 4 standard deviations of 40."""
    held_out = sum(split_of(user) == "held_out" for user in USERS)
    assert 1840 < held_out < 2160


def test_a_larger_share_never_moves_a_customer_back_to_training() -> None:
    small = {user for user in USERS if split_of(user, 0.1) == "held_out"}
    large = {user for user in USERS if split_of(user, 0.3) == "held_out"}
    assert small < large


def test_the_ends_and_another_salt() -> None:
    assert {split_of(user, 0.0) for user in USERS} == {"train"}
    assert {split_of(user, 1.0) for user in USERS} == {"held_out"}
    assert any(split_of(user) != split_of(user, salt="other") for user in USERS)


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_what_is_no_share_is_refused(share: float) -> None:
    with pytest.raises(DatasetError, match="is not a share"):
        split_of("ada", share)


@given(st.lists(st.text() | st.none()), st.floats(0, 1), st.text(max_size=5))
def test_the_column_version_agrees(users: list[str | None], share: float, salt: str) -> None:
    frame = pl.DataFrame({"user_id": users}, schema={"user_id": pl.String})
    found = frame.select(split_expr(pl.col("user_id"), share, salt)).to_series().to_list()
    assert found == [None if user is None else split_of(user, share, salt) for user in users]


def test_the_column_version_works_lazily_and_over_groups() -> None:
    frame = pl.LazyFrame({"user_id": USERS[:100], "day": [1, 2] * 50})
    sides = frame.with_columns(split=split_expr(pl.col("user_id"))).collect()
    assert sides["split"].to_list() == [split_of(user) for user in USERS[:100]]
