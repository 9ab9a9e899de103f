"""Rules with SQL that is not compiled: named with the reason, run by DuckDB, with the same findings."""

from pathlib import Path

import pytest

from wow_flywheel.errors import QueryError
from wow_flywheel.rules import Checker
from wow_flywheel_tests.unit.inspection.talk import agent, user
from wow_flywheel_tests.unit.rules.talk import found
from wow_flywheel_tests.unit.rules.test_registry import rule_text, sql

__all__ = ["sql"]
TALK = [user("Well?"), agent("It is blue."), user("And?"), agent("It is bluer than blue.")]
COMPILED = "SELECT conversation_id, turn, content AS quote, 'long' AS evidence FROM replies WHERE strlen(content) > $most"
LEFT = (
    "SELECT conversation_id, turn, content AS quote, 'like' AS evidence FROM replies WHERE content ILIKE '%BLUE.' AND $most > 0"
)


def test_a_rule_that_is_not_compiled_is_named_and_finds_the_same(sql: Path) -> None:
    (sql / "rules" / "long.sql").write_text(rule_text(COMPILED, id="long", parameters="most = 12"))
    (sql / "rules" / "likes.sql").write_text(rule_text(LEFT, id="likes"))
    checker = Checker()
    assert checker.left == {"likes": "sql/rules/likes.sql: the function ~~* is not compiled"}
    live = [(f["rule_id"], f["turn"], f["quote"]) for f in checker.check({"messages": TALK})]
    assert live == [("likes", 1, "It is blue."), ("likes", 3, "It is bluer than blue."), ("long", 3, "It is bluer than blue.")]
    assert [(turn, quote) for _, turn, quote in found("likes", TALK)] == [(1, "It is blue."), (3, "It is bluer than blue.")]


def test_a_warm_session_forgets_the_conversation_before(sql: Path) -> None:
    (sql / "rules" / "likes.sql").write_text(rule_text(LEFT, id="likes"))
    checker = Checker()
    first = checker.check({"messages": TALK})
    assert checker.check({"messages": [user("Blue.")]}) == []
    assert checker.check({"messages": TALK}) == first


@pytest.mark.parametrize(
    ("select", "why"),
    [
        ("SELECT turn, wordz FROM replies WHERE $most > 0", 'BinderException: Binder Error: Referenced column "wordz" not'),
        ("SELECT conversation_id, turn FROM replies WHERE turn > $most", "gives the columns"),
    ],
)
def test_a_rule_that_does_not_bind_is_refused_at_start_up(sql: Path, select: str, why: str) -> None:
    (sql / "rules" / "broken.sql").write_text(rule_text(select, id="broken"))
    with pytest.raises(QueryError, match=r"sql/rules/broken\.sql") as caught:
        Checker()
    assert why in caught.value.message


def test_a_number_that_duckdb_refuses_is_refused_with_the_file_and_without_the_text(sql: Path) -> None:
    select = "SELECT conversation_id, turn, content AS quote, 'x' AS evidence FROM replies WHERE content::INT > $most"
    (sql / "rules" / "number.sql").write_text(rule_text(select, id="number"))
    with pytest.raises(QueryError, match=r"sql/rules/number\.sql does not run") as caught:
        Checker().check({"messages": TALK})
    assert "blue" not in caught.value.message
