"""SELECTs give, compiled, what they give in DuckDB; what is not compiled is refused by its name."""

# ruff: noqa: E501 a SELECT a line reads best

from decimal import Decimal

import polars as pl
import pytest

from wow_flywheel.rules.compiled.tree import Unsupported
from wow_flywheel_tests.unit.rules.compiled.beside import compiled_rows, duckdb_rows, in_order

TALK = pl.DataFrame(
    {
        "c": [1, 1, 1, 1, 2, 2, 3, 3],
        "turn": [0, 1, 2, 3, 0, 1, 0, 1],
        "role": ["user", "bot", "user", None, "user", "bot", "bot", "bot"],
        "said": ["Hi 12", "Hello, 3.5!", None, "hi 12", "", "12, 7 and 12", "HI", "你好 两张"],
        "ok": [True, False, None, True, None, None, False, True],
        "tags": [["a", "b"], [], None, ["b"], ["c", None], ["a"], [None], ["a", "a"]],
    },
    schema={
        "c": pl.Int32,
        "turn": pl.Int32,
        "role": pl.String,
        "said": pl.String,
        "ok": pl.Boolean,
        "tags": pl.List(pl.String),
    },
)
UNITS = pl.DataFrame(
    {"key": ["a", "b", "b", None], "worth": [Decimal("1.5"), None, Decimal(-2), Decimal(12)], "c": [1, 2, 1, 3]},
    schema={"key": pl.String, "worth": pl.Decimal(38, 4), "c": pl.Int32},
)
FRAMES = {"talk": TALK, "units": UNITS}

SAME = [
    "SELECT c, turn FROM talk WHERE NOT (ok AND role = 'user')",
    "SELECT c, ok OR role = 'bot', ok AND role = 'bot', NOT ok, role IN ('user', 'x'), role NOT IN ('bot') FROM talk",
    "SELECT turn BETWEEN 1 AND 2, said IS NULL, said IS NOT NULL, turn <> 1, ok = TRUE, NULL AND ok FROM talk",
    "SELECT CASE WHEN ok THEN said WHEN ok IS NULL THEN role END, coalesce(said, role, 'x'), coalesce(NULL, role) FROM talk",
    "SELECT said || ' of ' || turn, turn + 1, turn - 3, turn * 2, turn / 2, (turn - 2) % 2, -turn FROM talk",
    "SELECT lower(said), upper(said), length(said), strlen(said), trim(' ' || said || ' '), left(said, 2) FROM talk",
    "SELECT replace(said, 'i', 'o'), substr(said, 2, 3), said[2:3], strpos(said, 'i'), contains(said, 'i') FROM talk",
    "SELECT starts_with(said, 'H'), ends_with(said, '2'), string_split(said, ' '), greatest(turn, 1, NULL), least(turn, 1) FROM talk",
    r"SELECT regexp_matches(said, '^h', 'i'), regexp_extract(said, '(\d+)\.(\d)', 2), regexp_extract(said, 'x') FROM talk",
    r"SELECT regexp_extract_all(said, '\d+'), regexp_extract_all(said, '(H)|i', 1) FROM talk",
    r"SELECT regexp_replace(said, '\d+', '#'), regexp_replace(said, '\d', '', 'g'), regexp_full_match(said, 'HI|12.*') FROM talk",
    "SELECT len(tags), len(list_distinct(tags)), len(list_intersect(tags, ['a', 'c'])), list_position(['x', 'a'], role) FROM talk",
    "SELECT list_concat(tags, ['z'], NULL), array_to_string(tags, '-'), flatten([tags, ['q'], NULL]) FROM talk",
    "SELECT [t || '!' FOR t IN tags IF t <> 'b'], list_filter(tags, lambda t: t = 'a'), list_transform(tags, lambda t: upper(t)) FROM talk",
    "SELECT c, unnest(tags) AS tag, generate_subscripts(tags, 1) AS at FROM talk",
    "SELECT tag || '?' FROM (SELECT unnest(tags) AS tag FROM talk) WHERE tag > 'a'",
    "SELECT worth + 1::VARCHAR::DECIMAL(38, 4), worth - worth, worth % TRY_CAST('7' AS DECIMAL(38, 4)), worth > 1, worth / worth FROM units",
    "SELECT try_cast(said AS DECIMAL(38, 4)), try_cast(said AS INTEGER), turn::VARCHAR, turn * 0.5::DOUBLE FROM talk",
    "SELECT try(worth + try_cast('9999999999999999999999999999999999' AS DECIMAL(38, 4))) FROM units",
    "SELECT count(*), count(said), min(said), max(turn), sum(turn), bool_and(ok), bool_or(ok), min(worth) FROM talk, units",
    "SELECT count(*), max(turn), string_agg(said, '+') FROM talk WHERE turn > 99",
    "SELECT c, count(*) FILTER (ok), any_value(said), arg_max(said, turn), arg_min(role, turn) FROM talk GROUP BY c",
    "SELECT c, string_agg(said, '; ' ORDER BY said DESC, turn), first(said ORDER BY turn DESC) FROM talk GROUP BY ALL",
    "SELECT role, count(*) FROM talk GROUP BY role HAVING count(*) > 1 AND min(turn) = 0",
    "SELECT upper(role) AS r, c FROM talk GROUP BY upper(role), c",
    "SELECT DISTINCT c, role FROM talk",
    "SELECT talk.*, key FROM talk JOIN units ON talk.c = units.c AND turn > 0",
    "SELECT * FROM talk JOIN units USING (c)",
    "SELECT * FROM talk LEFT JOIN units ON units.c = talk.c AND worth > turn",
    "SELECT * FROM talk SEMI JOIN units ON units.key = talk.role OR units.c = talk.c + 1",
    "SELECT * FROM units SEMI JOIN talk USING (c)",
    "SELECT * FROM talk ANTI JOIN units ON units.c = talk.c AND worth < 0",
    "SELECT a.c, b.turn FROM talk AS a JOIN talk AS b ON a.c = b.c AND a.turn < b.turn CROSS JOIN units WHERE a.ok AND key = 'b'",
    "SELECT c, turn, lag(said) OVER w, lead(turn) OVER w, row_number() OVER w FROM talk WINDOW w AS (PARTITION BY c ORDER BY turn)",
    "SELECT c, turn, min(turn) OVER (PARTITION BY c), count(said) OVER (ORDER BY c), count(*) OVER () FROM talk",
    "SELECT c, turn, max(turn) OVER (PARTITION BY c ORDER BY turn ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) FROM talk",
    "SELECT turn, last_value(said IGNORE NULLS) OVER (PARTITION BY c ORDER BY turn ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM talk",
    "SELECT turn, first_value(said IGNORE NULLS) OVER (PARTITION BY c ORDER BY turn ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) FROM talk",
    "SELECT c, sum(turn) OVER (PARTITION BY c ORDER BY turn ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS s FROM talk QUALIFY s > 1",
    "SELECT c, max(turn) AS last FROM talk GROUP BY c QUALIFY last = max(max(turn)) OVER ()",
    "WITH x AS (SELECT c, turn FROM talk), y AS (SELECT c FROM x WHERE turn > 1) SELECT x.turn FROM x SEMI JOIN y USING (c)",
    "SELECT c AS a FROM talk UNION ALL SELECT turn FROM talk WHERE ok",
    "SELECT turn AS t, t + 1 AS u FROM talk WHERE u > 2",
    "SELECT json_valid(said), json_type('{\"a\": 1}'), json_keys('{\"b\": 1, \"a\": [2]}'), json_extract_string('{\"a/b\": \"x\"}', '/a~1b') FROM talk",
]  # fmt: skip


@pytest.mark.parametrize("sql", SAME)
def test_a_select_gives_what_it_gives_in_duckdb(sql: str) -> None:
    wanted = in_order(duckdb_rows(sql, FRAMES))
    assert in_order(compiled_rows(sql, FRAMES)) == wanted
    assert in_order(compiled_rows(sql, FRAMES, lasting=True)) == wanted  # which joins the other way round


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("SELECT c FROM talk ORDER BY c", "order modifier"),
        ("SELECT c FROM talk LIMIT 1", "limit modifier"),
        ("SELECT md5(said) FROM talk", "the function md5"),
        ("SELECT said = turn FROM talk", "a comparison of text with int"),
        ("SELECT turn * 1.5 FROM talk", r"int \* literal"),
        ("SELECT c FROM talk WHERE EXISTS (FROM units)", "subquery"),
        ("SELECT c FROM talk FULL JOIN units USING (c)", "regular full join"),
        ("SELECT count(DISTINCT c) FROM talk", "count.DISTINCT"),
        ("SELECT * EXCLUDE (c) FROM talk", r"\* with exclude list"),
        ("SELECT c FROM talk UNION SELECT c FROM units", "UNION without ALL"),
        ("SELECT regexp_matches(said, role) FROM talk", "a pattern that is not the same for all rows"),
        (r"SELECT regexp_replace(said, '(\d)', '<\1>') FROM talk", "groups in what a regular expression puts in"),
        ("SELECT regexp_extract_all(said, 'x*') FROM talk", "which can match nothing at all"),
        ("SELECT turn::DECIMAL(10, 2) FROM talk", r"a cast of int to DECIMAL"),
        ("SELECT ntile(2) OVER () FROM talk", "ntile"),
        ("SELECT min(turn) OVER (ORDER BY turn NULLS FIRST) FROM talk", "NULLS FIRST"),
        ("SELECT c FROM elsewhere", "the relation elsewhere"),
    ],
)
def test_what_is_not_compiled_is_named(sql: str, what: str) -> None:
    with pytest.raises(Unsupported, match=what):
        compiled_rows(sql, FRAMES)
