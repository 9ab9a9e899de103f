"""A few conversations for the panel, and a model that judges them by simple words; also a process that inspects them.

Run as `python -m wow_flywheel_tests.integration.panel_world <base_url> <lake> <conversations> <max_in_flight>`:
inspects, and writes `<lake>/inspections.parquet` and `<lake>/verdicts.parquet`.
"""

import datetime as dt
import json
import re
import sys
from pathlib import Path
from typing import Any

import polars as pl

from wow_flywheel.cases.satisfaction import signals
from wow_flywheel.contracts import CONVERSATIONS, RULE_FINDINGS
from wow_flywheel.inspection.panel import Panel
from wow_flywheel.inspection.run import Inspection, inspect
from wow_flywheel.llm.client import LlmClient
from wow_flywheel.llm.ledger import Ledger
from wow_flywheel.llm.settings import LlmSettings

NOON = dt.datetime(2026, 11, 5, 12, 0, tzinfo=dt.UTC)
LIE = "It was delivered yesterday."
SHOWN = re.compile(r"^(\{.*\})$", re.MULTILINE)


def message(role: str, content: str | None, **more: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **more}


def conversation(key: str, *messages: dict[str, Any]) -> dict[str, Any]:
    return {
        "dt": NOON.date(),
        "conversation_id": key,
        "user_id": f"user of {key}",
        "scenario": "delivery",
        "started_at": NOON,
        "ended_at": NOON + dt.timedelta(minutes=5),
        "messages": list(messages),
    }


def late_parcel(number: int) -> dict[str, Any]:
    return conversation(
        f"c{number:03}",
        message("user", f"Hello, where is parcel {number}?"),
        message("assistant", f"About parcel {number}.\n  {LIE}"),
        message("user", "No, it was not."),
        message("assistant", "I am sorry. I will look into it."),
    )


def frame(*conversations: dict[str, Any]) -> pl.DataFrame:
    schema = {name: kind for name, kind in CONVERSATIONS.columns.items() if name in conversations[0]}
    return CONVERSATIONS.conform(pl.DataFrame(list(conversations), schema=schema))


def no_knowledge() -> pl.DataFrame:
    return pl.DataFrame(schema=dict.fromkeys(["unit_id", "title", "content"], pl.String))


def no_procedures() -> pl.DataFrame:
    return pl.DataFrame(schema=dict.fromkeys(["policy_id", "scenario", "reply_id", "text", "next_reply_id"], pl.String))


def looked_at(client: LlmClient, conversations: pl.DataFrame, panel: Panel | None = None) -> Inspection:
    return inspect(
        conversations,
        rule_findings=RULE_FINDINGS.empty(),
        satisfaction=signals(conversations, CONVERSATIONS.empty()),
        knowledge=no_knowledge(),
        procedures=no_procedures(),
        panel=panel or Panel(client),
    )


def judge(body: dict[str, Any]) -> str:
    """Grounding finds the lie; solution quotes what nobody said; the adjudicator accepts every claim."""
    prompt: str = body["messages"][-1]["content"]
    if "You are the adjudicator" in prompt:
        claims = [row for row in map(json.loads, SHOWN.findall(prompt)) if "claim" in row]
        rulings = [{"claim": row["claim"], "accepted": True, "reason": "turn 2 denies it"} for row in claims]
        scores = {"solved": 0.2, "satisfied": 0.1, "confidence": 0.9, "reason": "turns 1 and 2"}
        return json.dumps({"rulings": rulings, "citations": [{"turn": 2, "quote": "No, it was not."}], **scores})
    if "One turn of the assistant is withheld" in prompt:
        return json.dumps({"proven": False, "reason": "the words are withheld"})
    if "is hallucination" in prompt:
        return json.dumps({"claims": [claim("hallucination", LIE)]})
    if "is incomplete_solution" in prompt:
        return json.dumps({"claims": [claim("incomplete_solution", "Never mind the parcel.")]})
    return json.dumps({"claims": []})


def claim(issue_type: str, quote: str, turn: int = 1, severity: str = "major") -> dict[str, Any]:
    why = "the customer says otherwise"
    return {
        "issue_type": issue_type, "severity": severity, "turn": turn, "quote": quote, "explanation": why, "confidence": 0.8,
        "contradicts": {"source": "turn", "id": "2"},
    }  # fmt: skip


def main(base_url: str, lake: str, conversations: int, max_in_flight: int) -> None:
    settings = LlmSettings(base_url=base_url, model="judge", max_in_flight=max_in_flight)
    done = looked_at(LlmClient(settings, Ledger.at(lake)), frame(*map(late_parcel, range(conversations))))
    done.inspections.write_parquet(Path(lake) / "inspections.parquet")
    done.verdicts.write_parquet(Path(lake) / "verdicts.parquet")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
