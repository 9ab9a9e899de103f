"""The rules: each file in `sql/rules/` with a checked header.

What belongs here: reading headers, refusing malformed ones. What does not: running rules (`engine`).
"""

import re
from dataclasses import dataclass
from difflib import get_close_matches

from wow_flywheel.contracts import ISSUE_TYPES, SEVERITIES
from wow_flywheel.errors import QueryError
from wow_flywheel.queries import Query, load_folder

FOLDER = "rules"
ANY = "any"
FINDING_COLUMNS = ["conversation_id", "turn", "quote", "evidence"]
"""What a rule's SELECT gives."""
NEEDED = ("id", "version", "issue_type", "severity", "finds", "grain", "inputs")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        rule_id: Unique.
        version: The header's version and the text's digest: changes whenever the rule does.
        issue_type: One of `contracts.ISSUE_TYPES`.
        severity: One of `contracts.SEVERITIES`.
        languages: The ISO 639-1 codes of the languages that it reads; empty where words do not matter to it.
        finds: What it finds, in one sentence.
        query: Its SELECT: conversation_id, turn, quote (verbatim text of that turn), evidence.
    """

    rule_id: str
    version: str
    issue_type: str
    severity: str
    languages: tuple[str, ...]
    finds: str
    query: Query


def load_rules() -> list[Rule]:
    """All rules, sorted by file name.

    Raises:
        QueryError: There is no rule, a header lacks a key, an id repeats, or an issue type or severity is unknown; the message
            names the file.
    """
    rules = [read_rule(query) for query in load_folder(FOLDER)]
    if not rules:
        raise QueryError("sql/rules/ holds no rule", hint="put one there: the README says how; or restore the folder")
    seen: dict[str, str] = {}
    for rule in rules:
        if rule.rule_id in seen:
            raise QueryError(
                f"sql/{rule.query.name}.sql has the id {rule.rule_id!r} of sql/{seen[rule.rule_id]}.sql",
                hint="give each rule an id of its own",
            )
        seen[rule.rule_id] = rule.query.name
    return rules


def read_rule(query: Query) -> Rule:
    """A rule from its file.

    Raises:
        QueryError: See `load_rules`.
    """
    missing = [key for key in NEEDED if not query.header.get(key)]
    if missing:
        raise QueryError(
            f"sql/{query.name}.sql lacks the header lines {missing}", hint="write them as '-- key: value' at the top"
        )
    return Rule(
        rule_id=query.header["id"],
        version=f"{query.header['version']}+{query.digest}",
        issue_type=_one_of(query, "issue_type", ISSUE_TYPES),
        severity=_one_of(query, "severity", SEVERITIES),
        languages=_languages(query),
        finds=query.header["finds"],
        query=query,
    )


def _one_of(query: Query, key: str, allowed: tuple[str, ...]) -> str:
    value = query.header[key]
    if value not in allowed:
        near = get_close_matches(value, allowed, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"use one of {list(allowed)}"
        raise QueryError(f"sql/{query.name}.sql: {key} {value!r} is unknown", hint=hint)
    return value


def _languages(query: Query) -> tuple[str, ...]:
    """The codes in `language`; a rule without that line, or with `any`, is of no language."""
    written = query.header.get("language", ANY)
    codes = tuple(code.strip() for code in written.split(",")) if written != ANY else ()
    if not all(re.fullmatch("[a-z]{2}", code) for code in codes):
        raise QueryError(
            f"sql/{query.name}.sql: language {written!r} is unknown", hint="write 'any', or codes such as 'en, zh'"
        )
    return codes
