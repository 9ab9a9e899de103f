"""Gathers every definition under `defs/` into one code location.

What belongs here: the gathering, and what all jobs share (executor, loggers, resources). What does not: definitions.
"""

from typing import Final

import dagster as dg

from wow_flywheel.defs import sources
from wow_flywheel.defs.contract_checks import contract_checks
from wow_flywheel.defs.conversations import assets as conversations
from wow_flywheel.defs.resources import Flywheel
from wow_flywheel.defs.rules import assets as rules

defs: Final = dg.Definitions(
    assets=[
        sources.production_logs, sources.knowledge, sources.policies,
        conversations.ingest, rules.rule_findings,
    ],
    asset_checks=contract_checks(),
    resources={"flywheel": Flywheel()},
    executor=dg.in_process_executor,
)  # fmt: skip
