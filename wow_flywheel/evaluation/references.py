"""Where it is known from what was right at the turn of a Bad Case, for a flywheel that has logs, knowledge and policies only.

What belongs here: for each issue type, which sources may say it, in which order. What does not: what the right output demands
of others (`owed`).

*log*: the assistant's own correction: the first other output after the customer only pushed back or asked again, or after a
call that failed, to which nobody objects afterwards. *good_case*: what was said most in Good Cases at the same point of the
same scenario to a customer who spoke alike, with this conversation's values. *procedure*: the step that is due. *said*: where
only the tone was wrong, what was said was owed, and the inspectors see to the tone. A turn for which no source says anything
certain is not counted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from wow_flywheel.dialogue import DialogueAction, Message, assistant_actions, to_chat
from wow_flywheel.evaluation.judged import Procedure
from wow_flywheel.evaluation.owed import Kind, Owed, owed_by, step_owed
from wow_flywheel.inspection.grounding import numbers
from wow_flywheel.inspection.results import calls
from wow_flywheel.inspection.wording import HUMAN, PUSHBACK, UPSET
from wow_flywheel.pairs.candidates import GoodCases, heard, heard_as, is_open, jaccard
from wow_flywheel.pairs.sites import Site

ASKED_AGAIN: Final = 0.5
"""Shared words, as a share of all, from which on a customer says the same again."""
ANY: Final[tuple[Kind, ...]] = ("action", "facts", "question", "step")
POSITIVES: Final[Mapping[str, tuple[tuple[str, ...], tuple[Kind, ...]]]] = {
    "unclarified_demand": (("log", "good_case"), ("question",)),
    "hallucination": (("log", "good_case"), ("action", "facts", "question")),
    "script_repetition": (("log", "good_case", "procedure"), ANY),
    "incomplete_solution": (("log", "good_case", "procedure"), ANY),
    "policy_violation": (("procedure", "good_case"), ANY),
    "knowledge_misuse": (("log", "good_case"), ("facts",)),
    "poor_empathy": (("said",), ("action", "facts", "question")),
    "action_mismatch": (("log", "good_case"), ("action",)),
}
"""By issue type, the sources in their order, and what may be demanded."""


@dataclass(frozen=True, slots=True)
class References:
    """What is known to be right, by source.

    Attributes:
        good_cases: Good Cases of the same days.
        procedures: Procedure by scenario.
        known: Numbers that the knowledge states.
        faulty: Conversation and turn of each accepted severe finding: such an output corrects nothing.
    """

    good_cases: GoodCases
    procedures: Mapping[str, Procedure]
    known: frozenset[str]
    faulty: frozenset[tuple[str, int]]

    @classmethod
    def of(
        cls, good: pl.DataFrame, inspections: pl.DataFrame, knowledge: pl.DataFrame, procedures: pl.DataFrame
    ) -> "References":
        """From tables.

        Args:
            good: Good Cases, contract `conversations`.
            inspections: Contract `inspections`.
            knowledge: Columns unit_id, title, content.
            procedures: Columns policy_id, scenario, reply_id, text, next_reply_id.
        """
        severe = inspections.filter(pl.col("decision") == "accepted", pl.col("severity").is_in(["major", "critical"]))
        return cls(
            GoodCases.of(good),
            {str(scenario): Procedure.of(steps) for (scenario,), steps in procedures.group_by("scenario")},
            frozenset[str]().union(*map(numbers, knowledge["content"].drop_nulls())),
            frozenset(severe.drop_nulls("turn").select("conversation_id", "turn").iter_rows()),
        )

    def owed(self, site: Site) -> Owed | None:
        """What a turn owed, by the first source that says something certain; None if none does."""
        sources, kinds = POSITIVES.get(site.issue_type, ((), ()))
        found = (owed for source in sources if (owed := self._from(source, site)) is not None and owed.kind in kinds)
        return next(found, None)

    def _from(self, source: str, site: Site) -> Owed | None:
        if source == "procedure":
            return self._due(site)
        right = self._usual(site) if source == "good_case" else self.corrected(site) if source == "log" else site.said
        return None if right is None else self.owed_by(site, right, source)

    def owed_by(self, site: Site, right: DialogueAction, source: str) -> Owed | None:
        """What a turn owed, read from an output that was right there; where it tells and asks nothing new, the step it is."""
        found = owed_by(site, right, source, self.known)
        procedure = self.procedures.get(site.scenario)
        if found is not None or procedure is None or right.action is not None:
            return found
        return step_owed(procedure.step(right), procedure.texts, source)

    def corrected(self, site: Site) -> DialogueAction | None:
        """The output by which the log itself put the turn right; None if it did not."""
        last = heard(site.prompt)
        for place, message in enumerate(site.rest[1:], start=1):
            if message["role"] == "user" and not _again(message, last):
                return None
            if message["role"] != "assistant":
                continue
            outputs = assistant_actions(message)
            wrong = (site.conversation_id, site.turn + place) in self.faulty
            if outputs and not wrong and heard_as(outputs[0]) != heard_as(site.said):
                return outputs[0] if _accepted(site.rest[place + 1 :], last) else None
        return None

    def _usual(self, site: Site) -> DialogueAction | None:
        """At the same point, else at the one where it would stand without the calls that failed: they moved nothing."""
        places = [site, replace(site, prompt=without_failures(site.prompt))]
        usable = (each.output for place in places for each in self.good_cases.candidates(place) if not each.against)
        return next((each for each in usable if heard_as(each) != heard_as(site.said)), None)

    def _due(self, site: Site) -> Owed | None:
        """None where the customer asked, pushed back or is upset: the next step of a script is no answer to that."""
        procedure = self.procedures.get(site.scenario)
        return (
            None
            if procedure is None or is_open(site.prompt)
            else step_owed(procedure.expected(to_chat(site.prompt)), procedure.texts)
        )


def without_failures(prompt: Sequence[Message]) -> tuple[Message, ...]:
    """A conversation without its failed calls and their results; a turn of several calls stays as it is."""
    failed = [call for call in calls(prompt) if call.result == "failed" and len(prompt[call.turn].get("tool_calls") or []) == 1]
    gone = {place for call in failed for place in (call.turn, call.result_turn)}
    return tuple(message for place, message in enumerate(prompt) if place not in gone)


def _again(message: Message, last: frozenset[str]) -> bool:
    """Whether a customer only objects, or says the same again: then the assistant's next turn is about the same thing."""
    text = message.get("content") or ""
    return bool(PUSHBACK.search(text) or UPSET.search(text)) or jaccard(heard([message]), last) >= ASKED_AGAIN


def _accepted(rest: Sequence[Message], last: frozenset[str]) -> bool:
    """Whether the customer's next message does not object, nor ask for a person."""
    following = next((message for message in rest if message["role"] == "user"), None)
    if following is None:
        return not rest or rest[0]["role"] == "tool"
    return not _again(following, last) and not HUMAN.search(following.get("content") or "")
