"""Cases and findings as Argilla 2 records, as `Dataset.records.to_json` writes and `from_json` reads them.

What belongs here: the records' shape. What does not: the server, which this does not talk to; what becomes of the answers.

Two datasets, since Argilla asks the same of all records of one. Cases: fields `chat` (ChatField) and `why` (TextField),
questions `label` (LabelQuestion: good, bad, failed, review) and `note` (TextQuestion). Findings: fields `chat` and `finding`,
questions `holds` (LabelQuestion: accepted, rejected), `rewrite` and `note` (TextQuestions).
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from wow_flywheel.errors import DecisionError
from wow_flywheel.review.formats.answers import Answer, Fault, Kind, said
from wow_flywheel.review.formats.items import Item, split_name, turn_text
from wow_flywheel.review.page import Finding

QUESTIONS: Final[Mapping[str, Kind]] = {"label": "label", "holds": "finding", "rewrite": "rewrite"}
NOBODY: Final = ("", "None")
FINDING: Final = re.compile(r"(.*)#([0-9a-f]{20})", re.DOTALL)


def write(items: Sequence[Item]) -> str:
    """A record a case."""
    return json.dumps([_case(item) for item in items], ensure_ascii=False, indent=1)


def write_findings(items: Sequence[Item]) -> str:
    """A record a finding."""
    return json.dumps([_finding(item, each) for item in items for each in item.findings], ensure_ascii=False, indent=1)


def read(text: str) -> tuple[list[Answer], list[Fault]]:
    """The responses of records of either kind, and the records that cannot be read.

    Raises:
        DecisionError: The file is no list of records.
    """
    try:
        records = json.loads(text)
    except (ValueError, RecursionError):
        records = None
    if not isinstance(records, list):
        raise DecisionError("the file is no JSON list of records", hint="write it by `dataset.records.to_json`")
    answers: list[Answer] = []
    faults: list[Fault] = []
    for place, record in enumerate(records):
        try:
            answers += _answers(f"record {place}", record)
        except (ValueError, TypeError, KeyError, AttributeError):
            faults.append((f"record {place}", "its id is not of an export, or its responses are not a list by question"))
    return answers, faults


def _case(item: Item) -> dict[str, Any]:
    why = "\n".join(item.case["reasons"])
    suggestions = {"label": _suggestion(item.case["label"])}
    return _record(item, item.name, {"why": why}, suggestions)


def _finding(item: Item, each: Finding) -> dict[str, Any]:
    reasons = [f"{claim['inspector']}: {claim['explanation'] or ''}" for claim in each.claims]
    head = f"{each.issue_type} ({each.severity}) at turn {each.turn}: “{each.quote}”"
    suggestions = {} if each.decision == "unresolved" else {"holds": _suggestion(each.decision)}
    return _record(item, f"{item.name}#{each.key}", {"finding": "\n".join([head, *reasons])}, suggestions)


def _record(item: Item, name: str, fields: Mapping[str, str], suggestions: Mapping[str, Any]) -> dict[str, Any]:
    chat = [{"role": message["role"], "content": turn_text(message)} for message in item.messages]
    about = {"dt": str(item.case["dt"]), "scenario": item.case["scenario"], "value": item.value}
    return {
        "id": name,
        "fields": {"chat": chat, **fields},
        "metadata": about,
        "suggestions": suggestions,
        "responses": {},
        "vectors": {},
    }


def _suggestion(value: str) -> dict[str, Any]:
    return {"value": value, "score": None, "agent": "wow_flywheel"}


def _answers(where: str, record: Mapping[str, Any]) -> Iterator[Answer]:
    """The answers of one record: each user's, with that user's note."""
    of_finding = FINDING.fullmatch(record["id"])
    name, finding = of_finding.groups() if of_finding else (record["id"], "")
    day, conversation_id = split_name(name)
    responses = record.get("responses") or {}
    notes = {each["user_id"]: "".join(said([each["value"]])) for each in responses.get("note") or []}
    for question, kind in QUESTIONS.items():
        for each in responses.get(question) or []:
            user = str(each.get("user_id") or "")
            by = "" if user in NOBODY else f"argilla:{user}"
            for value in said([each["value"]]):
                note = notes.get(each.get("user_id"), "")
                yield Answer(where, kind, day, conversation_id, value, finding, by=by, note=note)
