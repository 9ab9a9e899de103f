"""A lake with a few cases to review, written by hand."""

import datetime as dt
from typing import Any

import polars as pl

from wow_flywheel.contracts import TABLES
from wow_flywheel.lake import Lake
from wow_flywheel_tests.unit.cases import rows
from wow_flywheel_tests.unit.cases.rows import DAY, NOON
from wow_flywheel_tests.unit.inspection.talk import agent, call, tool, user

EVIL = "<script>alert(1)</script> \u202egnp.exe & 你好，退款"
TALK = [
    user(f"Where is my refund? {EVIL}"),
    call("refund", order=7),
    tool(ok=True),
    agent("Done. It takes 9 days 😀 to arrive."),
]
FINDING = (3, "hallucination", "9 days")


def claim(conversation_id: str, decision: str = "accepted", severity: str = "major", **columns: Any) -> dict[str, Any]:
    turn, issue_type, quote = FINDING
    own = {"quote": quote, "explanation": f"nobody said so {EVIL}", "confidence": 0.9}
    return rows.claim(issue_type, severity, turn, decision, conversation_id) | own | columns


def fill(lake: Lake, day: dt.date = DAY) -> Lake:
    """Case `sure` is good beyond doubt; `torn` is unsure, contested and has a pair; `plain/#1` is bad, with one finding."""
    ids = ("sure", "torn", "plain/#1")
    labels = dict(zip(ids, ("good", "review", "bad"), strict=True))
    replace = {
        "conversations": rows.conversations(*ids, messages=TALK),
        "cases": rows.cases(*(rows.a_case(label, key, 0.9) for key, label in labels.items())),
        "verdicts": rows.verdicts(
            rows.verdict(0.95, 0.9, "sure", confidence=1.0),
            rows.verdict(0.5, 0.5, "torn", confidence=0.3),
            rows.verdict(0.9, 0.3, "plain/#1", confidence=0.9),
        ),
        "inspections": rows.inspections(
            claim("torn"), claim("torn", "rejected", inspector="other", quote="takes 9 days"), claim("plain/#1")
        ),
        "satisfaction": rows.satisfaction(*(rows.signal(0.5, conversation_id=key) for key in ids)),
    }
    for name, frame in replace.items():
        lake.replace(name, frame.with_columns(dt=pl.lit(day)), day)
    return lake


def prints(**by_id: tuple[str, int]) -> pl.DataFrame:
    """Fingerprints by conversation: the script's name, and the number of which the signature is made."""
    made = [
        {
            "dt": DAY, "conversation_id": key, "started_at": NOON, "algorithm": "a", "exact_hash": key, "template_hash": script,
            "bands": None, "signature": number.to_bytes(4, "little") * 128,
        }
        for key, (script, number) in by_id.items()
    ]  # fmt: skip
    return TABLES["fingerprints"].conform(pl.DataFrame(made, schema=TABLES["fingerprints"].columns))
