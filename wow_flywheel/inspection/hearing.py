"""One conversation before the panel: specialists claim, code checks, an adjudicator rules, claims are tested in reverse.

What belongs here: the order of the steps, and what becomes of failures. What does not: which conversations are
heard (`cascade`), wording (`prompts/`), the answers' shape and checks (`answers`), what holds against the evidence (`combine`).
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, Final

from wow_flywheel.contracts import ISSUE_TYPES
from wow_flywheel.inspection.answers import (
    Adjudication,
    PanelClaim,
    PanelClaims,
    Proven,
    Summary,
    blind_order,
    numbered,
    problem,
    ruled,
    stray,
    verbatim,
)
from wow_flywheel.inspection.case import SPECIALISTS, Case
from wow_flywheel.inspection.proof import anchored
from wow_flywheel.inspection.protocol import Claim
from wow_flywheel.inspection.redaction import Redacted
from wow_flywheel.inspection.trace import Trace, traced
from wow_flywheel.inspection.transcript import as_data, render
from wow_flywheel.llm.client import Failure, LlmRequest, Outcome, Session, Success

VERSION: Final = "4"
SEVERE: Final = frozenset({"major", "critical"})
NOT_ASKED: Final = frozenset({"pending", "over_budget"})
"""Failures after which it makes no sense to go on with a conversation in this run."""


@dataclass(slots=True)
class Hearing:
    """What is heard about one case.

    Attributes:
        case: The conversation.
        session: The endpoint.
        reverse_share: Share of the minor accepted claims whose reverse check is made; of severe ones it is made always, unless
            the evidence has accepted a severe one too.
        claims: All claims so far.
        failures: What could not be done, by who was to do it.
        answers: Every answer, for counting.
        traces: Every question.
        said: The adjudicator's answer on the whole; None until it came.
        disputes: Claims of the evidence that the adjudicator rejects.
        stray_rulings: Rulings that name no claim.
        summaries: What the readers of each window are told of the windows before it.
        own: Redacts what models say.
    """

    case: Case
    session: Session
    reverse_share: float
    claims: list[Claim] = field(default_factory=list)
    failures: dict[str, Failure] = field(default_factory=dict)
    answers: list[Success[Any]] = field(default_factory=list)
    traces: list[Trace] = field(default_factory=list)
    said: Adjudication | None = None
    disputes: list[Claim] = field(default_factory=list)
    stray_rulings: int = 0
    summaries: list[str] = field(default_factory=list)
    own: Redacted = field(init=False)

    def __post_init__(self) -> None:
        self.own = Redacted.about(self.case.messages)

    async def hold(self) -> None:
        """Hear the case.

        Raises:
            EndpointRefused, EndpointUnavailable: As `Session.complete`.
        """
        summaries = self.summaries = await self._summaries()
        if self.failures:
            self.claims += self.case.known
            return
        found = await self._specialists(summaries)
        if any(failure.reason in NOT_ASKED for failure in self.failures.values()):
            self.claims += [*self.case.known, *(claim for claims in found for claim in claims)]
            return
        places = range(len(self.case.windows))
        heard = [self._adjudicate(window, summaries[window], found[window]) for window in places]
        ruled_on = [claim for claims in await asyncio.gather(*heard) for claim in claims]
        self.claims += await self._reversed(ruled_on, summaries)

    def adjudicator_prompt(self, window: int, summary: str, claims: Sequence[Claim]) -> LlmRequest:
        """What the adjudicator of a window is asked; a second model is asked the same."""
        return self._prompt("adjudicator.jinja", window, summary, claims=numbered(claims))

    async def _summaries(self) -> list[str]:
        """What each window's readers are told of the windows before; nothing where there is only one."""
        told = [""]
        for window in range(len(self.case.windows) - 1):
            request = self._prompt("summary.jinja", window, told[-1])
            outcome = await self.session.complete(request, Summary)
            self._note("summary", window, request, outcome, "told to the readers of the next window")
            if isinstance(outcome, Failure):
                return [*told, *[""] * (len(self.case.windows) - len(told))]
            told.append(self.own.words(as_data([outcome.value.model_dump()])))
        return told

    async def _specialists(self, summaries: Sequence[str]) -> list[list[Claim]]:
        """The claims of each window, checked forward."""
        places = [(window, name) for window in range(len(summaries)) for name in self.case.specialists]
        requests = [
            self._prompt(f"{name}.jinja", window, summaries[window], issue_types=", ".join(SPECIALISTS[name]))
            for window, name in places
        ]
        outcomes = await self.session.complete_many(requests, PanelClaims)
        found: list[list[Claim]] = [[] for _ in summaries]
        for (window, name), request, outcome in zip(places, requests, outcomes, strict=True):
            claims = self._claims(name, window, outcome) if isinstance(outcome, Success) else []
            checks = [f"turn {claim.turn} {claim.issue_type}: {claim.decision_reason}" for claim in claims]
            self._note(name, window, request, outcome, f"{len(claims)} claims", checks)
            found[window] += claims
        return found

    async def _adjudicate(self, window: int, summary: str, claims: Sequence[Claim]) -> list[Claim]:
        """The claims about a window's turns, ruled on; the last window's adjudicator also rules on the whole."""
        last = window == len(self.case.windows) - 1
        settled = [claim for claim in claims if claim.decision == "rejected"]
        known = [claim for claim in self.case.known if self._window_of(claim) == window]
        shown = sorted([*(claim for claim in claims if claim.decision != "rejected"), *known], key=blind_order)
        if not shown and not last:
            return settled
        request = self.adjudicator_prompt(window, summary, shown)
        outcome = await self.session.complete(request, Adjudication)
        if isinstance(outcome, Failure):
            self._note("adjudicator", window, request, outcome, "nothing decided")
            reason = f"adjudication failed: {outcome.reason}"
            waiting = [claim if claim.kind == "deterministic" else replace(claim, decision_reason=reason) for claim in shown]
            return [*settled, *waiting]
        said = self.own.adjudication(outcome.value)
        decided = ruled(shown, said)
        self._hear(said, shown, decided, last=last)
        checks = [f"claim {i}, turn {c.turn} {c.issue_type}: {c.decision} ({c.decision_reason})" for i, c in enumerate(decided)]
        self._note("adjudicator", window, request, outcome, _whole(said) if last else "claims ruled on", checks)
        return [*settled, *(old if old.decision == "accepted" else new for old, new in zip(shown, decided, strict=True))]

    def _hear(self, said: Adjudication, shown: Sequence[Claim], decided: Sequence[Claim], *, last: bool) -> None:
        self.said = said if last else self.said
        self.stray_rulings += stray(shown, said)
        self.disputes += [
            new
            for old, new in zip(shown, decided, strict=True)
            if old.decision == "accepted" and new.decision == "rejected" and old.severity in SEVERE
        ]

    async def _reversed(self, claims: Sequence[Claim], summaries: Sequence[str]) -> list[Claim]:
        """Claims that models alone accepted fall if they stand without the turn that they quote."""
        proven = any(claim.decision == "accepted" and claim.severity in SEVERE for claim in self.case.known)
        return list(await asyncio.gather(*(self._tested(claim, summaries, proven=proven) for claim in claims)))

    async def _tested(self, claim: Claim, summaries: Sequence[str], *, proven: bool) -> Claim:
        by_models = claim.decision == "accepted" and claim.decision_reason.startswith("adjudicator")
        decisive = claim.severity in SEVERE and not proven
        if not by_models or not (decisive or _drawn(claim, self.reverse_share)):
            return claim
        window = self._window_of(claim)
        turns = self.case.windows[window].without(claim.turn)
        shown = as_data([{"turn": claim.turn, "issue_type": claim.issue_type, "why": claim.explanation}])
        request = self._prompt("reverse.jinja", window, summaries[window], turns=turns, claims=shown)
        outcome = await self.session.complete(request, Proven)
        if isinstance(outcome, Failure):
            self._note("reverse check", window, request, outcome, "the claim stays open")
            return replace(claim, decision="unresolved", decision_reason=f"reverse check failed: {outcome.reason}")
        stands = outcome.value.proven
        decision = "the claim falls: it stood although its turn was withheld" if stands else "the claim rests on its turn"
        self._note("reverse check", window, request, outcome, decision)
        if stands:
            reason = "reverse check: it stood although its turn was withheld, so it does not rest on its quote"
            return replace(claim, decision="rejected", decision_reason=reason)
        return replace(claim, decision_reason=f"{claim.decision_reason}; reverse check passed")

    def _claims(self, specialist: str, window: int, answer: Success[PanelClaims]) -> list[Claim]:
        return [self._claim(specialist, window, claim, answer) for claim in answer.value.claims]

    def _claim(self, specialist: str, window: int, claim: PanelClaim, answer: Success[PanelClaims]) -> Claim:
        """A specialist's claim as a row. One that cannot stand is rejected here and never reaches the adjudicator."""
        messages, settings = self.case.messages, self.session.settings
        wrong = problem(messages, claim, self.case.shown, SPECIALISTS[specialist])
        quote = None if wrong else verbatim(messages[claim.turn], claim.quote)
        return Claim(
            conversation_id=self.case.key,
            inspector=f"panel/{specialist}",
            inspector_version=VERSION,
            kind="llm",
            issue_type=claim.issue_type if claim.issue_type in ISSUE_TYPES else SPECIALISTS[specialist][0],
            severity=claim.severity,
            turn=claim.turn,
            quote=quote or self.own.words(claim.quote),
            explanation=self.own.words(f"{claim.explanation} (against {claim.contradicts})"),
            confidence=claim.confidence,
            decision="rejected" if wrong else "unresolved",
            decision_reason=wrong or "not ruled on",
            llm_model=settings.model,
            llm_parameters=settings.parameters_json(),
            prompt_hash=answer.prompt_hash,
            prompt_tokens=answer.usage.prompt_tokens,
            completion_tokens=answer.usage.completion_tokens,
            cost_usd=answer.cost_usd,
            window=window,
            anchored=anchored(messages, claim, self.case.texts),
        )

    def _window_of(self, claim: Claim) -> int:
        """Where a claim was made; for one of the evidence's, the first window that shows its turn."""
        if claim.window is not None and claim.turn in self.case.windows[claim.window].turns:
            return claim.window
        places = [i for i, window in enumerate(self.case.windows) if claim.turn in window.turns]
        return places[0] if places else len(self.case.windows) - 1

    def _prompt(self, template: str, window: int, summary: str, **values: str) -> LlmRequest:
        shown = {"turns": self.case.windows[window].text, **self.case.materials, "summary": summary, **values}
        return LlmRequest(
            render("inspection", template, shown), system=render("inspection", "system.jinja", {}), about=self.case.key
        )

    def _note(
        self, step: str, window: int, request: LlmRequest, outcome: Outcome[Any], decision: str, checks: Sequence[str] = ()
    ) -> None:
        """Keep the trace, and the answer or the failure."""
        who = step if len(self.case.windows) == 1 else f"{step} (window {window + 1} of {len(self.case.windows)})"
        if isinstance(outcome, Failure):
            self.failures[who] = outcome
        else:
            self.answers.append(outcome)
        self.trace(step, window, request, outcome, self.session.settings.model, checks, decision)

    def trace(
        self,
        step: str,
        window: int,
        request: LlmRequest,
        outcome: Outcome[Any],
        model: str,
        checks: Sequence[str],
        decision: str,
    ) -> None:
        """Keep the trace of a question to a model; see `traced`."""
        self.traces.append(traced(step, window, request, outcome, model, checks, decision, self.own))


def _whole(said: Adjudication) -> str:
    return f"solved {said.solved}, satisfied {said.satisfied}, confidence {said.confidence}: {said.reason}"


def _drawn(claim: Claim, share: float) -> bool:
    """The same claims in each run."""
    text = f"{claim.conversation_id} {claim.turn} {claim.issue_type} {claim.quote}"
    return int(sha256(text.encode()).hexdigest()[:12], 16) < share * 16**12
