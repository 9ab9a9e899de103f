"""What rewriting a day's Bad Cases with the endpoint is estimated to cost, told before it starts.

What belongs here: the estimate. What does not: keeping to the budget call by call (`llm.budget`), the panel's own plan for a
day (`inspection.cascade`).
"""

from collections.abc import Sequence
from typing import Final

from wow_flywheel.inspection.cascade import ANSWER_TOKENS, BRIEF_TOKENS, estimated
from wow_flywheel.inspection.transcript import as_data
from wow_flywheel.llm.budget import NOTHING, Budget, Spending
from wow_flywheel.llm.settings import LlmSettings, estimated_tokens
from wow_flywheel.pairs.rewrite import Sampling
from wow_flywheel.pairs.sites import Site

CHECKS: Final = 1
"""Questions about a rewrite that the panel let pass: the blind comparison."""

THOUGHT_CHECKS: Final = 2
"""Further ones where it came with steps: forward and back."""


def planned(sites: Sequence[Site], sampling: Sampling, settings: LlmSettings, budget: Budget) -> list[tuple[str, str]]:
    """The plan in words, for people: from what it costs if each site's first rewrite passes, to if the last one does.

    Args:
        sites: The turns to rewrite.
        sampling: How often, and whether with steps.
        settings: The endpoint, for its prices.
        budget: The limits.
    """
    least, most = NOTHING, NOTHING
    for site in sites:
        turns = as_data(site.prompt)
        one = _question(turns, settings)
        written = _times(one, len(sampling.temperatures))
        judged = estimated(turns, settings).plus(_times(one, CHECKS + THOUGHT_CHECKS * sampling.thoughts))
        least = least.plus(written).plus(judged)
        most = most.plus(written).plus(_times(judged, len(sampling.temperatures)))
    priced = settings.price_per_million_prompt_tokens or settings.price_per_million_completion_tokens
    price = f"{least.usd:.2f} to {most.usd:.2f} USD" if priced else "no price set for this model: see WOW_LLM_PRICES"
    return [
        ("turns to rewrite", str(len(sites))),
        ("rewrites of each by the endpoint", str(len(sampling.temperatures))),
        ("estimated tokens", f"{least.tokens} to {most.tokens}"),
        ("estimated price", price),
        ("budget", budget.shown()),
    ]


def _question(turns: str, settings: LlmSettings) -> Spending:
    prompt, answer = estimated_tokens(turns) + BRIEF_TOKENS, min(ANSWER_TOKENS, settings.max_tokens)
    return Spending(prompt + answer, settings.cost_usd(prompt, answer))


def _times(spending: Spending, count: int) -> Spending:
    return Spending(spending.tokens * count, spending.usd * count)
