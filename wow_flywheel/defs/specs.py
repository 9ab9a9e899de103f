"""How an asset is described: one function, so that every table shows its stage, owner, kinds and columns alike.

What belongs here: what assets have in common before they run. What does not: their bodies, their partitions' meaning.
"""

from collections.abc import Sequence
from typing import Final

import dagster as dg

from wow_flywheel.contracts import TABLES
from wow_flywheel.defs.metadata import column_schema
from wow_flywheel.defs.partitions import cycles, days

OWNER: Final = "team:flywheel"


def table_spec(
    name: str, stage: str, description: str, *, deps: Sequence[str | dg.AssetDep], kinds: Sequence[str] = ("polars",)
) -> dg.AssetSpec:
    """The spec of a table's asset.

    Args:
        name: The table; its contract gives columns, version and partition.
        stage: Its group.
        description: What it is and where it comes from, for people.
        deps: The assets that it is made from.
        kinds: What it is computed with; Delta Lake is added.
    """
    contract = TABLES[name]
    return dg.AssetSpec(
        name,
        deps=list(deps),
        description=f"{description}\n\nOne row: {contract.grain}.",
        group_name=stage,
        owners=[OWNER],
        kinds={*kinds, "deltalake"},
        code_version=f"contract-{contract.version}",
        partitions_def=days if contract.partition == "dt" else cycles,
        metadata={
            "dagster/column_schema": column_schema(name),
            "dagster/table_name": name,
            "contract version": contract.version,
            "contract drift": str(contract.drift),
        },
    )


def file_spec(name: str, stage: str, description: str, *, deps: Sequence[str], kinds: Sequence[str]) -> dg.AssetSpec:
    """The spec of an asset of a cycle that is files: a model, a release."""
    return dg.AssetSpec(
        name,
        deps=list(deps),
        description=description,
        group_name=stage,
        owners=[OWNER],
        kinds=set(kinds),
        partitions_def=cycles,
    )


def any_day(name: str) -> dg.AssetDep:
    """A dependency of a cycle on days: Dagster knows of any of them; which ones it was, the cycle's manifest says."""
    return dg.AssetDep(name, partition_mapping=dg.AllPartitionMapping())
