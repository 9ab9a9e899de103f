"""Two models side by side before a judge: both orders asked, ties kept, the judge's liking for a place measured.

What belongs here: asking the endpoint and counting. What does not: the endpoint's client (`llm`), which replies (`replies`).

Every pair is asked twice with the places swapped (Zheng et al. 2023, "Judging LLM-as-a-Judge", section 3.4). A model wins where
both answers name it; whatever else, a disagreement included, is a tie and counts half. A judge who always names the same place
thus gives ties alone, and shows in `position_bias`: how much more often than half the first place won among answers that named
one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict

from wow_flywheel.dialogue import ChatMessage, DialogueAction
from wow_flywheel.evaluation.intervals import Interval, wilson
from wow_flywheel.inspection.transcript import KnowledgeIndex, as_data, render
from wow_flywheel.llm.client import LlmClient, LlmRequest, Outcome, Success

Choice = Literal["1", "2", "tie"]
EVEN: Final = 0.5


class Judgement(BaseModel):
    """The judge's answer; the reason comes first, so that it is not made up afterwards."""

    model_config = ConfigDict(extra="forbid")

    reason: str
    better: Choice


@dataclass(frozen=True, slots=True)
class Duel:
    """What two models said at one turn.

    Attributes:
        episode: The turn's name.
        user_id: Whose conversation it is.
        scenario: Its scenario.
        prompt: The conversation up to there.
        baseline: The baseline's output, as generated.
        candidate: The candidate's.
    """

    episode: str
    user_id: str
    scenario: str
    prompt: tuple[ChatMessage, ...]
    baseline: str
    candidate: str


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What the judge made of the duels.

    Attributes:
        outcomes: One row a duel and model: model, episode, user_id, scenario, judge_preference (1 won, 0.5 tie, 0 lost).
        wins: Duels that the candidate won.
        ties: Duels without a winner.
        losses: Duels that the baseline won.
        inconsistent: Duels, among the ties, whose two answers named different models.
        first_place: Share of the answers that name a place which name the first, with its Wilson interval.
        failures: Duels of which an answer is missing; they count nowhere else.
    """

    outcomes: pl.DataFrame
    wins: int
    ties: int
    losses: int
    inconsistent: int
    first_place: Interval
    failures: int

    @property
    def position_bias(self) -> float | None:
        """How far the first place's share is from a half, from −0.5 to 0.5; None if no answer named a place."""
        return None if self.first_place.value is None else self.first_place.value - EVEN

    def lines(self) -> list[tuple[str, str]]:
        """In words, for a table."""
        share, bias = self.first_place, self.position_bias
        shown = "no answer names a place"
        if bias is not None and share.low is not None and share.high is not None:
            shown = (
                f"{bias:+.1%} for the first place (it won {share.value:.1%}, 95 % interval {share.low:.1%} to {share.high:.1%})"
            )
        return [
            ("candidate better", str(self.wins)),
            ("tie", f"{self.ties}, of these {self.inconsistent} because the two orders disagree"),
            ("baseline better", str(self.losses)),
            ("position bias of the judge", shown),
            ("without an answer", str(self.failures)),
        ]


def duels(
    prompts: Mapping[str, Sequence[ChatMessage]], replies: pl.DataFrame, baseline: str, candidate: str, most: int
) -> list[Duel]:
    """The turns at which the models say different things, drawn by the hash of their name.

    Args:
        prompts: Conversation by turn's name, as `turn_name` gives it.
        replies: Rows of `replies.REPLIES`.
        baseline: The model in use.
        candidate: The model that may replace it.
        most: How many at most.
    """
    sides = [replies.filter(model=model).drop_nulls("raw") for model in (baseline, candidate)]
    both = (
        sides[0].join(sides[1], on=["source", "episode", "turn"], suffix="_after").filter(pl.col("raw") != pl.col("raw_after"))
    )
    found = [
        Duel(name, row["user_id"], row["scenario"], tuple(prompts[name]), row["raw"], row["raw_after"])
        for row in both.iter_rows(named=True)
        if (name := turn_name(row["source"], row["episode"], row["turn"])) in prompts
    ]
    return sorted(found, key=lambda duel: sha256(duel.episode.encode()).hexdigest())[:most]


def turn_name(source: str, episode: str, turn: int) -> str:
    """The name of a turn at which models were asked: a site has one of its own, a dialogue's turn adds its place."""
    return episode if source == "site" else f"{episode}#{turn}"


def judge(client: LlmClient, found: Sequence[Duel], knowledge: pl.DataFrame, baseline: str, candidate: str) -> Verdicts:
    """Let the endpoint judge each duel in both orders.

    Args:
        client: The endpoint.
        found: The duels.
        knowledge: Columns unit_id, title, content.
        baseline: The model in use.
        candidate: The model that may replace it.

    Raises:
        EndpointRefused: The endpoint refuses for good.
        EndpointUnavailable: It is down: many calls in a row got no answer.
    """
    index = KnowledgeIndex.of(knowledge)
    orders = [(duel, swapped) for duel in found for swapped in (False, True)]
    answers = client.complete_all([_request(duel, index, swapped=swapped) for duel, swapped in orders], Judgement)
    pairs = list(zip(answers[::2], answers[1::2], strict=True))
    return _counted(found, pairs, baseline, candidate)


def _counted(
    found: Sequence[Duel], pairs: Sequence[tuple[Outcome[Judgement], Outcome[Judgement]]], baseline: str, candidate: str
) -> Verdicts:
    scores: list[tuple[Duel, float]] = []
    places: list[Choice] = []
    inconsistent = 0
    for duel, (straight, swapped) in zip(found, pairs, strict=True):
        if not isinstance(straight, Success) or not isinstance(swapped, Success):
            continue
        choices = straight.value.better, swapped.value.better
        places += [choice for choice in choices if choice != "tie"]
        scores.append((duel, _score(*choices)))
        inconsistent += choices in {("1", "1"), ("2", "2")}
    rows = [row for duel, score in scores for row in _rows(duel, score, baseline, candidate)]
    results = [score for _, score in scores]
    return Verdicts(
        outcomes=pl.DataFrame(rows, schema=OUTCOMES),
        wins=results.count(1.0),
        ties=results.count(EVEN),
        losses=results.count(0.0),
        inconsistent=inconsistent,
        first_place=wilson(places.count("1"), len(places)),
        failures=len(found) - len(scores),
    )


OUTCOMES: Final = {
    "model": pl.String,
    "episode": pl.String,
    "user_id": pl.String,
    "scenario": pl.String,
    "judge_preference": pl.Float64,
}


def _score(straight: Choice, swapped: Choice) -> float:
    """The candidate's: it is answer 2 in the straight order and answer 1 in the swapped one."""
    if (straight, swapped) == ("2", "1"):
        return 1.0
    return 0.0 if (straight, swapped) == ("1", "2") else EVEN


def _rows(duel: Duel, score: float, baseline: str, candidate: str) -> list[dict[str, object]]:
    key = {"episode": duel.episode, "user_id": duel.user_id, "scenario": duel.scenario}
    sides = ((baseline, 1 - score), (candidate, score))
    return [{"model": model, **key, "judge_preference": value} for model, value in sides]


def _request(duel: Duel, index: KnowledgeIndex, *, swapped: bool) -> LlmRequest:
    turns = [dict(message) for message in duel.prompt]
    answers = (duel.candidate, duel.baseline) if swapped else (duel.baseline, duel.candidate)
    first, second = (as_data([_answer(raw)]) for raw in answers)
    shown = {
        "turns": as_data(turns),
        "knowledge": index.relevant(list(duel.prompt)),  # type: ignore[arg-type]
        "first": first,
        "second": second,
    }
    system = render("evaluation", "judge_system.jinja", {})
    return LlmRequest(render("evaluation", "judge.jinja", shown), system=system, about=duel.episode)


def _answer(raw: str) -> dict[str, object]:
    output = DialogueAction.from_json(raw)
    return {"malformed": raw} if output is None else {"reply": output.reply, "action": output.model_dump()["action"]}
