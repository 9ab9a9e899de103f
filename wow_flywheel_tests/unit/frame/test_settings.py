"""The numbers and words among the settings: defaults, and refusals that name the variable."""

import pytest

from wow_flywheel.errors import SettingsError
from wow_flywheel.settings import Settings


def test_the_defaults_of_duplicates_and_caps() -> None:
    found = Settings.from_env({})
    assert (found.near_duplicate, found.duplicate_window_days, found.duplicates_warn) == (0.9, 90, 0.3)
    assert (found.max_per_user, found.max_per_template) == (50, 50)


def test_they_are_read() -> None:
    found = Settings.from_env({"WOW_NEAR_DUPLICATE": "0.85", "WOW_MAX_PER_USER": "7", "WOW_DUPLICATE_WINDOW_DAYS": "0"})
    assert (found.near_duplicate, found.max_per_user, found.duplicate_window_days) == (0.85, 7, 0)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("WOW_NEAR_DUPLICATE", "0.5", "WOW_NEAR_DUPLICATE='0.5' is not a number from 0.8 to 1"),
        ("WOW_NEAR_DUPLICATE", "nan", "WOW_NEAR_DUPLICATE='nan' is not a number from 0.8 to 1"),
        ("WOW_DUPLICATES_WARN", "many", "WOW_DUPLICATES_WARN='many' is not a number from 0 to 1"),
        ("WOW_MAX_PER_USER", "0", "WOW_MAX_PER_USER='0' is not a whole number from 1 to 1e+09"),
        ("WOW_WITHOUT_PAIRS", "dpo", "WOW_WITHOUT_PAIRS='dpo' is none of sft, kto"),
        ("WOW_MAX_PER_TEMPLATE", "2.5", "WOW_MAX_PER_TEMPLATE='2.5' is not a whole number from 1 to 1e+09"),
    ],
)
def test_what_is_no_such_number_is_refused(name: str, value: str, message: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.from_env({name: value})
    assert refused.value.message == message
    assert name in refused.value.hint


def test_without_pairs_the_sft_model_stays_the_candidate_unless_kto_is_asked_for() -> None:
    assert Settings.from_env({}).without_pairs == "sft"
    assert Settings.from_env({"WOW_WITHOUT_PAIRS": " kto "}).without_pairs == "kto"
