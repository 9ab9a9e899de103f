"""What the asset `conversations` shows of a day's lines, and of what a team should know of its logs."""

from pathlib import Path
from typing import Any

from wow_flywheel.conversations.daily import Ingested, ingest_day
from wow_flywheel.defs.conversations.assets import accounting
from wow_flywheel.lake import Lake
from wow_flywheel.settings import Settings
from wow_flywheel_tests.unit.conversations.logs import DAY
from wow_flywheel_tests.unit.conversations.test_foreign import put
from wow_flywheel_tests.unit.conversations.test_plain_calls import OTHER, TURNS, conversation, document


def ingested(root: Path, documents: list[Any]) -> Ingested:
    put(root / "logs", "a.jsonl", documents)
    settings = Settings.from_env({"WOW_LOGS_URI": str(root / "logs"), "WOW_LAKE_URI": str(root / "lake")})
    return ingest_day(Lake.at(settings.lake_uri), settings, DAY)


def several(number: int) -> dict[str, Any]:
    """A call of a customer of its own that got three replies."""
    call = document(OTHER, number, user_id=f"u-{number}")
    call["response"]["choices"] *= 3
    return call


def test_customers_that_no_log_names_and_further_replies_are_shown(tmp_path: Path) -> None:
    odd = [{"role": "user", "content": None, "audio": {"id": "a"}}, *TURNS[:2]]
    nameless = [*conversation(), document(odd, 9, session_id="s-9")]
    done = ingested(tmp_path, [*nameless, document(OTHER, 20, user_id="u-1"), several(21), several(22)])
    shown = accounting(done).value
    assert "| of these, without a customer | 2 (40.0%) |" in shown
    assert "| further replies of calls that asked for several | 4 |" in shown
    assert "| conversations | 5 |" in shown
    customers = {each.name: each.passed for each in done.outcomes}["customers_known"]
    assert customers


def test_a_day_of_customers_that_no_log_names_warns(tmp_path: Path) -> None:
    done = ingested(tmp_path, [*conversation(), document(OTHER, 20)])
    (told,) = (each for each in done.outcomes if each.name == "customers_known")
    assert (told.passed, told.severity) == (False, "warn")
    assert told.observed == "100.0% of the conversations; at most 50% allowed"
    assert "| of these, without a customer | 2 (100.0%) |" in accounting(done).value
    assert "| further replies of calls that asked for several | 0 |" in accounting(done).value
