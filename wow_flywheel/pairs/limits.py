"""What a day's preference pairs may look like, and what a user's file changes of it.

What belongs here: the limits, their defaults, the reading of the section `pairs` of `WOW_CHECKS`. What does not: measuring
(`hygiene`), keeping to them (`selection`).
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wow_flywheel.errors import SettingsError

SECTION: Final = "pairs"
CheckName = Literal[
    "chosen_differs_from_rejected",
    "length_ratio_bounded",
    "length_does_not_tell",
    "no_telltale_prefix",
    "no_near_duplicates",
    "within_caps",
    "issue_types_balanced",
    "languages_balanced",
]


class PairLimits(BaseModel):
    """Where a day's pairs are mended, and where a check fails; the section `pairs` of the file `WOW_CHECKS`.

    Attributes:
        length_ratio: Most times that one side of a pair may be as long as the other, in characters of its JSON.
        length_classifier: Most accuracy with which length alone may tell chosen from rejected; 0.5 is chance.
        prefix_words: How many first words of a reply count as its beginning.
        prefix_gap: Most difference between the shares of chosen and of rejected replies with the same beginning.
        near_duplicate: Estimated Jaccard similarity from which on two pairs are nearly the same.
        per_user: Most pairs of one customer a day.
        per_template: Most pairs a day whose two sides are the same but for numbers.
        per_issue: Most pairs of one issue type a day.
        issue_share: Most share of one issue type.
        language_share: Least share of a language among pairs, as a share of its share among Bad Cases.
        evidence: Fewer pairs than this fail by their lengths and beginnings only where chance hardly explains it (`lengths`),
            and are not judged by their balance.
        severity: `error` or `warn` by check, where it is not to be as built in.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    length_ratio: float = Field(default=4.0, ge=1)
    length_classifier: float = Field(default=0.6, ge=0.5, le=1)
    prefix_words: int = Field(default=3, ge=1, le=20)
    prefix_gap: float = Field(default=0.3, ge=0, le=1)
    near_duplicate: float = Field(default=0.9, ge=0.8, le=1)
    per_user: int = Field(default=10, ge=1)
    per_template: int = Field(default=50, ge=1)
    per_issue: int = Field(default=1000, ge=1)
    issue_share: float = Field(default=0.9, ge=0, le=1)
    language_share: float = Field(default=0.5, ge=0, le=1)
    evidence: int = Field(default=30, ge=2)
    severity: Mapping[CheckName, Literal["error", "warn"]] = Field(default_factory=dict)


def read_limits(given: Mapping[str, Any]) -> PairLimits:
    """The limits, with what the section changes of them.

    Raises:
        SettingsError: A name or value is wrong; the message names it.
    """
    try:
        return PairLimits.model_validate(dict(given))
    except ValidationError as error:
        where = ", ".join(".".join(map(str, each["loc"])) for each in error.errors())
        hint = f"the limits are {', '.join(PairLimits.model_fields)}, with numbers in their ranges"
    raise SettingsError(f"WOW_CHECKS: {SECTION}.{where} is wrong", hint=hint)
