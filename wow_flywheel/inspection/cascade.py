"""Which conversations of a day the panel hears, why, and what that is estimated to cost.

What belongs here: the reasons, the random audit sample, the plan within a budget. What does not: the hearing (`hearing`),
keeping to the budget call by call (`llm.budget`).
The plan goes by estimates alone, never by what the ledger holds: a rerun hears the same conversations.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import polars as pl

from wow_flywheel.cases.label import label
from wow_flywheel.contracts import AUDIT, DECISIONS, ISSUE_TYPES
from wow_flywheel.evaluation.intervals import wilson
from wow_flywheel.inspection.attempts import find_attempts
from wow_flywheel.inspection.frames import claims_frame, verdicts_frame
from wow_flywheel.inspection.protocol import Claim, InspectionContext, Verdict
from wow_flywheel.inspection.transcript import as_data
from wow_flywheel.llm.budget import NOTHING, Budget, Spending
from wow_flywheel.llm.settings import LlmSettings, estimated_tokens

AUDITED: Final = "audit"
TRIAGED: Final = "triage"
SIGNALS: Final = ("asked_for_human", "complained", "abandoned", "repeat_contact", "repeated_reply", "dissatisfied")
TRAINED_ON: Final = ("good", "bad")
"""Labels whose conversations become training data: Good Cases as they are, Bad Cases rewritten."""

CALLS: Final = 8.3
"""Calls a conversation: seven specialists, the adjudicator, now and then a reverse check or a repair."""

BRIEF_TOKENS: Final = 900
"""Tokens of a prompt beside the conversation: brief, schema, knowledge, procedure."""

ANSWER_TOKENS: Final = 200
"""Tokens of an answer, as a rule; each single call is held to its longest answer, see `llm.budget`."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A conversation for the panel, with the reasons why it is chosen and its estimated cost."""

    key: str
    reasons: tuple[str, ...]
    estimate: Spending


@dataclass(frozen=True, slots=True)
class Plan:
    """What is heard, and what the budget does not reach.

    Attributes:
        heard: Conversations that are heard.
        left: Conversations that would be, if the budget reached them: a person decides on them.
        of: Conversations of the day.
        budget: The limits.
        prices: The endpoint, for showing whether prices are set.
    """

    heard: Sequence[Chosen]
    left: Sequence[Chosen]
    of: int
    budget: Budget
    prices: LlmSettings

    @property
    def estimate(self) -> Spending:
        """What hearing them is estimated to cost."""
        return _sum(self.heard)

    def lines(self) -> list[tuple[str, str]]:
        """The plan in words, for people."""
        reasons = Counter(reason for chosen in self.heard for reason in chosen.reasons)
        priced = self.prices.price_per_million_prompt_tokens or self.prices.price_per_million_completion_tokens
        price = f"{self.estimate.usd:.2f} USD" if priced else "no price set for this model: see WOW_LLM_PRICES"
        return [
            ("conversations of the day", str(self.of)),
            ("heard by the panel", f"{len(self.heard)} ({', '.join(f'{n} {name}' for name, n in sorted(reasons.items()))})"),
            ("estimated tokens", str(self.estimate.tokens)),
            ("estimated price", price),
            ("budget", self.budget.shown()),
            ("out of reach of the budget, for Review", str(len(self.left))),
        ]


@dataclass(frozen=True, slots=True)
class Cascade:
    """Chooses what the panel hears: whatever rules, evidence, signals or attempts flag, whatever is about to become training
    data, what the triage ranks as most at risk, and a random sample of all.

    Attributes:
        audit_share: Share of all conversations that are heard whatever they look like; drawn by a hash of the id.
        salt: Another one draws another sample.
        triage_share: Share of all conversations that are heard for their place in the triage, where the day has one.
    """

    audit_share: float = 0.02
    salt: str = "audit"
    triage_share: float = 0.1

    def plan(
        self,
        context: InspectionContext,
        claims: Sequence[Claim],
        verdicts: Mapping[str, Verdict],
        settings: LlmSettings,
        budget: Budget,
    ) -> Plan:
        """What is heard within a budget: the audit sample first, else it would not be random; then what the triage ranks
        as most at risk, and without a triage by the weight of reasons.

        What the triage alone speaks for is not sent to people where the budget ends: a rank decides no label.

        Args:
            context: See there.
            claims: The evidence inspectors' claims.
            verdicts: What evidence concludes.
            settings: The endpoint, for its prices and the length of its windows.
            budget: What may be spent.
        """
        reasons = self.reasons(context, claims, verdicts)
        dialogues = context.dialogues()
        chosen = [Chosen(key, why, estimated(as_data(dialogues[key]), settings)) for key, why in reasons.items() if why]
        ranks = _ranks(context)
        chosen.sort(key=lambda each: _place(each, ranks))
        heard: list[Chosen] = []
        spent = NOTHING
        for each in chosen:
            if not budget.affords(spent.plus(each.estimate)):
                break
            spent = spent.plus(each.estimate)
            heard.append(each)
        left = [each for each in chosen[len(heard) :] if each.reasons != (TRIAGED,)]
        return Plan(heard, left, len(dialogues), budget, settings)

    def reasons(
        self, context: InspectionContext, claims: Sequence[Claim], verdicts: Mapping[str, Verdict]
    ) -> dict[str, tuple[str, ...]]:
        """Why each conversation would be heard; none for those that nothing speaks for."""
        flags = {
            "claim": {claim.conversation_id for claim in claims if claim.decision != "rejected"},
            "rule": set(context.rule_findings["conversation_id"]),
            "signal": _signalled(context.satisfaction),
            "attempt": {key for key, messages in context.dialogues().items() if find_attempts(messages)},
            "training": _trained_on(context, claims, verdicts),
            TRIAGED: {key for key, rank in _ranks(context).items() if rank <= self.triage_share * len(verdicts)},
        }
        return {
            key: (*([AUDITED] if self.audits(key) else []), *(name for name, keys in flags.items() if key in keys))
            for key in verdicts
        }

    def audits(self, key: str) -> bool:
        """True if a conversation is in the random sample."""
        return int(sha256(f"{self.salt} {key}".encode()).hexdigest()[:12], 16) < self.audit_share * 16**12

    def audit(self, conversations: pl.DataFrame, inspections: pl.DataFrame, verdicts: pl.DataFrame) -> pl.DataFrame:
        """Rates in the random sample, which are those of the day but for chance.

        Conversations of the sample that could not be heard (too long, filtered, not answered) may be the worse ones. So the
        bounds hold whatever was in them: the low one is that of the 95 % Wilson interval if none of them has the issue, the
        high one if all have it. The rate is that of those heard.

        Args:
            conversations: Contract `conversations`.
            inspections: Contract `inspections`.
            verdicts: Contract `verdicts`.

        Returns:
            Contract `inspection_audit`: of the conversations heard in the sample, the share with an accepted claim, by type.
        """
        sample = conversations.select("dt", "conversation_id").filter(
            pl.col("conversation_id").map_elements(self.audits, return_dtype=pl.Boolean)
        )
        heard = verdicts.filter(pl.col("inspected_by").str.contains("panel"), pl.col("failures").list.len() == 0)
        keys = sample.join(heard, on="conversation_id", how="semi")
        found = inspections.filter(pl.col("decision") == "accepted").join(keys, on="conversation_id", how="semi")
        rows = []
        for day in sample["dt"].unique().sort():
            n = keys.filter(pl.col("dt") == day).height
            for issue_type in ISSUE_TYPES:
                k = found.filter(pl.col("issue_type") == issue_type, pl.col("dt") == day)["conversation_id"].n_unique()
                sampled = sample.filter(pl.col("dt") == day).height
                none, every = wilson(k, sampled), wilson(k + sampled - n, sampled)
                shares = {"rate": wilson(k, n).value, "low": none.low, "high": every.high}
                rows.append({"dt": day, "issue_type": issue_type, "sampled": sampled, "inspected": n, "found": k, **shares})
        return AUDIT.conform(pl.DataFrame(rows, schema=AUDIT.columns))


ORDER: Final[Mapping[str, int]] = {AUDITED: 0, "attempt": 1, "claim": 1, "rule": 2, "signal": 2, "training": 3, TRIAGED: 4}
"""Which reasons come first where the budget does not reach all, and there is no triage to say it."""


def estimated(turns: str, settings: LlmSettings) -> Spending:
    """What hearing a conversation costs, by a cautious guess.

    Args:
        turns: The conversation as data.
        settings: The endpoint, for its prices and the length of its windows.
    """
    tokens = estimated_tokens(turns)
    pieces = -(-tokens // settings.max_conversation_tokens)
    calls = CALLS * pieces + (pieces - 1)
    prompt = round(CALLS * tokens + (tokens if pieces > 1 else 0) + calls * BRIEF_TOKENS)
    answers = round(calls * min(ANSWER_TOKENS, settings.max_tokens))
    return Spending(prompt + answers, settings.cost_usd(prompt, answers))


def _ranks(context: InspectionContext) -> Mapping[str, int]:
    """The place of each conversation in the triage; empty without one."""
    return {} if context.triage is None else dict(context.triage.select("conversation_id", "need_rank").iter_rows())


def _place(chosen: Chosen, ranks: Mapping[str, int]) -> tuple[bool, float, int, str]:
    """What comes first where the budget does not reach all; what the triage does not know comes last."""
    rank = ranks.get(chosen.key, math.inf)
    return AUDITED not in chosen.reasons, rank, min(ORDER[reason] for reason in chosen.reasons), chosen.key


def _sum(chosen: Sequence[Chosen]) -> Spending:
    total = NOTHING
    for each in chosen:
        total = total.plus(each.estimate)
    return total


def _signalled(satisfaction: pl.DataFrame) -> set[str]:
    return set(satisfaction.filter(pl.any_horizontal(pl.col(*SIGNALS).fill_null(value=False)))["conversation_id"])


def _trained_on(context: InspectionContext, claims: Sequence[Claim], verdicts: Mapping[str, Verdict]) -> set[str]:
    """Conversations whose label by evidence alone would make them training data."""
    conversations = context.conversations
    labelled = label(
        conversations,
        context.satisfaction,
        claims_frame(conversations, claims),
        verdicts_frame(conversations, verdicts, lambda _: "evidence"),
        DECISIONS.empty(),
    )
    return set(labelled.filter(pl.col("label").is_in(TRAINED_ON))["conversation_id"])
