"""What a day's preference pairs must be, each a check with a number: two different sides that nothing superficial tells apart.

What belongs here: the checks. What does not: the numbers and limits (`wow_flywheel.pairs.hygiene`, `limits`), the contract's
own check, which is generated.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

import dagster as dg
import polars as pl

from wow_flywheel.conversations.thresholds import read_section
from wow_flywheel.defs.contract_checks import check_spec
from wow_flywheel.defs.failures import plain_failures, reported
from wow_flywheel.defs.partitions import day_of
from wow_flywheel.defs.resources import Flywheel

if TYPE_CHECKING:
    from wow_flywheel.pairs.hygiene import Finding
    from wow_flywheel.pairs.limits import PairLimits

CHECKS: Final = {
    "chosen_differs_from_rejected": "No pair prefers an answer to one that sounds and does the same.",
    "length_ratio_bounded": "No side is many times as long as the other; the mean is told.",
    "length_does_not_tell": "Length alone does not tell the chosen side from the rejected.",
    "no_telltale_prefix": "No beginning is much more frequent on one side than on the other.",
    "no_near_duplicates": "No pair nearly repeats another one of the day.",
    "within_caps": "No customer, script or issue type has more pairs than its cap.",
    "issue_types_balanced": "No issue type takes nearly all of the day.",
    "languages_balanced": "No language loses most of its share of the Bad Cases.",
}
WARNINGS: Final = ("issue_types_balanced", "languages_balanced")
"""They hang on what went wrong that day, which nobody here can change: by default they warn."""
SPECS: Final = [check_spec(name, "preference_pairs", text, blocking=True) for name, text in CHECKS.items()]
WHAT_TO_DO: Final = (
    "look at `reasons` of rewrite_candidates; change the limit in the section `pairs` of WOW_CHECKS, or turn the check into a "
    "warning there, then materialize preference_pairs of the day again"
)


@dg.multi_asset_check(name="pairs_are_sound", specs=SPECS)
def pairs_are_sound(context: dg.AssetCheckExecutionContext, flywheel: Flywheel) -> Iterator[dg.AssetCheckResult]:
    """Measure the day's pairs and hold every number against its limit."""
    from wow_flywheel.pairs.hygiene import findings
    from wow_flywheel.pairs.limits import SECTION, read_limits

    with plain_failures(context):
        limits = read_limits(read_section(flywheel.settings().checks, SECTION))
        day = day_of(context.partition_key)
        found = findings(flywheel.lake().read("preference_pairs", day), bad_cases_by_language(flywheel, context), limits)
    yield from reported(check_results(found, "preference_pairs", limits), WHAT_TO_DO)


def check_results(found: "Iterable[Finding]", asset: str, limits: "PairLimits") -> list[dg.AssetCheckResult]:
    """What was measured of pairs, as checks of an asset."""
    return [
        dg.AssetCheckResult(
            passed=each.passed,
            check_name=each.check,
            asset_key=asset,
            severity=severity_of(limits, each.check),
            description=each.sentence,
            metadata={"value": float(each.value)},
        )
        for each in found
    ]


def bad_cases_by_language(flywheel: Flywheel, context: dg.AssetCheckExecutionContext) -> Counter[str]:
    """How many Bad Cases of the day each language has."""
    from wow_flywheel.pairs.hygiene import language_of

    lake, day = flywheel.lake(), day_of(context.partition_key)
    bad = lake.read("cases", day).filter(pl.col("label") == "bad").select("conversation_id")
    talks = lake.read("conversations", day).join(bad, on="conversation_id", how="semi").select("locale", "messages")
    return Counter(language_of(locale, messages) for locale, messages in talks.iter_rows())


def severity_of(limits: "PairLimits", name: str) -> dg.AssetCheckSeverity:
    """What a failure of a check does: as the file says, else as built in."""
    given = {str(check): word for check, word in limits.severity.items()}.get(name)
    warn = given == "warn" or (given is None and name in WARNINGS)
    return dg.AssetCheckSeverity.WARN if warn else dg.AssetCheckSeverity.ERROR
