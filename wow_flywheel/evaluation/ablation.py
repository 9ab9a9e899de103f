"""Knowledge ablation on a share of traffic: what does the model do where it is not given its knowledge?

What belongs here: the experiment as a plain command line, `python -m wow_flywheel.evaluation.ablation --config f.json`. What
does not: how an environment hides knowledge (its `hide_knowledge`).

A model that leans on knowledge gets worse without it; one that has internalised yesterday's rules goes on stating them, which
shows as soon as the rules change. The conversations are a share of a stream of traffic, chosen by the hash of their id, as a
live system would choose them; each is played twice with the same customer, so that the comparison is paired.
"""

import argparse
import datetime as dt
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, Protocol, cast

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from wow_flywheel.contracts import KNOWLEDGE_ABLATION
from wow_flywheel.dialogue import ChatMessage
from wow_flywheel.errors import SettingsError
from wow_flywheel.evaluation.compare import difference, paired
from wow_flywheel.evaluation.metrics import metric_columns
from wow_flywheel.evaluation.run import load_environment
from wow_flywheel.serving.protocol import Engine, Reply
from wow_flywheel.training.launch import prepare_process

WITH: Final = "with knowledge"
WITHOUT: Final = "without knowledge"


class AblatableEnvironment(Protocol):
    """Simulated traffic whose knowledge can be hidden from the model."""

    def evaluate_chosen(
        self, engine: Engine, *, model: str, traffic: int, seed: int, chosen: Callable[[str], bool]
    ) -> pl.DataFrame:
        """Outcomes of the conversations of a stream of traffic that are chosen by their id."""
        ...

    def hide_knowledge(self, chat: Sequence[ChatMessage]) -> list[ChatMessage]:
        """A conversation as a model sees it that is not given knowledge."""
        ...


class AblationConfig(BaseModel):
    """The experiment.

    Attributes:
        model: Folder of the model that serves.
        environment: `module:attribute` of an `AblatableEnvironment` that takes a day.
        day: The day whose business rules hold.
        traffic: Conversations of the stream.
        share: Of the traffic, the part that is served without knowledge.
        seed: Of the stream.
        output: Parquet file of outcomes, of the two arms, to write.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str
    environment: str
    day: dt.date
    traffic: int = Field(ge=1)
    share: float = Field(gt=0, le=1)
    seed: int = 0
    output: Path


@dataclass(frozen=True, slots=True)
class WithoutKnowledge:
    """An engine whose prompts have lost their knowledge."""

    engine: Engine
    hide: Callable[[Sequence[ChatMessage]], list[ChatMessage]]

    def respond(self, conversations: Sequence[Sequence[ChatMessage]]) -> list[Reply]:
        """The next assistant turn of each conversation, in order."""
        return self.engine.respond([self.hide(conversation) for conversation in conversations])


def in_share(conversation_id: str, share: float) -> bool:
    """Whether a conversation is in the experiment: the hash of its id, as a fraction, is below the share."""
    digest = sha256(f"knowledge ablation:{conversation_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < share


def play_arms(world: AblatableEnvironment, engine: Engine, config: AblationConfig) -> pl.DataFrame:
    """Outcomes of both arms, on the same conversations."""
    frames = [
        world.evaluate_chosen(
            arm, model=name, traffic=config.traffic, seed=config.seed, chosen=lambda each: in_share(each, config.share)
        )
        for name, arm in ((WITH, engine), (WITHOUT, WithoutKnowledge(engine, world.hide_knowledge)))
    ]
    return pl.concat(frames)


def effect(outcomes: pl.DataFrame, cycle: str, model: str, traffic: int, share: float) -> pl.DataFrame:
    """What each metric changes without knowledge; contract `knowledge_ablation`.

    Args:
        outcomes: As `play_arms` gives them.
        cycle: The training cycle whose day it was.
        model: The name of the model that served.
        traffic: Conversations of the stream.
        share: Of the traffic that was in the experiment.
    """
    pairs = paired(outcomes, WITH, WITHOUT)
    common = {"cycle": cycle, "model": model, "traffic": traffic, "share": share, "kind": "simulated"}
    rows = []
    for metric in metric_columns(outcomes):
        both = pairs.drop_nulls([metric.name, f"{metric.name}_after"])
        means = {"with_knowledge": both[metric.name].mean(), "without_knowledge": both[f"{metric.name}_after"].mean()}
        rows.append(common | means | difference(both, metric))
    return KNOWLEDGE_ABLATION.conform(pl.DataFrame(rows, schema=pl.Schema(KNOWLEDGE_ABLATION.columns)))


def ablatable(name: str, day: dt.date) -> AblatableEnvironment:
    """The environment, if it can hide knowledge.

    Raises:
        SettingsError: It cannot be made, or cannot hide knowledge.
    """
    world = load_environment(name, day)
    if not all(hasattr(world, method) for method in ("evaluate_chosen", "hide_knowledge")):
        raise SettingsError(
            f"WOW_ENVIRONMENT={name!r} cannot hide knowledge from a model", hint="give it evaluate_chosen and hide_knowledge"
        )
    return cast("AblatableEnvironment", world)


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the command line, play both arms, write the outcomes."""
    parser = argparse.ArgumentParser(prog="python -m wow_flywheel.evaluation.ablation", description=main.__doc__)
    parser.add_argument("--config", type=Path, required=True, help="JSON file with the fields of AblationConfig")
    config = AblationConfig.model_validate_json(parser.parse_args(argv).config.read_bytes())
    prepare_process(os.environ)
    from wow_flywheel.serving.engine import ReplyEngine

    world = ablatable(config.environment, config.day)
    outcomes = play_arms(world, ReplyEngine(config.model, seed=config.seed), config)
    outcomes.write_parquet(config.output)
    print(f"knowledge ablation: {outcomes.height // 2} of {config.traffic} conversations, played with knowledge and without")


if __name__ == "__main__":
    main()
