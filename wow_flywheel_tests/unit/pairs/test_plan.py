"""What rewriting is estimated to cost, told before it starts."""

from dataclasses import replace

from wow_flywheel.inspection.cascade import estimated
from wow_flywheel.inspection.transcript import as_data
from wow_flywheel.llm.budget import Budget
from wow_flywheel.llm.settings import LlmSettings, estimated_tokens
from wow_flywheel.pairs.plan import planned
from wow_flywheel.pairs.rewrite import Sampling
from wow_flywheel.pairs.sites import Site, find_sites
from wow_flywheel_tests.unit.cases.rows import a_case, cases, claim, inspections
from wow_flywheel_tests.unit.inspection.talk import agent, day, user

FREE = LlmSettings("http://127.0.0.1:9/v1", "judge")
PRICED = replace(FREE, price_per_million_prompt_tokens=1e6, price_per_million_completion_tokens=2e6)


def sites() -> list[Site]:
    talk = day([user("How much is order 31?"), agent("Calm down.")])
    (one,) = find_sites(
        cases(a_case("bad", "talk-0")), talk, inspections(claim("poor_empathy", "major", 1, conversation_id="talk-0"))
    )
    return [one, replace(one, turn=1)]


def test_the_plan_goes_from_the_first_rewrite_passing_to_the_last() -> None:
    found = sites()
    turns = as_data(found[0].prompt)
    prompt = estimated_tokens(turns) + 900
    hearing = estimated(turns, PRICED)
    plan = dict(planned(found, Sampling((0.0, 1.0)), PRICED, Budget(max_tokens=5)))
    least = 2 * (2 * (prompt + 200) + hearing.tokens + (prompt + 200))
    most = 2 * (2 * (prompt + 200) + 2 * (hearing.tokens + prompt + 200))
    assert plan["estimated tokens"] == f"{least} to {most}"
    cheapest = 2 * (3 * (prompt + 2 * 200) + hearing.usd)
    assert plan["estimated price"].startswith(f"{cheapest:.2f} to ")
    assert (plan["turns to rewrite"], plan["rewrites of each by the endpoint"], plan["budget"]) == ("2", "2", "5 tokens")


def test_thoughts_cost_two_more_questions_and_prices_that_are_missing_are_said_to_be() -> None:
    found = sites()[:1]
    prompt = estimated_tokens(as_data(found[0].prompt)) + 900
    plain, thinking = (dict(planned(found, Sampling((0.0,), thoughts=on), FREE, Budget())) for on in (False, True))
    low, more = (int(plan["estimated tokens"].split()[0]) for plan in (plain, thinking))
    assert more - low == 2 * (prompt + 200)
    assert plain["estimated price"] == "no price set for this model: see WOW_LLM_PRICES"
