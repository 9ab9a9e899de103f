"""`wow-flywheel training …`: looking at what a run would learn.

What belongs here: commands for people. What does not: training, whose command lines are `python -m wow_flywheel.training.sft`,
`….dpo` and `….kto`, so that a training box needs nothing else.
"""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="What a training run would learn.")


@app.callback()
def training() -> None:
    """What a training run would learn."""


@app.command()
def mask(
    data: Annotated[Path, typer.Argument(help="an SFT file (messages), or with --pairs a DPO file")],
    model: Annotated[str, typer.Option(help="model folder or hub id, for its tokenizer and chat template")],
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="examples to show")] = 1,
    pairs: Annotated[bool, typer.Option("--pairs", help="the file holds preference pairs")] = False,
    color: Annotated[bool | None, typer.Option(help="colors; by default where the output is a terminal")] = None,
) -> None:
    """Show examples with what is learnt on green: the assistant's replies and actions, and their end tokens."""
    from wow_flywheel.training.launch import prepare_process
    from wow_flywheel.training.mask import dialogue_masks, pair_masks

    prepare_process(os.environ)
    colored = sys.stdout.isatty() and "NO_COLOR" not in os.environ if color is None else color
    for text in (pair_masks if pairs else dialogue_masks)(model, data, count, color=colored):
        typer.echo(text + "\n", color=colored)
