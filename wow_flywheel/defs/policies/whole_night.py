"""Whether a run made all of a day's judgements anew.

What belongs here: reading it from the run. What does not: what follows from it (`wow_flywheel.policies.marks`).
"""

from typing import Final

import dagster as dg

JUDGING: Final = frozenset({"policy_matches", "rule_findings", "inspections", "cases", "preference_pairs"})


def ran_whole(run: dg.DagsterRun) -> bool:
    """True unless the run was of some assets only, or took up a failed one, and left out a step that judges by policies."""
    chosen, steps = run.asset_selection, run.step_keys_to_execute
    all_assets = not chosen or {key.to_user_string() for key in chosen} >= JUDGING
    return all_assets and (steps is None or set(steps) >= JUDGING)
