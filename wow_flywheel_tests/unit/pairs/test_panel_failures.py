"""With an endpoint, a rewrite that the panel could not read is refused: none is taken on trust. No call is made."""

import re
from pathlib import Path

import polars as pl

from wow_flywheel.dialogue import DialogueAction, Message
from wow_flywheel.inspection.panel import Panel
from wow_flywheel.llm.budget import Budget
from wow_flywheel.llm.client import LlmClient
from wow_flywheel.llm.ledger import Ledger
from wow_flywheel.llm.settings import LlmSettings
from wow_flywheel.pairs.build import build_pairs
from wow_flywheel.pairs.candidates import Candidate
from wow_flywheel.pairs.sites import find_sites
from wow_flywheel.pairs.verify import Verifier
from wow_flywheel_tests.unit.cases.rows import a_case, cases, claim, inspections
from wow_flywheel_tests.unit.inspection.talk import KNOWLEDGE, PROCEDURES, agent, call, day, tool, user

UNITS, STEPS = pl.DataFrame(schema=KNOWLEDGE), pl.DataFrame(schema=PROCEDURES)
UNREAD = r"re-inspection failed: demand: over_budget \(the budget of 1 tokens is used up\), .*"


def talk(order: int, price: int, reply: str) -> list[Message]:
    return [user(f"How much is order {order}?"), call("find", order=order), tool(order=order, price=price), agent(reply)]


BAD = day(talk(31, 58, "It costs 45.")).with_columns(conversation_id=pl.lit("a"))
LABELS, CLAIMS = cases(a_case("bad")), inspections(claim("hallucination", "major", 3))


def client(folder: Path) -> LlmClient:
    """An endpoint that is never asked: no question is within the budget."""
    settings = LlmSettings("http://127.0.0.1:9/v1", "judge")
    return LlmClient(settings, Ledger.at(str(folder)), Budget(max_tokens=1))


def test_a_sound_rewrite_is_refused_when_the_panel_cannot_read_it(tmp_path: Path) -> None:
    sites = find_sites(LABELS, BAD, CLAIMS)
    verifier = Verifier(BAD, UNITS, STEPS, Panel(client(tmp_path)))
    tried = [(site, Candidate(DialogueAction(reply="It costs 58."), "good_case", "g")) for site in sites]
    (reason,) = verifier.verdicts(tried)
    assert re.fullmatch(UNREAD, reason or "")
    assert Verifier(BAD, UNITS, STEPS).verdicts(tried) == [None]
    assert (verifier.name, verifier.verdicts([])) == ("rules+evidence+panel", [])


def test_a_day_that_the_endpoint_cannot_read_gives_no_pairs_and_says_why(tmp_path: Path) -> None:
    pool = day(talk(7100, 99, "Order 7100 costs 99."), talk(8200, 66, "It costs 66."))
    done = build_pairs(LABELS, BAD, CLAIMS, pool, UNITS, STEPS, client=client(tmp_path))
    assert done.pairs.is_empty()
    assert done.candidates["source"].to_list() == ["good_case", "good_case"]
    assert done.candidates["reason"].str.contains(f"^{UNREAD}$").all()
    assert (done.counts["endpoint_failures"], done.counts["sites"], done.counts["candidates"]) == (1, 1, 2)
