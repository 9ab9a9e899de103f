"""Evaluates models on held-out customers, as a plain command line: `python -m wow_flywheel.evaluation.run --config f.json`.

What belongs here: which models meet which environment or held-out rows, and the outcomes file. What does not: metrics and
intervals (`metrics`, `intervals`), the gate. It runs outside the Dagster process, because it loads models.
"""

import argparse
import datetime as dt
import importlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, cast

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wow_flywheel.errors import SettingsError
from wow_flywheel.serving.protocol import Engine
from wow_flywheel.training.launch import prepare_process


class Environment(Protocol):
    """Simulated customers that a model can be evaluated against, end to end."""

    def evaluate(self, engine: Engine, *, model: str, count: int, seed: int) -> pl.DataFrame:
        """Outcomes of `count` episodes with held-out customers: see `metrics` for the frame."""
        ...


class ModelUnderTest(BaseModel):
    """A model and the name that the tables give it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    path: str = Field(min_length=1)


class EvaluationConfig(BaseModel):
    """What to evaluate.

    Attributes:
        models: The models, the baseline first.
        output: Parquet file of outcomes to write.
        environment: `module:attribute` of a class that takes a day and is an `Environment`; None evaluates offline.
        day: The day whose business rules hold in the environment.
        episodes: Episodes a model.
        seed: Equal seeds give every model the same customers.
        held_out: `sft.held_out.jsonl` of the cycle, for offline evaluation.
        max_dialogues: Held-out dialogues used at most, offline.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    models: list[ModelUnderTest] = Field(min_length=1)
    output: Path
    environment: str | None = None
    day: dt.date
    episodes: int = Field(default=200, ge=1)
    seed: int = 0
    held_out: Path | None = None
    max_dialogues: int = Field(default=200, ge=1)


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the command line, evaluate every model, write the outcomes."""
    parser = argparse.ArgumentParser(prog="python -m wow_flywheel.evaluation.run", description=main.__doc__)
    parser.add_argument("--config", type=Path, required=True, help="JSON file with the fields of EvaluationConfig")
    config = read_config(parser.parse_args(argv).config)
    prepare_process(os.environ)
    with _progress() as say:
        outcomes = evaluate(config, say)
    config.output.parent.mkdir(parents=True, exist_ok=True)
    partial = config.output.with_name(f".{config.output.name}.partial")
    outcomes.write_parquet(partial)
    partial.replace(config.output)


def read_config(path: Path) -> EvaluationConfig:
    """Read the config file.

    Raises:
        SettingsError: It cannot be read or a field is wrong; the message names the fields.
    """
    try:
        return EvaluationConfig.model_validate_json(path.read_bytes())
    except OSError as error:
        raise SettingsError(f"config file {path} cannot be read ({error.strerror})", hint="check the path") from error
    except ValidationError as error:
        fields = sorted({".".join(map(str, each["loc"])) or "the file" for each in error.errors()})
        raise SettingsError(f"{path}: wrong fields {fields}", hint="see EvaluationConfig for what they mean") from None


def evaluate(config: EvaluationConfig, say: Callable[[str], None]) -> pl.DataFrame:
    """Outcomes of every model, in the config's order; see `metrics` for the frame.

    Raises:
        ReleaseError: A model cannot be loaded.
        SettingsError: The environment cannot be imported, or there are neither an environment nor held-out dialogues.
    """
    frames = []
    for model in config.models:
        say(f"evaluation: {model.name} from {model.path}")
        frames.append(_outcomes(config, model))
        say(f"evaluation: {model.name} done, {frames[-1].height} episodes")
    return pl.concat(frames)


def load_environment(name: str, day: dt.date) -> Environment:
    """The environment behind `module:attribute`, on a day.

    Raises:
        SettingsError: There is no such module or attribute, or it takes no day.
    """
    module, _, attribute = name.partition(":")
    try:
        return cast("Environment", getattr(importlib.import_module(module), attribute)(day))
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise SettingsError(
            f"WOW_ENVIRONMENT={name!r} cannot be made ({type(error).__name__}: {error})",
            hint="name it as module:class, importable from here, whose one argument is the day",
        ) from error


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Where lines and errors go: to the Dagster step that started this process through Pipes, else to standard output."""
    if "DAGSTER_PIPES_CONTEXT" not in os.environ:
        yield lambda line: print(line, flush=True)
        return
    from dagster_pipes import open_dagster_pipes

    with open_dagster_pipes() as context:
        yield context.log.info


def _outcomes(config: EvaluationConfig, model: ModelUnderTest) -> pl.DataFrame:
    from wow_flywheel.serving.engine import ReplyEngine

    engine = ReplyEngine(model.path, seed=config.seed)
    if config.environment is not None:
        world = load_environment(config.environment, config.day)
        return world.evaluate(engine, model=model.name, count=config.episodes, seed=config.seed)
    if config.held_out is None:
        raise SettingsError(
            "there are neither an environment nor held-out dialogues to evaluate on",
            hint="set WOW_ENVIRONMENT, or name held_out in the config",
        )
    from wow_flywheel.evaluation.offline import evaluate_offline, read_dialogues

    return evaluate_offline(engine, read_dialogues(config.held_out, config.max_dialogues), model=model.name)


if __name__ == "__main__":
    main()
