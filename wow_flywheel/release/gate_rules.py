"""What the gate asks for, and what a user's file changes of it.

What belongs here: the rules, their defaults, the reading of the section `gate` of `WOW_CHECKS`. What does not: applying them
(`gate`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wow_flywheel.errors import ContractError, ReleaseError, SettingsError
from wow_flywheel.evaluation.metrics import METRICS

SECTION: Final = "gate"
DEFAULT_MARGINS: Mapping[str, float] = MappingProxyType(
    {
        "solve_rate": 0.05, "action_accuracy": 0.05, "usm1": 0.03, "usm2": 0.05, "rr": 0.05, "format_validity": 0.02,
        "repair_rate": 0.15, "reply_loss": 0.1, "slot_f1": 0.05, "step_accuracy": 0.05, "r_kn": 0.05, "too_long": 0.02,
        "judge_preference": 0.2,
    }
)  # fmt: skip
"""`repair_rate` and `judge_preference` are measured on tens of turns: smaller margins would refuse most models that are as
good. The difference of `judge_preference` is that of two shares that sum to 1: at -0.2 the new one is preferred in 40 %."""
DEFAULT_LIMITS: Mapping[str, float] = MappingProxyType({"general_loss_change": 0.03})


@dataclass(frozen=True, slots=True)
class GateRules:
    """What the gate asks for.

    Attributes:
        targets: Metrics that should improve. Default `rr` and `usm2`, which the report moves.
        targets_needed: `any` (default) asks for one of the applicable targets, `all` for each.
        target_tolerance: 0 (default) asks that the whole interval lies on the better side. A small demo may allow some: then
            the point must be better and the interval may reach this far to the worse side, and p-values do not count.
        margins: By metric, the largest worsening that the interval may still contain, in the metric's unit. A target has one
            too, so that with `any` the other target cannot fall unseen.
        limits: By metric, the bound that the whole interval of the candidate's own value must keep. Default: general loss at
            most 3 % above the first base model's, the bound that the report proposes.
        required: Metrics that must have been measured on both models, on `min_episodes`; without one nothing is released.
        min_episodes: Fewest episodes to compare on. Default 50. A target that has fewer does not improve. A guarded metric that
            is not required and has fewer, or fewer than its margin needs for a power of 80 %, blocks where its whole interval
            is on the worse side and reaches beyond its margin; from `min_episodes` on also where its difference does.
        min_coverage: Smallest share of a metric's episodes, of either model, that must enter its comparison. Default 0.9: a
            candidate cannot pass by failing to answer the hard ones.
        confidence: Of the intervals, two-sided. Default 0.95. The tables hold 95 % intervals; for another confidence each half
            is stretched by the ratio of the normal quantiles.
    """

    targets: tuple[str, ...] = ("rr", "usm2")
    targets_needed: Literal["any", "all"] = "any"
    target_tolerance: float = 0.0
    margins: Mapping[str, float] = field(default_factory=lambda: DEFAULT_MARGINS)
    limits: Mapping[str, float] = field(default_factory=lambda: DEFAULT_LIMITS)
    required: tuple[str, ...] = ("rr", "usm1", "usm2", "solve_rate", "format_validity")
    min_episodes: int = 50
    min_coverage: float = 0.9
    confidence: float = 0.95

    def __post_init__(self) -> None:
        wrong = [name for name, margin in self.margins.items() if margin < 0]
        shares = not 0 <= self.min_coverage <= 1 or not 0.5 < self.confidence < 1
        if wrong or not self.targets or self.target_tolerance < 0 or self.min_episodes < 1 or shares:
            raise ReleaseError(
                f"the gate's rules make no sense: {self}",
                hint="name a target; margins and tolerance are ≥ 0, min_episodes ≥ 1, min_coverage in [0, 1], confidence in "
                "(0.5, 1)",
            )

    @property
    def alpha(self) -> float:
        """One-sided: an interval leaves this much on the side that matters."""
        return (1 - self.confidence) / 2

    def to_dict(self) -> dict[str, Any]:
        """The rules as JSON values, as a decision keeps them."""
        names = ("targets_needed", "target_tolerance", "min_episodes", "min_coverage", "confidence")
        plain = {name: getattr(self, name) for name in names}
        lists = {"targets": list(self.targets), "required": list(self.required)}
        return {**lists, **plain, "margins": dict(self.margins), "limits": dict(self.limits)}


OFFLINE_RULES: Final = GateRules(
    targets=("repair_rate", "reply_loss", "action_accuracy"),
    margins={**DEFAULT_MARGINS, "reply_loss": 0.05},
    required=("rr", "reply_loss", "format_validity"),
)
"""Rules for an evaluation on held-out conversations, where no customer can be satisfied: more of the old faults repaired, or
better replies, or better actions; and nothing worse."""


class GateSection(BaseModel):
    """The section `gate` of the file `WOW_CHECKS`; what is left out stays as built in, see `GateRules`.

    Attributes:
        targets: Instead of the built-in ones.
        targets_needed: `any` or `all`.
        target_tolerance: 0 or more.
        margins: Added to the built-in ones; null takes one away.
        limits: As well.
        required: Instead of the built-in ones.
        min_episodes: 1 or more.
        min_coverage: From 0 to 1.
        confidence: Above 0.5 and below 1.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    targets: tuple[str, ...] | None = Field(default=None, min_length=1)
    targets_needed: Literal["any", "all"] | None = None
    target_tolerance: float | None = Field(default=None, ge=0)
    margins: Mapping[str, float | None] = Field(default_factory=dict)
    limits: Mapping[str, float | None] = Field(default_factory=dict)
    required: tuple[str, ...] | None = None
    min_episodes: int | None = Field(default=None, ge=1)
    min_coverage: float | None = Field(default=None, ge=0, le=1)
    confidence: float | None = Field(default=None, gt=0.5, lt=1)


def read_rules(given: Mapping[str, Any], built_in: GateRules) -> GateRules:
    """The rules, with what the section changes of them.

    Raises:
        SettingsError: A name or value is wrong; the message names it.
    """
    try:
        section = GateSection.model_validate(dict(given))
    except ValidationError as error:
        where = ", ".join(".".join(map(str, each["loc"])) for each in error.errors())
        hint = f"its fields are {', '.join(GateSection.model_fields)}; see docs/evaluation.md, The gate"
        raise SettingsError(f"WOW_CHECKS: {SECTION}.{where} is wrong", hint=hint) from None
    margins = _merged(built_in.margins, section.margins)
    _known((*(section.targets or ()), *(section.required or ()), *section.margins, *section.limits))
    negative = [name for name, margin in margins.items() if margin < 0]
    if negative:
        raise SettingsError(f"WOW_CHECKS: {SECTION}.margins.{negative[0]} is below 0", hint="a margin is the worsening allowed")
    single = section.model_dump(exclude={"margins", "limits"}, exclude_none=True)
    return replace(built_in, **single, margins=margins, limits=_merged(built_in.limits, section.limits))


def _merged(built_in: Mapping[str, float], given: Mapping[str, float | None]) -> dict[str, float]:
    both: dict[str, float | None] = {**built_in, **given}
    return {name: value for name, value in both.items() if value is not None}


def _known(names: tuple[str, ...]) -> None:
    for name in names:
        try:
            METRICS.get(name)
        except ContractError as error:
            raise SettingsError(f"WOW_CHECKS: {SECTION}: {error.message}", hint=error.hint) from None
