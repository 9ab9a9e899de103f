"""What a user may set about the datasets of a cycle, and the part of it that decides their rows.

What belongs here: these variables, their defaults and checks. What does not: where tables and models lie
(`wow_flywheel.settings`), what the numbers do (`build` and what it calls).
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from wow_flywheel.datasets.limits import Limits
from wow_flywheel.errors import DatasetError, SettingsError
from wow_flywheel.settings import Settings, read_number, read_uri

KNOWLEDGE_SHARE: Final = 0.1


@dataclass(frozen=True, slots=True)
class Recipe:
    """What decides a cycle's rows, beside the tables and files that it reads; the manifest keeps it.

    Attributes:
        limits: The caps.
        general_share: `WOW_GENERAL_SHARE`, share of general data in the SFT training file, in UTF-8 bytes of what is said:
            bytes follow tokens in every language, and the trainer's tokenizer need not be loaded. 0.8 is the report's.
        knowledge_share: `WOW_KNOWLEDGE_SHARE`, largest share of dialogues made from knowledge units and procedures among the
            training data that is not general, in the same bytes. 0 makes none.
        replay_share: `WOW_REPLAY_SHARE`, most rows that the cycle before gives again, as a share of this cycle's own.
        replay_decay: `WOW_REPLAY_DECAY`, factor from each earlier cycle to the one before it.
        split_similarity: `WOW_SPLIT_SIMILARITY`, estimated Jaccard similarity (0.8 to 1) from which on two conversations are
            never on different sides.
        validation_share: `WOW_VALIDATION_SHARE`, share of the components on the training side whose dialogues are not trained
            on but measured meanwhile: what SFT stops early by. 0 takes none.
        without_pairs: `WOW_WITHOUT_PAIRS`, what becomes of a cycle whose training side has no preference pairs: `sft` leaves it
            at fine-tuning, `kto` gathers labelled replies.
    """

    limits: Limits = field(default_factory=Limits)
    general_share: float = 0.8
    knowledge_share: float = KNOWLEDGE_SHARE
    replay_share: float = 0.25
    replay_decay: float = 0.5
    split_similarity: float = 0.8
    validation_share: float = 0
    without_pairs: str = "sft"

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> "Recipe":
        """The recipe that a manifest holds.

        Raises:
            DatasetError: It holds other fields.
        """
        try:
            return cls(**{**values, "limits": Limits(**values["limits"])})
        except (KeyError, TypeError):
            raise DatasetError("the manifest holds no recipe of this version", hint="check out the commit it names") from None

    def to_mapping(self) -> dict[str, Any]:
        """As JSON values."""
        return dataclasses.asdict(self)


@dataclass(frozen=True, slots=True)
class Folders:
    """Where data that is in no table lies; None where there is none.

    Attributes:
        human: `WOW_HUMAN_URI`, dialogues between people, in any format that logs may have.
        general: `WOW_GENERAL_URI`, folder or prefix of general data: `*.jsonl[.gz]`.
        evaluation_sets: `WOW_EVALUATION_SETS_URI`, folder or prefix of `*.jsonl[.gz]` of evaluation sets that no training row
            may hold.
        general_set: `WOW_GENERAL_SET`, the texts that general ability is measured on, which no training row may hold either.
        knowledge: `WOW_KNOWLEDGE_URI`.
        policies: `WOW_POLICIES_URI`.
    """

    human: str | None = None
    general: str | None = None
    evaluation_sets: str | None = None
    general_set: str | None = None
    knowledge: str | None = None
    policies: str | None = None


def read_recipe(env: Mapping[str, str], settings: Settings) -> Recipe:
    """The recipe that the environment sets.

    The closed world's model is too small to keep knowledge apart from its dialogues, so there the default of
    `knowledge_share` is 0.

    Raises:
        SettingsError: A value is malformed; the message names its variable.
    """
    return Recipe(
        limits=Limits(settings.max_per_user, settings.max_per_template),
        general_share=_below_one(env, "WOW_GENERAL_SHARE", 0.8),
        knowledge_share=_below_one(env, "WOW_KNOWLEDGE_SHARE", 0 if settings.embedded else KNOWLEDGE_SHARE),
        replay_share=read_number(env, "WOW_REPLAY_SHARE", 0.25, 0, 10),
        replay_decay=read_number(env, "WOW_REPLAY_DECAY", 0.5, 0, 1),
        split_similarity=read_number(env, "WOW_SPLIT_SIMILARITY", 0.8, 0.8, 1),
        validation_share=_below_one(env, "WOW_VALIDATION_SHARE", 0),
        without_pairs=settings.without_pairs,
    )


def read_folders(env: Mapping[str, str], settings: Settings) -> Folders:
    """The folders that the environment names.

    Raises:
        SettingsError: A value is neither a local folder nor an `s3://` prefix.
    """
    names = {"human": "WOW_HUMAN_URI", "general": "WOW_GENERAL_URI", "evaluation_sets": "WOW_EVALUATION_SETS_URI"}
    named = {field: read_uri(env, name, "") if env.get(name, "").strip() else None for field, name in names.items()}
    return Folders(**named, general_set=settings.general_set, knowledge=settings.knowledge_uri, policies=settings.policies_uri)


def _below_one(env: Mapping[str, str], name: str, default: float) -> float:
    value = read_number(env, name, default, 0, 1)
    if value == 1:
        raise SettingsError(f"{name}=1 leaves no room for other data", hint=f"set {name} below 1, such as {default or 0.1}")
    return value
