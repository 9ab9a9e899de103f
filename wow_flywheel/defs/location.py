"""Gathers every definition under `defs/` into one code location.

What belongs here: the gathering, and what all jobs share (executor, loggers, resources). What does not: definitions.
"""

from typing import Final

import dagster as dg

from wow_flywheel.defs import sources
from wow_flywheel.defs.calibration import assets as calibration
from wow_flywheel.defs.calibration.checks import agreement_checks
from wow_flywheel.defs.cases import assets as cases
from wow_flywheel.defs.console import console
from wow_flywheel.defs.contract_checks import contract_checks
from wow_flywheel.defs.conversations import assets as conversations
from wow_flywheel.defs.conversations import duplicates
from wow_flywheel.defs.datasets import assets as datasets
from wow_flywheel.defs.datasets import checks as dataset_checks
from wow_flywheel.defs.datasets.pair_checks import trained_pairs_are_sound
from wow_flywheel.defs.evaluation import assets as evaluation
from wow_flywheel.defs.evaluation import checks as evaluation_checks
from wow_flywheel.defs.experiments import assets as experiments
from wow_flywheel.defs.flywheel.job import wheel
from wow_flywheel.defs.inspection import assets as inspection
from wow_flywheel.defs.inspection import triage
from wow_flywheel.defs.jobs import calibrate, knowledge_ablation, nightly, single_issue_dpo, training_cycle
from wow_flywheel.defs.pairs import assets as pairs
from wow_flywheel.defs.pairs import checks as pair_checks
from wow_flywheel.defs.policies import assets as policies
from wow_flywheel.defs.policies.sensor import changed_policies
from wow_flywheel.defs.release import assets as release
from wow_flywheel.defs.resources import Flywheel
from wow_flywheel.defs.rules import assets as rules
from wow_flywheel.defs.satisfaction import assets as satisfaction
from wow_flywheel.defs.schedules import calibrate_schedule, nightly_schedule
from wow_flywheel.defs.sensors import enough_pairs, late_edits, late_feedback, new_logs
from wow_flywheel.defs.training import assets as training
from wow_flywheel.defs.training.child import QUIET_CHILD

defs: Final = dg.Definitions(
    assets=[
        *(sources.production_logs, sources.knowledge, sources.policies),
        *(conversations.ingest, duplicates.fingerprints, duplicates.duplicates),
        policies.policy_matches,
        *(rules.rule_findings, satisfaction.satisfaction, satisfaction.satisfaction_daily),
        *(triage.triage, inspection.inspections, cases.cases, pairs.preference_pairs),
        calibration.calibration,
        *(datasets.datasets, training.sft_model, training.dpo_model, training.kto_model),
        *(evaluation.evaluation, release.release),
        *(experiments.knowledge_ablation, experiments.single_issue_dpo),
    ],
    asset_checks=[
        *contract_checks(),
        *(*dataset_checks.leakage_checks, *dataset_checks.contamination_checks),
        pair_checks.pairs_are_sound,
        trained_pairs_are_sound,
        evaluation_checks.gate_checks,
        *agreement_checks,
    ],
    resources={"flywheel": Flywheel(), "pipes": dg.PipesSubprocessClient(env=QUIET_CHILD)},
    jobs=[nightly, calibrate, training_cycle, knowledge_ablation, single_issue_dpo, wheel],
    schedules=[nightly_schedule, calibrate_schedule],
    sensors=[new_logs, late_feedback, late_edits, changed_policies, enough_pairs],
    loggers={"console": console},
    executor=dg.in_process_executor,
)
