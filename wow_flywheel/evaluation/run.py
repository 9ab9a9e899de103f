"""Evaluates models on held-out customers, as a plain command line: `python -m wow_flywheel.evaluation.run --config f.json`.

What belongs here: which models meet which environment, held-out dialogues, turns and texts, and the files of what came of it.
What does not: metrics and intervals (`metrics`, `intervals`), judging replies (`judged`, `repair`), the gate. It runs outside
the Dagster process, because it loads models.
"""

import argparse
import datetime as dt
import importlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, cast

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wow_flywheel.errors import ReleaseError, SettingsError
from wow_flywheel.evaluation.general import general_outcomes, read_texts
from wow_flywheel.evaluation.offline import Dialogue, offline_outcomes, read_dialogues, replay
from wow_flywheel.evaluation.replies import dialogue_replies, site_replies
from wow_flywheel.model_files import model_digest
from wow_flywheel.serving.protocol import Engine
from wow_flywheel.training.launch import prepare_process

if TYPE_CHECKING:
    from wow_flywheel.serving.engine import ReplyEngine

Frames = dict[str, pl.DataFrame]
PARTS: Final = ("offline", "replies", "general", "models")
"""What is written beside the main outcomes, where it was asked for."""


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
        output: Parquet file of the main outcomes to write: of episodes with an environment, else of held-out dialogues. The
            other frames of `evaluate` are written beside it, under their own names.
        environment: `module:attribute` of a class that takes a day and is an `Environment`; None evaluates offline alone.
        day: The day whose business rules hold in the environment.
        episodes: Episodes a model.
        seed: Equal seeds give every model the same customers.
        held_out: `sft.held_out.jsonl` of the cycle, for offline evaluation.
        max_dialogues: Held-out dialogues used at most, offline.
        sites: Parquet file of the turns of held-out Bad Cases (`repair.site_rows`); those of which nothing
            certain is known (`owed` is null) are not asked; None asks for none.
        general_set: JSON Lines of general texts; None measures no general ability.
        general_base: The model that general ability is compared with; None means the first of `models`.
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
    sites: Path | None = None
    general_set: Path | None = None
    general_base: ModelUnderTest | None = None


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the command line, evaluate every model, write the outcomes."""
    parser = argparse.ArgumentParser(prog="python -m wow_flywheel.evaluation.run", description=main.__doc__)
    parser.add_argument("--config", type=Path, required=True, help="JSON file with the fields of EvaluationConfig")
    config = read_config(parser.parse_args(argv).config)
    prepare_process(os.environ)
    with _progress() as say:
        frames = evaluate(config, say)
    config.output.parent.mkdir(parents=True, exist_ok=True)
    for name in PARTS:
        path = config.output.with_name(f"{name}.parquet")
        if name in frames:
            _write(frames[name], path)
        else:
            path.unlink(missing_ok=True)
    if "outcomes" in frames:
        _write(frames["outcomes"], config.output)


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


def evaluate(config: EvaluationConfig, say: Callable[[str], None]) -> Frames:
    """Evaluate every model, in the config's order.

    Returns:
        `models`: SHA-256 of each model's files (model, sha256; null for a name in a hub). `outcomes`: of episodes
        with an environment, else of held-out dialogues, if there are any. Where asked for, `offline`:
        of held-out dialogues beside an environment; `replies`: what was said offline (`replies.REPLIES`); `general`
        (`general.GENERAL`). See `metrics` for outcomes.

    Raises:
        DatasetError: There are no held-out dialogues where some were named.
        ReleaseError: A model cannot be loaded, or its files changed meanwhile.
        SettingsError: The environment cannot be imported, or there are neither an environment nor held-out dialogues.
    """
    work = _Work.of(config)
    found: dict[str, list[pl.DataFrame]] = {}
    losses: dict[str, list[float | None]] = {}
    hashes: list[dict[str, str | None]] = []
    for model in config.models:
        say(f"evaluation: {model.name} from {model.path}")
        hashes.append({"model": model.name, "sha256": _hash(model)})
        engine = _engine(config, model)
        frames = work.evaluate(engine, model.name)
        for name, frame in frames.items():
            found.setdefault(name, []).append(frame)
        if work.texts:
            losses[model.name] = engine.text_losses(work.texts)
        done_of = frames.get("outcomes", frames.get("replies", pl.DataFrame()))
        if _hash(model) != hashes[-1]["sha256"]:
            raise ReleaseError(f"{model.path} changed while it was evaluated", hint="evaluate it once its training has ended")
        say(f"evaluation: {model.name} done, {done_of.height} {'episodes' if 'outcomes' in frames else 'replies'}")
    done = {name: pl.concat(frames) for name, frames in found.items()}
    done["models"] = pl.DataFrame(hashes, schema={"model": pl.String, "sha256": pl.String})
    return done | ({"general": _general(config, work, losses)} if work.texts else {})


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


@dataclass(frozen=True, slots=True)
class _Work:
    """What every model is given."""

    config: EvaluationConfig
    dialogues: Sequence[Dialogue]
    sites: pl.DataFrame | None
    texts: Sequence[str]

    @classmethod
    def of(cls, config: EvaluationConfig) -> "_Work":
        if config.environment is None and config.held_out is None and config.sites is None:
            raise SettingsError(
                "there are neither an environment nor held-out dialogues to evaluate on",
                hint="set WOW_ENVIRONMENT, or name held_out in the config",
            )
        dialogues = read_dialogues(config.held_out, config.max_dialogues) if config.held_out else []
        texts = read_texts(config.general_set, config.max_dialogues) if config.general_set else []
        sites = pl.read_parquet(config.sites).drop_nulls("owed") if config.sites else None
        return cls(config, dialogues, sites, texts)

    def evaluate(self, engine: "ReplyEngine", model: str) -> Frames:
        """The simulated episodes come first: a seed then gives the same ones whatever else is asked for."""
        config, frames = self.config, Frames()
        if config.environment is not None:
            world = load_environment(config.environment, config.day)
            frames["outcomes"] = world.evaluate(engine, model=model, count=config.episodes, seed=config.seed)
        replies: list[pl.DataFrame] = []
        if self.dialogues:
            given = replay(engine, self.dialogues)
            kind = "offline" if config.environment else "outcomes"
            frames[kind] = offline_outcomes(engine, self.dialogues, given, model=model)
            replies.append(dialogue_replies(self.dialogues, given, model))
        if self.sites is not None:
            replies.append(site_replies(engine, self.sites, model))
        return frames | ({"replies": pl.concat(replies)} if replies else {})


def _hash(model: ModelUnderTest) -> str | None:
    """Of a model's files; None for one that is no folder here, but a name in a hub."""
    path = Path(model.path)
    return model_digest(path) if path.is_dir() else None


def _general(config: EvaluationConfig, work: _Work, losses: Mapping[str, Sequence[float | None]]) -> pl.DataFrame:
    base = config.general_base
    if base is None or base.name in losses:
        return general_outcomes(losses, base.name if base else config.models[0].name)
    first = {base.name: _engine(config, base).text_losses(work.texts)}
    return general_outcomes({**losses, **first}, base.name)


def _engine(config: EvaluationConfig, model: ModelUnderTest) -> "ReplyEngine":
    from wow_flywheel.serving.engine import ReplyEngine

    return ReplyEngine(model.path, seed=config.seed)


def _write(frame: pl.DataFrame, path: Path) -> None:
    partial = path.with_name(f".{path.name}.partial")
    frame.write_parquet(partial)
    partial.replace(path)


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Where lines and errors go: to the Dagster step that started this process through Pipes, else to standard output."""
    if "DAGSTER_PIPES_CONTEXT" not in os.environ:
        yield lambda line: print(line, flush=True)
        return
    from dagster_pipes import open_dagster_pipes

    with open_dagster_pipes() as context:
        yield context.log.info


if __name__ == "__main__":
    main()
