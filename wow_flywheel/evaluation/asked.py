"""The endpoint's word on whether a reply gives what its turn owed: the question that `owed` answers by words.

What belongs here: asking, and what follows from the answer. What does not: what was owed (`references`), inspecting (`repair`).

The judge is told what was right, not who spoke, what was said in the log, or what had been found there. A paraphrase passes
that shares no word with the right reply; an answer that cannot be read refuses the reply, with the reason.
"""

from collections.abc import Sequence

import polars as pl
from pydantic import BaseModel, ConfigDict

from wow_flywheel.dialogue import DialogueAction
from wow_flywheel.evaluation.owed import Owed
from wow_flywheel.inspection.transcript import KnowledgeIndex, as_data, render
from wow_flywheel.llm.client import Failure, LlmClient, LlmRequest, Outcome
from wow_flywheel.pairs.sites import Site


class Ruling(BaseModel):
    """The endpoint's answer; the reason comes first, so that it is not made up afterwards."""

    model_config = ConfigDict(extra="forbid")

    reason: str
    gives: bool


def by_endpoint(
    client: LlmClient, knowledge: pl.DataFrame, outputs: Sequence[tuple[Site, DialogueAction, Owed]]
) -> list[str | None]:
    """For each output None if the endpoint says that it gives what its turn owed, else why not.

    A call is compared, not asked about: whether a tool is called with the right arguments is no matter of opinion.

    Args:
        client: The endpoint.
        knowledge: Columns unit_id, title, content.
        outputs: Each with its turn and what that owed.

    Raises:
        EndpointRefused: The endpoint refuses for good.
        EndpointUnavailable: It is down: many calls in a row got no answer.
    """
    index = KnowledgeIndex.of(knowledge)
    asked = [each for each in outputs if each[2].kind != "action"]
    answers = iter(client.complete_all([_request(*each, index) for each in asked], Ruling))
    return [owed.unmet(output) if owed.kind == "action" else _why_not(owed, next(answers)) for _, output, owed in outputs]


def _why_not(owed: Owed, answer: Outcome[Ruling]) -> str | None:
    if isinstance(answer, Failure):
        return f"the judge gave no answer: {answer}"
    return None if answer.value.gives else f"does not do what was owed ({owed.text}): {answer.value.reason}"


def _request(site: Site, output: DialogueAction, owed: Owed, index: KnowledgeIndex) -> LlmRequest:
    answer = {"reply": output.reply, "action": output.action.model_dump() if output.action else None}
    values = {
        "turns": as_data(site.prompt),
        "knowledge": index.relevant(site.prompt),
        "answer": as_data([answer]),
        "owed": as_data([{"right": owed.text}]),
    }
    system = render("evaluation", "owed_system.jinja", {})
    return LlmRequest(render("evaluation", "owed.jinja", values), system=system, about=site.pair_id)
