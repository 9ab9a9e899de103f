"""Checks live conversations: the same rule files as for the daily partition, as one prepared statement on a warm session.

What belongs here: keeping sessions warm, and giving them a few conversations at once. What does not: what a conversation
may look like (`incoming`), HTTP (`server`).

Planning the rules costs DuckDB many times what running them over twenty turns does. So all relations and rules become one
statement, each relation a materialised CTE, that is planned once. DuckDB plans a prepared statement anew at each run unless
its optimizer was off when it was prepared, and twenty turns need none.
"""

import threading
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Final

import duckdb
import polars as pl
import pyarrow as pa

from wow_flywheel.dialogue import normalised
from wow_flywheel.errors import QueryError
from wow_flywheel.queries import literal, without_data
from wow_flywheel.rules.engine import FINDING_COLUMNS
from wow_flywheel.rules.incoming import Conversation, parse
from wow_flywheel.rules.overrides import NONE, Overrides, Profile
from wow_flywheel.rules.registry import Rule
from wow_flywheel.rules.relations import KNOWN_FACTS, TURNS, knowledge_facts, on_knowledge

Finding = dict[str, Any]
NAMED: Final = "(SELECT {} FROM (\n{}\n))"
LOGGED: Final = pl.Schema({name: dtype for name, dtype in TURNS.items() if name != "norm"})
KNOWLEDGE: Final = pl.Schema(dict.fromkeys(("unit_id", "title", "content"), pl.String))
PROCEDURES: Final = pl.Schema(dict.fromkeys(("policy_id", "scenario", "reply_id", "text", "next_reply_id"), pl.String))


class Checker:
    """Checks conversations as they are; safe to share between threads, which take turns.

    Args:
        knowledge: Columns unit_id, title, content; None for none.
        procedures: Columns policy_id, scenario, reply_id, text, next_reply_id; None for none.
        overrides: What differs from the rules' headers, by scenario.

    Raises:
        QueryError: A rule or relation is malformed or cannot be planned.
    """

    def __init__(
        self, knowledge: pl.DataFrame | None = None, procedures: pl.DataFrame | None = None, overrides: Overrides = NONE
    ) -> None:
        units = KNOWLEDGE.to_frame() if knowledge is None else knowledge
        steps = PROCEDURES.to_frame() if procedures is None else procedures
        self._sessions = {
            scenario: WarmSession(overrides.profile(scenario), units, steps) for scenario in {None, *overrides.changes}
        }
        self._lock = threading.Lock()

    def check(self, conversation: Mapping[str, Any]) -> list[Finding]:
        """What the rules find in one conversation.

        Args:
            conversation: In log form: `messages` as a list of OpenAI chat messages, and optionally `scenario`; whatever else a
                log record has may be there.

        Returns:
            Findings by turn and rule: rule_id, rule_version, issue_type, severity, turn, quote, evidence.

        Raises:
            BadConversation: It is not in log form; names the field.
        """
        return self.check_many([parse(conversation)])[0]

    def rules(self) -> list[dict[str, str]]:
        """The rules that are on where no scenario changes them: id, version, issue type, severity, what each finds."""
        return self._sessions[None].rules()

    def check_many(self, conversations: Sequence[Conversation]) -> list[list[Finding]]:
        """What the rules find in each of some conversations; together they cost little more than one alone."""
        groups: dict[str | None, list[int]] = {}
        for number, conversation in enumerate(conversations):
            own = conversation.scenario if conversation.scenario in self._sessions else None
            groups.setdefault(own, []).append(number)
        found: list[list[Finding]] = [[] for _ in conversations]
        with self._lock:
            for scenario, numbers in groups.items():
                rows = [row for number in numbers for row in conversations[number].rows(number)]
                for number, finding in self._sessions[scenario].findings(rows):
                    found[number].append(finding)
        return found


class WarmSession:
    """The rules of one profile on a DuckDB of their own, planned.

    Args:
        profile: The rules.
        knowledge: See `Checker`.
        procedures: See `Checker`.
    """

    def __init__(self, profile: Profile, knowledge: pl.DataFrame, procedures: pl.DataFrame) -> None:
        self._rules = {rule.rule_id: rule for rule in profile.rules}
        self._incoming = _Incoming()
        self._connection = duckdb.connect()
        self._connection.execute("SET TimeZone = 'UTC'; SET python_enable_replacements = false; SET threads = 1")
        facts = next(query for query in profile.relations if query.header["relation"] == "facts")
        frames = {"knowledge": knowledge, "procedures": procedures, KNOWN_FACTS: knowledge_facts(facts, knowledge)}
        try:
            for name, frame in frames.items():
                self._connection.from_arrow(frame.to_arrow()).create(name)
            for query in filter(on_knowledge, profile.relations):
                self._connection.sql(query.text()).create(query.header["relation"])
            self._connection.register("incoming", self._incoming)
            self._connection.execute("SET enable_optimizer = false")
            self._connection.execute(f"PREPARE rules AS {combined(profile)}")
        except duckdb.Error as error:
            raise QueryError(f"the rules cannot be planned: {without_data(error)}", hint="run the rules' tests") from None

    def rules(self) -> list[dict[str, str]]:
        """See `Checker.rules`."""
        names = ("rule_id", "version", "issue_type", "severity", "finds")
        return [{name: getattr(rule, name) for name in names} for rule in self._rules.values()]

    def findings(self, rows: Iterable[Mapping[str, Any]]) -> list[tuple[int, Finding]]:
        """What the rules find in some turns, each finding with its conversation's number; by turn and rule.

        Args:
            rows: Columns of `LOGGED`.
        """
        self._incoming.hold(rows)
        found: dict[tuple[int, int, str, str], str] = {}
        try:
            rows_found = self._connection.execute("EXECUTE rules").fetchall()
        except duckdb.Error as error:
            raise QueryError(f"the rules do not run: {without_data(error)}", hint="run the rules' tests") from None
        for rule_id, number, turn, quote, evidence in rows_found:
            found.setdefault((number, turn, rule_id, quote), evidence)
        return [(key[0], self._finding(key, found[key])) for key in sorted(found)]

    def _finding(self, key: tuple[int, int, str, str], evidence: str) -> Finding:
        _, turn, rule_id, quote = key
        rule = self._rules[rule_id]
        return {
            "rule_id": rule_id,
            "rule_version": rule.version,
            "issue_type": rule.issue_type,
            "severity": rule.severity,
            "turn": turn,
            "quote": quote,
            "evidence": evidence,
        }


class _Incoming:
    """The turns that the prepared statement reads: DuckDB asks for them anew at each run, by Arrow's C interface."""

    def __init__(self) -> None:
        self.hold([])

    def hold(self, rows: Iterable[Mapping[str, Any]]) -> None:
        self._table: pa.Table = (
            pl.DataFrame(list(rows), schema=LOGGED).with_columns(norm=normalised(pl.col("content"))).to_arrow()
        )

    def __arrow_c_schema__(self) -> Any:
        return self._table.schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self._table.__arrow_c_stream__(requested_schema)


def combined(profile: Profile) -> str:
    """All relations and rules of a profile as one statement: rule_id, conversation_id, turn, quote, evidence."""
    relations = [("turns", "FROM incoming")]
    relations += [(query.header["relation"], query.text()) for query in profile.relations if not on_knowledge(query)]
    ctes = ",\n".join(f"{name} AS MATERIALIZED (\n{text}\n)" for name, text in relations)
    return "\n".join(["WITH", ctes, "\nUNION ALL\n".join(map(_named, profile.rules))])


def _named(rule: Rule) -> str:
    columns = ", ".join([literal(rule.rule_id), *FINDING_COLUMNS])
    return NAMED.format(columns, rule.query.text())


@cache
def _default() -> Checker:
    return Checker()


def check(conversation: Mapping[str, Any], checker: Checker | None = None) -> list[Finding]:
    """What the rules find in one conversation; see `Checker.check`.

    Args:
        conversation: In log form.
        checker: One with a knowledge base, procedures or overrides; without it, the rules as they are, made at the first call.
    """
    return (checker or _default()).check(conversation)
