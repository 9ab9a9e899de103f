"""The agreement gate: may pairs be made, and models trained, on labels of this quality?

What belongs here: the limits and the verdict, with the inspector and issue type that fell. What does not: measuring (`measure`,
`people`), stopping anything (a blocking check does).

A limit counts only where the whole 95 % interval is on the wrong side of it, and only from `evidence` cases on: chance alone
must not stop a night. With too little evidence the gate is open, and says so.
"""

import datetime as dt
import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wow_flywheel.contracts import ISSUE_TYPES
from wow_flywheel.errors import SettingsError
from wow_flywheel.inspection.calibration.measure import ALL, LAYERS
from wow_flywheel.inspection.calibration.people import LABELS

SECTION: Final = "agreement"
IssueType = Annotated[str, Field(pattern=f"^({'|'.join(ISSUE_TYPES)})$")]
Share = Annotated[float, Field(ge=0, le=1)]


class AgreementLimits(BaseModel):
    """Where the gate closes; the section `agreement` of the file `WOW_CHECKS`.

    Attributes:
        planted_precision: Least precision on planted defects, of a layer or an inspector at an issue type.
        planted_recall: By issue type, least recall on planted defects of the layer that finds most; no type has one unless it
            is set, since a flywheel must be able to start with what its inspectors find.
        recall_fall: Most that recall at an issue type may fall below the level accepted so far: the median of the last `days`
            measurements that had not themselves fallen.
        accepted_since: Recall measured before this day counts no longer: the day by which people accept a new level, for
            example after a rule was taken out on purpose.
        people_precision: Least share of an inspector's severe claims that people uphold.
        kappa: Least Cohen's kappa between labels by rules and by people.
        evidence: Least defects, claims or decisions for any of these to count.
        days: How many days of decisions and how many earlier measurements count.
        max_age: Most days since the newest calibration.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    planted_precision: float = Field(0.7, ge=0, le=1)
    planted_recall: Mapping[IssueType, Share] = Field(default_factory=dict)
    recall_fall: float = Field(0.15, ge=0, le=1)
    accepted_since: dt.date | None = None
    people_precision: float = Field(0.5, ge=0, le=1)
    kappa: float = Field(0.2, ge=-1, le=1)
    evidence: int = Field(30, ge=1)
    days: int = Field(28, ge=1, le=3650)
    max_age: int = Field(7, ge=0, le=3650)


def read_limits(given: Mapping[str, Any]) -> AgreementLimits:
    """The limits, with what the section changes of them.

    Raises:
        SettingsError: A name or value is wrong; the message names it.
    """
    try:
        return AgreementLimits.model_validate(dict(given))
    except ValidationError as error:
        where = ", ".join(".".join(map(str, each["loc"])) for each in error.errors())
        names = ", ".join(AgreementLimits.model_fields)
        hint = f"the limits are {names}: numbers in their ranges, for planted_recall by issue type, and a day"
    raise SettingsError(f"WOW_CHECKS: {SECTION}.{where} is wrong", hint=hint)


class Verdict(BaseModel):
    """What the gate says.

    Attributes:
        passed: Whether pairs and training may go on.
        fell: One sentence for each inspector and issue type that is below its limit.
        evidence: What the verdict rests on, in one sentence.
    """

    passed: bool
    fell: tuple[str, ...]
    evidence: str


def judge(rows: pl.DataFrame, limits: AgreementLimits, day: dt.date | None = None) -> Verdict:
    """Hold the newest calibration against the limits and against the level accepted so far.

    A fall stays one until it is mended or accepted (`accepted_since`): days that had fallen do not become what is usual.

    Args:
        rows: Contract `calibration`, all days up to the one asked about; the newest one is judged.
        limits: See there.
        day: The day asked about; None is that of the newest calibration.
    """
    if rows.is_empty():
        return Verdict(passed=True, fell=(), evidence="no calibration so far: nothing to judge by")
    newest: dt.date = rows.select(pl.col("dt").max()).item()
    now = rows.filter(pl.col("dt") == newest)
    age = ((day or newest) - newest).days
    fell = (*_old(newest, age, limits), *_planted(rows, newest, limits), *_missed(now, limits), *_people(now, limits))
    planted = now.filter(basis="planted", locale="*", inspector="rules")["defects"].sum()
    decided = _decided(now)
    scarce = "" if decided >= limits.evidence else f", too few to judge by people's word (under {limits.evidence})"
    return Verdict(
        passed=not fell,
        fell=fell,
        evidence=f"calibration of {newest}: {planted} planted defects, {decided} decided cases{scarce}",
    )


def _old(newest: dt.date, age: int, limits: AgreementLimits) -> Iterator[str]:
    if age > limits.max_age:
        yield f"the newest calibration, of {newest}, is {age} days old, above {limits.max_age}: run `calibrate`"


def _planted(rows: pl.DataFrame, newest: dt.date, limits: AgreementLimits) -> Iterator[str]:
    """Layers, and inspectors one by one."""
    whole = rows.filter(basis="planted", locale="*").sort("dt", "inspector", "issue_type")
    by_who = whole.partition_by("inspector", "issue_type", as_dict=True, maintain_order=True)
    for row in whole.filter(pl.col("dt") == newest).iter_rows(named=True):
        name = f"{row['inspector']} at {row['issue_type']}"
        if row["claims"] >= limits.evidence and row["precision_high"] < limits.planted_precision:
            yield f"{name}: precision {row['precision']:.2f} on planted defects, below {limits.planted_precision:g}"
        level = accepted_level(by_who[row["inspector"], row["issue_type"]].filter(pl.col("dt") < newest), limits)
        if _fallen(row, level, limits):
            yield f"{name}: recall {row['recall']:.2f} on planted defects, usually {level:.2f}"


def _missed(now: pl.DataFrame, limits: AgreementLimits) -> Iterator[str]:
    """Issue types of which even the best layer finds too few: what any layer finds is found."""
    layers = now.filter(pl.col("inspector").is_in(LAYERS), basis="planted", locale="*")
    for issue_type, least in limits.planted_recall.items():
        rows = layers.filter(pl.col("defects") >= limits.evidence, issue_type=issue_type)
        if rows.height and rows["recall_high"].max() < least:  # type: ignore[operator] # polars' max is of any type
            best = rows.sort("recall", "inspector", descending=[True, False]).row(0, named=True)
            yield (
                f"{best['inspector']} at {issue_type}: recall {best['recall']:.2f} on planted defects, the best of all layers, "
                f"below {least:g}"
            )


def accepted_level(before: pl.DataFrame, limits: AgreementLimits) -> float | None:
    """The recall that one inspector at one issue type had while it had not fallen; None where nothing was measured.

    Args:
        before: Its rows of `calibration`, the oldest first.
        limits: See there.
    """
    accepted: list[float] = []
    for row in before.iter_rows(named=True):
        since = limits.accepted_since is None or row["dt"] >= limits.accepted_since
        if since and not _fallen(row, _median(accepted, limits.days), limits) and row["recall"] is not None:
            accepted.append(row["recall"])
    return _median(accepted, limits.days)


def _fallen(row: Mapping[str, Any], level: float | None, limits: AgreementLimits) -> bool:
    enough = level is not None and row["defects"] >= limits.evidence
    return level is not None and enough and row["recall_high"] < level - limits.recall_fall


def _median(values: Sequence[float], count: int) -> float | None:
    return statistics.median(values[-count:]) if values else None


def _people(now: pl.DataFrame, limits: AgreementLimits) -> Iterator[str]:
    people = now.filter(basis="people")
    for row in people.iter_rows(named=True):
        if row["inspector"] == LABELS:
            known = row["kappa"] is not None and _decided(now, row["issue_type"]) >= limits.evidence
            if known and row["kappa"] < limits.kappa:
                of = "" if row["issue_type"] == ALL else f" at {row['issue_type']}"
                least = _least_upheld(people, row["issue_type"])
                yield f"labels by rules{of}: kappa {row['kappa']:.2f} with people's decisions, below {limits.kappa:g}{least}"
        elif row["claims"] >= limits.evidence and row["precision_high"] < limits.people_precision:
            share = f"people uphold {row['precision']:.2f} of its claims, below {limits.people_precision:g}"
            yield f"{row['inspector']} at {row['issue_type']}: {share}"


def _least_upheld(people: pl.DataFrame, issue_type: str) -> str:
    """The inspector that people contradict most often, with its issue type."""
    own = pl.lit(value=True) if issue_type == ALL else pl.col("issue_type") == issue_type
    rows = people.filter(own, pl.col("inspector") != LABELS, pl.col("claims") > pl.col("upheld"))
    if rows.is_empty():
        return ""
    wrong = pl.col("claims") - pl.col("upheld")
    worst = rows.sort(wrong, "inspector", descending=[True, False]).row(0, named=True)
    rejected = worst["claims"] - worst["upheld"]
    return f"; most often wrong: {worst['inspector']} at {worst['issue_type']}, {rejected} of {worst['claims']} claims"


def _decided(now: pl.DataFrame, issue_type: str = ALL) -> int:
    """Decisions that say something of the labels: those people call flawed, and those that rules wrongly call so."""
    of_labels = now.filter(basis="people", inspector=LABELS, issue_type=issue_type)
    return int((of_labels["defects"] + of_labels["claims"] - of_labels["upheld"]).sum())
