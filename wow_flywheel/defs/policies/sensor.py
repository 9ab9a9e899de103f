"""Runs the days again whose conversations were judged by a policy as it no longer is.

What belongs here: the sensor. What does not: what is stale (`wow_flywheel.policies.stale`).
"""

import dagster as dg

from wow_flywheel.defs.jobs import nightly
from wow_flywheel.defs.resources import Flywheel
from wow_flywheel.policies.stale import resting_on, stale_matches
from wow_flywheel.policies.units import load_policies


@dg.sensor(
    job=nightly,
    minimum_interval_seconds=300,
    description="Runs `nightly` again for days whose findings, cases and pairs rest on a policy that has changed since.",
)
def changed_policies(context: dg.SensorEvaluationContext, flywheel: Flywheel) -> dg.SensorResult | dg.SkipReason:
    """Compare the versions that conversations were judged by with those of now.

    Raises:
        SourceError: The policies cannot be read: the tick fails and shows the message, and the next one tries again.
        StorageUnavailable: The object store does not answer.
    """
    lake = flywheel.lake()
    policies = load_policies(flywheel.settings().policies_uri)
    stale = stale_matches(lake.read("policy_matches"), policies)
    if stale.is_empty():
        return dg.SkipReason("every conversation was judged by the policies of now")
    for row in resting_on(lake, stale).iter_rows(named=True):
        context.log.info(
            "%s: %d rows of %s rest on an old version of %s", row["dt"], row["rows"], row["table"], row["policy_id"]
        )
    now = {policy.policy_id: policy.version for policy in policies}
    versions = ",".join(f"{name}@{now.get(name, 'gone')}" for name in sorted(set(stale["policy_id"])))
    days = stale["dt"].unique().sort().to_list()
    why = stale.group_by("policy_id", "why").len().sort("policy_id", "why")
    tags = {"policies": "; ".join(f"{name} {what}" for name, what, _ in why.iter_rows())[:200]}
    return dg.SensorResult(
        run_requests=[dg.RunRequest(run_key=f"{day} policies {versions}", partition_key=str(day), tags=tags) for day in days]
    )
