"""What people noted on a span: annotations of OpenInference, evaluation events of OpenTelemetry.

What belongs here: the names of their fields, and who counts as a person. What does not: what a score means (`scores`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from wow_flywheel.conversations.readers.calls import Call
from wow_flywheel.conversations.readers.flattened import under
from wow_flywheel.conversations.readers.otlp import Span
from wow_flywheel.conversations.readers.provenance import LeftOut
from wow_flywheel.conversations.readers.said import Feedback, Said
from wow_flywheel.conversations.readers.scores import feedback_of
from wow_flywheel.conversations.readers.values import JsonObject, as_list, as_object, first

EVALUATION: Final = "gen_ai.evaluation.result"
PEOPLE: Final = {"human", "user", "end_user", "annotator", "customer"}
EVALUATOR: Final = (
    "gen_ai.evaluation.evaluator.type", "gen_ai.evaluation.source", "gen_ai.evaluator.type", "evaluator.type",
    "annotator_kind", "gen_ai.evaluation.annotator_kind",
)  # fmt: skip
"""The conventions do not say yet who evaluated; an evaluation that does not name a person by one of these is automatic."""
NAMES_PEOPLE: Final = ("user_feedback", "user feedback", "human", "customer", "thumb", "csat")
SESSIONS: Final = ("gen_ai.conversation.id", "session.id")


@dataclass(frozen=True, slots=True)
class _Word:
    by_person: bool
    feedback: Feedback
    sessions: list[str]
    sources: frozenset[int]


def note(span: Span, call: Call | None, said: Said, left: LeftOut) -> bool:
    """Note what people said on a span. On one that is no call it counts for its whole trace.

    Returns:
        Whether anything was noted on the span, by people or not.
    """
    found = [*_annotations(span), *_evaluations(span)]
    for word in found:
        if not word.by_person:
            left.add("automatic_score", word.sources)
        elif not word.feedback:
            left.add("unclear_score", word.sources)
        else:
            said.add([call.id if call else span.id, span.trace, *word.sessions], word.feedback, word.sources)
    return bool(found)


def _annotations(span: Span) -> Iterator[_Word]:
    for each in as_list(under(span.attributes, "annotations")):
        annotation = as_object(as_object(each).get("annotation"))
        by_person = str(annotation.get("annotator_kind") or "HUMAN").upper() == "HUMAN"
        said = (annotation.get("label"), annotation.get("score"), annotation.get("explanation"))
        yield _Word(by_person, _feedback(str(annotation.get("name")), *said), [], span.sources)


def _evaluations(span: Span) -> Iterator[_Word]:
    """Evaluation events on the span, apart as log records, or the span itself where it is one."""
    for event in span.events:
        if event.name == EVALUATION:
            yield _evaluation({**as_object(event.body), **event.attributes}, event.sources)
    if span.logged and "gen_ai.evaluation.name" in span.attributes:
        yield _evaluation(span.attributes, span.sources)


def _evaluation(about: JsonObject, sources: frozenset[int]) -> _Word:
    name = str(about.get("gen_ai.evaluation.name"))
    label, score = (first(about, f"gen_ai.evaluation.score.{each}") for each in ("label", "value"))
    sessions = [found for key in SESSIONS if isinstance(found := about.get(key), str)]
    feedback = _feedback(name, label, score, about.get("gen_ai.evaluation.explanation"))
    return _Word(_by_person(name, about), feedback, sessions, sources)


def _by_person(name: str, about: JsonObject) -> bool:
    who = first(about, *EVALUATOR)
    if who is not None:
        return str(who).lower() in PEOPLE
    return any(word in name.lower() for word in NAMES_PEOPLE)


def _feedback(name: str, label: Any, score: Any, explanation: Any) -> Feedback:
    return (feedback_of(name, label) or feedback_of(name, score)) | feedback_of(name, None, explanation)
