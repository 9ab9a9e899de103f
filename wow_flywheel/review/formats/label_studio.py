"""Cases as Label Studio tasks with predictions, and annotations back from its JSON export.

What belongs here: the tasks' shape and the labelling interface that goes with it. What does not: the server, which this does
not talk to; what becomes of the answers.

A region is a finding: its id is the finding's key, its label the issue type, its place the quote. For each region the annotator
chooses `accepted` or `rejected` and may write what should have been said there; for the whole task, the label and a note.
Offsets count UTF-16 units, as browsers do.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any, Final

from wow_flywheel.errors import DecisionError
from wow_flywheel.review.formats.answers import Answer, Fault, moment, said
from wow_flywheel.review.formats.items import Item, split_name, turn_text
from wow_flywheel.review.page import Finding

MODEL: Final = "wow_flywheel"
DIALOGUE: Final = "dialogue"
UNREADABLE: Final = "its data name no case, or an annotation is not of the interface that goes with the export"


def write(items: Sequence[Item]) -> str:
    """A task a case."""
    return json.dumps([_task(item) for item in items], ensure_ascii=False, indent=1)


def interface() -> str:
    """The labelling interface (XML) of a project for these tasks."""
    return (files("wow_flywheel.review.formats") / "label_studio.xml").read_text(encoding="utf-8")


def read(text: str) -> tuple[list[Answer], list[Fault]]:
    """The annotations of a JSON export, and the tasks that cannot be read. Cancelled annotations say nothing.

    Raises:
        DecisionError: The file is no list of tasks.
    """
    try:
        tasks = json.loads(text)
    except (ValueError, RecursionError):
        tasks = None
    if not isinstance(tasks, list):
        raise DecisionError("the file is no JSON list of tasks", hint="choose JSON, not JSON-MIN, in Label Studio's export")
    answers: list[Answer] = []
    faults: list[Fault] = []
    for place, task in enumerate(tasks):
        try:
            answers += _answers(f"task {place}", task)
        except (ValueError, TypeError, KeyError, AttributeError, IndexError):
            faults.append(
                (f"task {place}", "its data name no case, or an annotation is not of the interface that goes with the export")
            )
    return answers, faults


def _task(item: Item) -> dict[str, Any]:
    case = item.case
    texts = [turn_text(message) for message in item.messages]
    talk = [{"author": message["role"], "text": text} for message, text in zip(item.messages, texts, strict=True)]
    data = {"case": item.name, "scenario": case["scenario"], "reasons": "\n".join(case["reasons"]), DIALOGUE: talk}
    regions = [part for each in item.findings if 0 <= each.turn < len(texts) for part in _region(each, texts[each.turn])]
    label = {"id": "label", "from_name": "label", "to_name": DIALOGUE, "type": "choices", "value": {"choices": [case["label"]]}}
    return {"data": data, "predictions": [{"model_version": MODEL, "score": item.value, "result": [label, *regions]}]}


def _region(each: Finding, text: str) -> Iterator[dict[str, Any]]:
    begin = text.find(each.quote) if each.quote else -1
    start, end = (begin, begin + len(each.quote)) if begin >= 0 else (0, len(text))
    place = {
        "start": str(each.turn),
        "end": str(each.turn),
        "startOffset": _units(text[:start]),
        "endOffset": _units(text[:end]),
        "text": text[start:end],
    }
    common = {"id": each.key, "to_name": DIALOGUE}
    yield {
        **common,
        "from_name": "finding",
        "type": "paragraphlabels",
        "value": {**place, "paragraphlabels": [each.issue_type]},
    }
    if each.decision != "unresolved":
        yield {**common, "from_name": "holds", "type": "choices", "value": {**place, "choices": [each.decision]}}


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", errors="surrogatepass")) // 2


def _answers(where: str, task: Mapping[str, Any]) -> Iterator[Answer]:
    day, conversation_id = split_name(task["data"]["case"])
    for annotation in task.get("annotations") or []:
        if annotation.get("was_cancelled"):
            continue
        results = annotation["result"]
        about: dict[str, Any] = {
            "by": _by(annotation.get("completed_by")),
            "at": moment(annotation.get("updated_at") or annotation.get("created_at")),
            "note": " ".join(said(text for each in results if each.get("from_name") == "note" for text in _texts(each))),
        }
        for each in results:
            if each.get("from_name") == "label":
                yield Answer(where, "label", day, conversation_id, each["value"]["choices"][0], **about)
            elif each.get("from_name") == "holds":
                yield Answer(where, "finding", day, conversation_id, each["value"]["choices"][0], each["id"], **about)
            elif each.get("from_name") == "rewrite":
                text = "\n".join(said(_texts(each)))
                yield Answer(where, "rewrite", day, conversation_id, text, each["id"], **about)


def _texts(result: Mapping[str, Any]) -> list[Any]:
    text = result["value"]["text"]
    return text if isinstance(text, list) else [text]


def _by(who: Any) -> str:
    """The annotator: an e-mail where the export expands users, else the number that Label Studio gives them."""
    if isinstance(who, Mapping):
        who = who.get("email") or who.get("username") or who.get("id")
    return f"label-studio:{who}" if isinstance(who, int) else str(who or "")
