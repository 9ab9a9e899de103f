"""Rows of a Langfuse export brought together by trace, in any order and from overlapping windows.

What belongs here: which row is a trace, an observation or a score, and rows that repeat. What does not: what they mean
(`langfuse`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wow_flywheel.conversations.readers.provenance import LeftOut
from wow_flywheel.conversations.readers.values import JsonObject, as_list, as_object, first_text


@dataclass(frozen=True, slots=True)
class Row:
    """A trace, an observation or a score, with its fields in camel case.

    Attributes:
        value: Its fields.
        sources: Indexes of the documents that it was read from.
    """

    value: JsonObject
    sources: frozenset[int]


@dataclass(slots=True)
class Rows:
    """What documents hold.

    Attributes:
        left: Learns what was left out.
        traces: By id.
        observations: By trace and id.
        scores: By id, or by what they say.
    """

    left: LeftOut
    traces: dict[str, Row] = field(default_factory=dict)
    observations: dict[str, dict[str, Row]] = field(default_factory=dict)
    scores: dict[str, Row] = field(default_factory=dict)

    def add(self, document: Any, index: int) -> None:
        """Take in one document: a trace with all that it has, one row, or a page of an API `{data: […]}`."""
        value = camel(as_object(document))
        whole = as_object(value.get("trace")) or (value if isinstance(value.get("observations"), list) else {})
        if whole:
            self._add_trace(camel(whole), as_list(value.get("observations")), value, index)
        elif isinstance(value.get("data"), list):
            for each in value["data"]:
                self.add(each, index)
        elif "startTime" in value and isinstance(value.get("id"), str):
            self._add_observation(value, None, index)
        elif ("value" in value or "stringValue" in value) and "name" in value:
            self._add_score(value, None, index)
        elif "timestamp" in value and isinstance(value.get("id"), str):
            self._put(self.traces, value["id"], value, index)
        else:
            self.left.add("unknown_document", [index])

    def _add_trace(self, trace: JsonObject, observations: list[Any], document: JsonObject, index: int) -> None:
        name = first_text(trace, "id")
        if name is None:
            self.left.add("unknown_document", [index])
            return
        facts = {key: value for key, value in trace.items() if key not in {"observations", "scores"}}
        self._put(self.traces, name, facts, index)
        for each in observations:
            self._add_observation(camel(as_object(each)), name, index)
        listed = {id(each): each for each in (*as_list(trace.get("scores")), *as_list(document.get("scores")))}
        for each in listed.values():
            self._add_score(camel(as_object(each)), name, index)

    def _add_observation(self, observation: JsonObject, trace: str | None, index: int) -> None:
        name = first_text(observation, "traceId") or trace
        if name is None or not isinstance(observation.get("id"), str):
            self.left.add("unknown_document", [index])
            return
        self._put(self.observations.setdefault(name, {}), observation["id"], observation, index)

    def _add_score(self, score: JsonObject, trace: str | None, index: int) -> None:
        key = first_text(score, "id") or f"{index}-{len(self.scores)}"
        self._put(self.scores, key, {**score, "traceId": first_text(score, "traceId") or trace}, index)

    def _put(self, held: dict[str, Row], key: str, value: Mapping[str, Any], index: int) -> None:
        """Take in a row. Of rows with one id the later completes the earlier; one that says nothing more is left out."""
        before = held.get(key)
        if before is None:
            held[key] = Row(value, frozenset({index}))
            return
        merged = {**before.value, **{name: each for name, each in value.items() if _says(each)}}
        if merged == before.value:
            self.left.add("repeated", [index])
        elif all(not _says(each) or (name in value and value[name] == each) for name, each in before.value.items()):
            self.left.add("repeated", before.sources)
            held[key] = Row(merged, frozenset({index}))
        else:
            held[key] = Row(merged, before.sources | {index})


def _says(value: Any) -> bool:
    return value is not None and value not in ("", [], {})


def camel(value: JsonObject) -> JsonObject:
    """The database spells `trace_id` what the API spells `traceId`."""
    return {_camel_name(name): each for name, each in value.items()}


def _camel_name(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in rest)
