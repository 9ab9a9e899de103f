"""One path from a JSON or YAML file and command-line flags to a config: flags win over the file.

What belongs here: parsing. What does not: the fields and their checks (`config`).
"""

import argparse
import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from wow_flywheel.errors import TrainingError
from wow_flywheel.training.config import TrainConfig

ConfigT = TypeVar("ConfigT", bound=TrainConfig)


def make_parser(config: type[TrainConfig], prog: str, description: str) -> argparse.ArgumentParser:
    """A parser with `--config FILE` and one flag for each field of the config; no flag has a default of its own."""
    parser = argparse.ArgumentParser(prog=prog, description=description)
    parser.add_argument("--config", metavar="FILE", help="JSON or YAML file of fields; flags win over it")
    for field in dataclasses.fields(config):
        text = field.metadata["help"].replace("%", "%%")
        if field.default is not dataclasses.MISSING:
            text += f" (default: {field.default!r})"
        kwargs: dict[str, Any] = {"help": text, "default": argparse.SUPPRESS}
        if field.type is bool:
            kwargs["action"] = argparse.BooleanOptionalAction
        else:
            kwargs |= {"type": field.type, "choices": field.metadata["choices"] or None}
        parser.add_argument(f"--{field.name.replace('_', '-')}", **kwargs)
    return parser


def parse(config: type[ConfigT], parser: argparse.ArgumentParser, argv: Sequence[str] | None) -> ConfigT:
    """Parse a command line into a config.

    Raises:
        TrainingError: The file cannot be read, or a field is unknown, missing, of the wrong type or out of range.
    """
    flags = vars(parser.parse_args(argv))
    path = flags.pop("config", None)
    return config.from_mapping((read_mapping(Path(path)) if path else {}) | flags)


def read_mapping(path: Path) -> dict[str, Any]:
    """The fields in a `.json`, `.yaml` or `.yml` file.

    Raises:
        TrainingError: The file is missing, malformed, or holds no mapping.
    """
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise TrainingError(f"config file {path} cannot be read ({error.strerror})", hint="check the path") from error
    values = _yaml(path, text) if path.suffix in {".yaml", ".yml"} else _json(path, text)
    if not isinstance(values, dict):
        raise TrainingError(f"config file {path} holds no mapping of fields", hint='write it as {"model": …, …}')
    return values


def _json(path: Path, text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise TrainingError(
            f"config file {path}, line {error.lineno}: not JSON ({error.msg})", hint="mend that line"
        ) from error


def _yaml(path: Path, text: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise TrainingError(f"config file {path} is not YAML ({type(error).__name__})", hint="mend the file") from error
