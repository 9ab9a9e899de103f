"""Rule files: what a header must say, what is refused and with which words, and that a new file needs no Python."""

import re
import shutil
from pathlib import Path

import pytest

from wow_flywheel import queries
from wow_flywheel.contracts import ISSUE_TYPES, SEVERITIES
from wow_flywheel.errors import QueryError
from wow_flywheel.queries import parse
from wow_flywheel.rules.registry import load_rules, read_rule
from wow_flywheel_tests.unit.inspection.talk import agent, user
from wow_flywheel_tests.unit.rules.talk import found

README = Path(__file__).parents[3] / "README.md"
SELECT = "SELECT conversation_id, turn, content AS quote, 'long' AS evidence FROM replies WHERE strlen(content) > $most"
HEADER = {
    "id": "too_long",
    "version": "3",
    "issue_type": "poor_empathy",
    "severity": "minor",
    "finds": "A reply that is too long.",
    "grain": "one reply",
    "inputs": "replies",
    "parameters": "most = 40",
}
TALK = [user("Hi"), agent("Hello."), user("Why?"), agent("BECAUSE OUR TERMS SAY SO, AND THEY SAY SO IN MANY WORDS.")]


def rule_text(select: str = SELECT, without: str = "", **header: str) -> str:
    lines = [f"-- {key}: {value}" for key, value in (HEADER | header).items() if key != without]
    return "\n".join([*lines, select, ""])


@pytest.fixture
def sql(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the folder `sql/` whose rules are left out, in the place of the real one."""
    root = tmp_path / "sql"
    shutil.copytree(queries.sql_root(), root, ignore=lambda folder, names: names if Path(folder).name == "rules" else [])
    monkeypatch.setattr(queries, "sql_root", lambda: root)
    return root


def refused(text: str, name: str = "rules/too_long") -> QueryError:
    with pytest.raises(QueryError) as caught:
        read_rule(parse(name, text))
    return caught.value


def test_a_complete_header_makes_a_rule() -> None:
    rule = read_rule(parse("rules/too_long", rule_text()))
    assert (rule.rule_id, rule.issue_type, rule.severity, rule.finds) == (
        "too_long",
        "poor_empathy",
        "minor",
        "A reply that is too long.",
    )
    assert rule.query.parameters == {"most": 40}


def test_a_rules_version_changes_with_its_text() -> None:
    before, after = (read_rule(parse("rules/too_long", rule_text(parameters=f"most = {most}"))).version for most in (40, 41))
    assert re.fullmatch(r"3\+[0-9a-f]{12}", before)
    assert before != after


def test_a_value_goes_on_in_indented_comment_lines() -> None:
    text = rule_text(finds="A reply\n--     that is\n--     too long.", parameters='most = 40;\n--     words = ["a", "b"]')
    rule = read_rule(parse("rules/too_long", text))
    assert rule.finds == "A reply that is too long."
    assert rule.query.parameters == {"most": 40, "words": ["a", "b"]}


@pytest.mark.parametrize("key", ["id", "version", "issue_type", "severity", "finds", "inputs"])
@pytest.mark.parametrize("blank", [False, True])
def test_a_header_without_a_key_is_refused(key: str, blank: bool) -> None:
    error = refused(rule_text(**{key: ""}) if blank else rule_text(without=key))
    assert error.message == f"sql/rules/too_long.sql lacks the header lines ['{key}']"
    assert error.hint == "write them as '-- key: value' at the top"


def test_a_file_without_a_grain_is_refused() -> None:
    error = refused(rule_text(without="grain"))
    assert error.message == "sql/rules/too_long.sql has no '-- grain:' line"
    assert error.hint == "open the file with its header comment"


def test_a_header_below_the_query_does_not_count() -> None:
    assert refused(f"{SELECT}\n{rule_text()}").message == "sql/rules/too_long.sql has no '-- grain:' line"


@pytest.mark.parametrize(
    ("header", "message", "hint"),
    [
        ({"issue_type": "poor_empaty"}, "issue_type 'poor_empaty' is unknown", "did you mean 'poor_empathy'?"),
        ({"issue_type": "rude"}, "issue_type 'rude' is unknown", f"use one of {list(ISSUE_TYPES)}"),
        ({"severity": "Minor"}, "severity 'Minor' is unknown", "did you mean 'minor'?"),
        ({"severity": "high"}, "severity 'high' is unknown", f"use one of {list(SEVERITIES)}"),
    ],
)
def test_an_unknown_issue_type_or_severity_is_refused_with_what_is_allowed(
    header: dict[str, str], message: str, hint: str
) -> None:
    error = refused(rule_text(**header))
    assert (error.message, error.hint) == (f"sql/rules/too_long.sql: {message}", hint)


@pytest.mark.parametrize(
    "parameters", ["most", "most =", "most = many", "= 40", "most: 40", "the most = 40", "other = 1; most"]
)
def test_a_parameter_without_a_name_or_a_value_is_refused(parameters: str) -> None:
    error = refused(rule_text(parameters=parameters))
    assert re.fullmatch(r"sql/rules/too_long\.sql: parameter '.+' is not 'name = JSON value'", error.message)
    assert error.hint == 'write for example: min_chars = 20; words = ["a"]'


def test_two_rules_with_one_id_are_refused_and_both_are_named(sql: Path) -> None:
    for name in ("first", "second"):
        (sql / "rules" / f"{name}.sql").write_text(rule_text())
    with pytest.raises(QueryError) as caught:
        load_rules()
    assert caught.value.message == "sql/rules/second.sql has the id 'too_long' of sql/rules/first.sql"
    assert caught.value.hint == "give each rule an id of its own"


@pytest.mark.parametrize(
    ("select", "why"),
    [
        (
            "SELECT * FROM answers WHERE turn > $most",
            "CatalogException: Catalog Error: Table with name answers does not exist!",
        ),
        ("SELEC turn FROM replies", 'ParserException: Parser Error: syntax error at or near "SELEC"'),
        ("SELECT turn, wordz FROM replies WHERE turn > $most", 'BinderException: Binder Error: Referenced column "wordz" not'),
    ],
)
def test_a_rule_that_cannot_run_is_refused_with_its_file_and_the_cause(sql: Path, select: str, why: str) -> None:
    (sql / "rules" / "too_long.sql").write_text(rule_text(select))
    with pytest.raises(QueryError) as caught:
        found("too_long", TALK)
    assert caught.value.message.startswith(f"sql/rules/too_long.sql does not run: {why}")
    assert caught.value.hint == "run its test, or fix the SQL"


def test_a_rule_that_gives_other_columns_is_refused_with_those_it_should_give(sql: Path) -> None:
    (sql / "rules" / "too_long.sql").write_text(rule_text("SELECT conversation_id, turn FROM replies WHERE turn > $most"))
    with pytest.raises(QueryError) as caught:
        found("too_long", TALK)
    assert caught.value.message == "sql/rules/too_long.sql gives the columns ['conversation_id', 'turn']"
    assert caught.value.hint == "a rule's SELECT gives ['conversation_id', 'turn', 'quote', 'evidence']"


@pytest.mark.parametrize(
    ("select", "kind"),
    [
        ("content::INT AS quote, 'x' AS evidence FROM replies", "ConversionException"),
        ("content AS quote, error(content) AS evidence FROM replies", "InvalidInputException"),
        ("content AS quote, 'x' AS evidence FROM query", "CatalogException: Catalog Error: Table with name query does not"),
    ],
)
def test_a_rule_that_fails_while_it_runs_is_named_without_what_the_log_says(sql: Path, select: str, kind: str) -> None:
    (sql / "rules" / "too_long.sql").write_text(rule_text(f"SELECT conversation_id, turn, {select} WHERE $most > 0"))
    with pytest.raises(QueryError) as caught:
        found("too_long", [user("Hi."), agent("my secret")])
    assert caught.value.message.startswith(f"sql/rules/too_long.sql does not run: {kind}")
    assert "secret" not in caught.value.message
    assert caught.value.__cause__ is None


def test_no_rule_at_all_is_refused(sql: Path) -> None:
    with pytest.raises(QueryError, match=r"sql/rules/ holds no rule → put one there"):
        load_rules()


def test_a_new_file_is_a_new_rule(sql: Path) -> None:
    (sql / "rules" / "too_long.sql").write_text(rule_text())
    assert [rule.rule_id for rule in load_rules()] == ["too_long"]
    assert found("too_long", TALK) == [("talk-0", 3, TALK[3]["content"])]


def test_the_rule_of_the_readme_works_as_it_stands_there(sql: Path) -> None:
    section = README.read_text(encoding="utf-8").partition("## Add a rule")[2]
    name, text = re.findall(r"Save this as `sql/rules/(\w+)\.sql`.*?```sql\n(.*?)```", section, re.DOTALL)[0]
    (sql / "rules" / f"{name}.sql").write_text(text)
    shouted = [user("WHERE IS MY MONEY NOW?"), agent("OK."), user("Well?"), agent("ON ITS WAY TO YOU.")]
    assert found("shouting", TALK, shouted) == [("talk-0", 3, TALK[3]["content"]), ("talk-1", 3, "ON ITS WAY TO YOU.")]
