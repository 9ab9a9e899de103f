"""The report's failure signatures: what a look at the numbers says about the flywheel itself.

What belongs here: naming what went wrong and where to look. What does not: deciding (`gate`); an alarm explains, and blocks
nothing.
"""

from collections.abc import Mapping
from typing import Final

import polars as pl

from wow_flywheel.release.changes import Change
from wow_flywheel.release.decision import Alarm

LEAST_R_KN: Final = 0.85
"""The report's target of knowledge-reference correctness."""


def alarms_of(changes: Mapping[str, Change], evaluations: pl.DataFrame, baseline: str, candidate: str) -> list[Alarm]:
    """The signatures that a comparison shows: RR not falling, USM moving the wrong way, R_kn low.

    Args:
        changes: By metric.
        evaluations: Both models' values.
        baseline: The model in use.
        candidate: The model judged.
    """
    found = [_repetition(changes, evaluations, baseline), _satisfaction(changes, candidate), _knowledge(evaluations, candidate)]
    return [alarm for alarm in found if alarm is not None]


def _repetition(changes: Mapping[str, Change], evaluations: pl.DataFrame, baseline: str) -> Alarm | None:
    repetition = changes.get("rr")
    before = evaluations.filter(model=baseline, metric="rr")["value"].to_list()
    if repetition is None or repetition.gain > 0 or before == [0.0]:
        return None
    why = f"rr changed by {repetition.text}: Bad Cases of script_repetition are not being processed"
    return Alarm(name="RR not falling", why=why)


def _satisfaction(changes: Mapping[str, Change], candidate: str) -> Alarm | None:
    worse = [change for name in ("usm1", "usm2") if (change := changes.get(name)) and (change.gain_high or 0) < 0]
    if not worse:
        return None
    moved = ", ".join(f"{change.metric} {change.text}" for change in worse)
    method, suspects = ("KTO", "wrong labels") if candidate.endswith("-kto") else ("DPO", "bad preference pairs")
    return Alarm(name=f"USM 1 up or USM 2 down after {method}", why=f"{moved}: look for {suspects}")


def _knowledge(evaluations: pl.DataFrame, candidate: str) -> Alarm | None:
    rows = evaluations.filter(model=candidate, metric="r_kn").drop_nulls("value").rows(named=True)
    if not rows or rows[0]["value"] >= LEAST_R_KN:
        return None
    why = (
        f"{rows[0]['value']:.3f} on {rows[0]['n']} dialogues, below {LEAST_R_KN}: retrieval and internalisation out of balance"
    )
    return Alarm(name="R_kn low", why=why)
