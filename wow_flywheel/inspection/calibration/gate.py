"""The agreement gate: may pairs be made, and models trained, on labels of this quality?

What belongs here: the limits and the verdict, with the inspector and issue type that fell. What does not: measuring (`measure`,
`people`), stopping anything (a blocking check does).

A limit counts only where the whole 95 % interval is on the wrong side of it, and only from `evidence` cases on: chance alone
must not stop a night. With too little evidence the gate is open, and says so.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wow_flywheel.errors import SettingsError
from wow_flywheel.inspection.calibration.people import LABELS

SECTION: Final = "agreement"


class AgreementLimits(BaseModel):
    """Where the gate closes; the section `agreement` of the file `WOW_CHECKS`.

    Attributes:
        planted_precision: Least precision on planted defects, of a layer at an issue type.
        recall_fall: Most that a layer's recall at an issue type may fall below its median of the earlier days.
        people_precision: Least share of an inspector's severe claims that people uphold.
        kappa: Least Cohen's kappa between labels by rules and by people.
        evidence: Least defects, claims or decisions for any of these to count.
        days: How many days of decisions and of earlier measurements count.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    planted_precision: float = Field(0.7, ge=0, le=1)
    recall_fall: float = Field(0.15, ge=0, le=1)
    people_precision: float = Field(0.5, ge=0, le=1)
    kappa: float = Field(0.2, ge=-1, le=1)
    evidence: int = Field(30, ge=1)
    days: int = Field(28, ge=1, le=3650)


def read_limits(given: Mapping[str, Any]) -> AgreementLimits:
    """The limits, with what the section changes of them.

    Raises:
        SettingsError: A name or value is wrong; the message names it.
    """
    try:
        return AgreementLimits.model_validate(dict(given))
    except ValidationError as error:
        where = ", ".join(".".join(map(str, each["loc"])) for each in error.errors())
        hint = f"the limits are {', '.join(AgreementLimits.model_fields)}, with numbers in their ranges"
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


def judge(rows: pl.DataFrame, limits: AgreementLimits) -> Verdict:
    """Hold the newest day's calibration against the limits and against the days before.

    Args:
        rows: Contract `calibration`, some days; the newest one is judged.
        limits: See there.
    """
    if rows.is_empty():
        return Verdict(passed=True, fell=(), evidence=f"no calibration in the last {limits.days} days: nothing to judge by")
    newest = rows["dt"].max()
    now, before = rows.filter(pl.col("dt") == newest), rows.filter(pl.col("dt") < newest)
    fell = (*_planted(now, before, limits), *_people(now, limits))
    planted = now.filter(basis="planted", locale="*", inspector="rules")["defects"].sum()
    decided = _decided(now)
    scarce = "" if decided >= limits.evidence else f", too few to judge by people's word (under {limits.evidence})"
    return Verdict(
        passed=not fell,
        fell=fell,
        evidence=f"calibration of {now.item(0, 'dt')}: {planted} planted defects, {decided} decided cases{scarce}",
    )


def _planted(now: pl.DataFrame, before: pl.DataFrame, limits: AgreementLimits) -> Iterator[str]:
    whole = (pl.col("basis") == "planted") & (pl.col("locale") == "*") & pl.col("inspector").str.contains("/").not_()
    usual = before.filter(whole).group_by("inspector", "issue_type").agg(usual=pl.col("recall").median())
    for row in (
        now.filter(whole).join(usual, on=["inspector", "issue_type"], how="left", maintain_order="left").iter_rows(named=True)
    ):
        name = f"{row['inspector']} at {row['issue_type']}"
        if row["claims"] >= limits.evidence and row["precision_high"] < limits.planted_precision:
            yield f"{name}: precision {row['precision']:.2f} on planted defects, below {limits.planted_precision:g}"
        least = (row["usual"] or 0.0) - limits.recall_fall
        if row["defects"] >= limits.evidence and row["recall_high"] < least:
            yield f"{name}: recall {row['recall']:.2f} on planted defects, usually {row['usual']:.2f}"


def _people(now: pl.DataFrame, limits: AgreementLimits) -> Iterator[str]:
    for row in now.filter(basis="people").iter_rows(named=True):
        if row["inspector"] == LABELS:
            if _decided(now) >= limits.evidence and row["kappa"] is not None and row["kappa"] < limits.kappa:
                yield f"labels by rules: kappa {row['kappa']:.2f} with people's decisions, below {limits.kappa:g}"
        elif row["claims"] >= limits.evidence and row["precision_high"] < limits.people_precision:
            share = f"people uphold {row['precision']:.2f} of its claims, below {limits.people_precision:g}"
            yield f"{row['inspector']} at {row['issue_type']}: {share}"


def _decided(now: pl.DataFrame) -> int:
    """Decisions that say something of the labels: those people call flawed, and those that rules wrongly call so."""
    of_labels = now.filter(basis="people", inspector=LABELS)
    return int((of_labels["defects"] + of_labels["claims"] - of_labels["upheld"]).sum())
