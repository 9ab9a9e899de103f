"""A blocking check for every table, generated from its contract: what is stored is what the contract promises.

What belongs here: the generated checks and how a check is specified. What does not: checks that know a stage's meaning (they
lie beside its assets).
"""

import warnings
from collections.abc import Iterator, Sequence

import dagster as dg
import polars as pl

from wow_flywheel.contracts import TABLES, Contract
from wow_flywheel.defs.failures import plain_failures, reported
from wow_flywheel.defs.partitions import cycles, day_of, days
from wow_flywheel.defs.resources import Flywheel
from wow_flywheel.errors import ContractError

UNCHECKED = (
    "decisions", "finding_decisions", "rewrite_edits", "forgotten", "feedback", "log_files", "vault", "policies_known",
    "stale_cases", "dataset_rows", "input_lines", "cycle_inputs",
)  # fmt: skip
"""Tables that are no assets: people append to the first three, `forget` to `forgotten`; ingestion writes `feedback` with the
conversations and `vault` outside the lake, and listing the logs remembers `log_files`; `policies_known` is written with
`policy_matches`, and `stale_cases` by the sensor of changed policies; building datasets appends to the last three what lineage
and rebuilds need."""

WRITTEN_BY = {"evaluations": "evaluation", "comparisons": "evaluation", "comparison_slices": "evaluation"}
"""The asset that writes a table, where it has another name."""


def check_spec(name: str, asset: str, description: str, *, blocking: bool) -> dg.AssetCheckSpec:
    """The spec of a check of one partition of an asset.

    Dagster calls `partitions_def` of a check a preview, with a warning; without it a check of one partition would speak for all
    of them in the UI.
    """
    partitions = days if asset in TABLES and TABLES[asset].partition == "dt" else cycles
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return dg.AssetCheckSpec(name, asset=asset, description=description, blocking=blocking, partitions_def=partitions)


def contract_check(contract: Contract) -> dg.AssetChecksDefinition:
    """The check that a table's stored partition keeps its contract."""
    asset = WRITTEN_BY.get(contract.name, contract.name)
    spec = check_spec(
        f"{contract.name}_keeps_contract",
        asset,
        f"Columns, types, required values, closed sets and keys as contract version {contract.version} promises.",
        blocking=True,
    )

    @dg.multi_asset_check(name=spec.name, specs=[spec])
    def check(context: dg.AssetCheckExecutionContext, flywheel: Flywheel) -> Iterator[dg.AssetCheckResult]:
        key = context.partition_key
        with plain_failures(context):
            stored = flywheel.lake().scan(contract.name)
            rows = stored.filter(pl.col(contract.partition) == (day_of(key) if contract.partition == "dt" else key)).collect()
        broken = promise_broken(contract, rows)
        result = dg.AssetCheckResult(
            passed=broken is None,
            asset_key=asset,
            check_name=spec.name,
            description=broken or f"{rows.height} rows keep the contract",
            metadata={"rows": rows.height, "contract version": contract.version},
        )
        yield from reported([result], f"materialize {asset} of {key} again; if it stays so, something else wrote to its table")

    return check


def promise_broken(contract: Contract, rows: pl.DataFrame) -> str | None:
    """What breaks the contract, in one sentence, or None."""
    absent = [name for name in contract.columns if name not in rows.columns]
    if absent:
        return f"table {contract.name} lacks the columns {absent}"
    try:
        contract.conform(rows)
    except ContractError as error:
        return str(error)
    return None


def contract_checks() -> Sequence[dg.AssetChecksDefinition]:
    """One check for every table that an asset writes."""
    return [contract_check(contract) for name, contract in TABLES.items() if name not in UNCHECKED]
