"""What comes from outside: production logs, knowledge, policies.

What belongs here: the external assets. What does not: reading them (`conversations`, `knowledge`).
"""

from typing import Final

import dagster as dg

from wow_flywheel.defs.partitions import days
from wow_flywheel.defs.specs import OWNER

production_logs: Final = dg.AssetSpec(
    "production_logs",
    description="Logs of the model in production, a folder a day at `WOW_LOGS_URI`: `.jsonl[.gz|.zst]` or Parquet.",
    group_name="conversations",
    owners=[OWNER],
    kinds={"json"},
    partitions_def=days,
)

knowledge: Final = dg.AssetSpec(
    "knowledge",
    description="Knowledge units that replies may rest on: `WOW_KNOWLEDGE_URI`, `*.jsonl[.gz]` of id, title, content.",
    group_name="knowledge",
    owners=[OWNER],
    kinds={"json"},
)

policies: Final = dg.AssetSpec(
    "policies",
    description="Procedures per scenario and business rules: `WOW_POLICIES_URI`, `*.jsonl[.gz]` and `*.md`.",
    group_name="knowledge",
    owners=[OWNER],
    kinds={"json"},
)
