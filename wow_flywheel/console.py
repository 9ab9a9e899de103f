"""What every command of the console shares: the `--json` option, printing, and the settings of the environment.

What belongs here: helpers of `commands.py` modules. What does not: commands, and turning errors into exit codes (`cli`).
"""

import json
import os
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer

from wow_flywheel.settings import Settings

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of text for people.")]


def settings() -> Settings:
    """The settings of the environment that the command runs in.

    Raises:
        SettingsError: A variable is malformed.
    """
    return Settings.from_env(os.environ)


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def print_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Columns padded to their widest cell; None prints as a dash."""
    cells = [list(header), *([("–" if cell is None else str(cell)) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    for row in cells:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
