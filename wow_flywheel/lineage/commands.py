"""`wow-flywheel lineage`: which conversations made a model, which models saw a conversation, what rests on a policy.

What belongs here: arguments and printing. What does not: following names (`trace`).
"""

from pathlib import Path
from typing import Annotated

import typer

from wow_flywheel.console import JsonOption, print_json, print_table, settings
from wow_flywheel.lake import Lake
from wow_flywheel.lineage.trace import of_conversation, of_model, of_policy
from wow_flywheel.policies.units import load_policies

app = typer.Typer(no_args_is_help=True, help="Lineage: model, conversation, policy.")
Name = Annotated[str, typer.Argument(help="The id.")]


@app.command()
def model(name: Name, as_json: JsonOption = False) -> None:
    """Which conversations made a model: a release's id, `current`, a cycle, or a cycle with -sft, -dpo or -kto."""
    given = settings()
    chain = of_model(Lake.at(given.lake_uri), Path(given.models_uri), name)
    if as_json:
        print_json(chain)
        return
    for each in chain:
        typer.echo(f"cycle {each['cycle']}, started from {each['previous_release'] or each['base_model']}")
        if not each["recorded"]:
            typer.echo("no record says which rows this model saw: these are all that are known of its cycle")
        print_table(["day", "conversation", "dataset", "source"], [list(row.values()) for row in each["conversations"]])


@app.command()
def conversation(name: Name, as_json: JsonOption = False) -> None:
    """Which datasets and models saw a conversation."""
    given = settings()
    found = of_conversation(Lake.at(given.lake_uri), Path(given.models_uri), name)
    if as_json:
        print_json(found)
        return
    print_table(["cycle", "dataset", "split", "as"], [list(row.values()) for row in found["datasets"]])
    header = ["cycle", "trained on it directly", "models", "releases"]
    print_table(header, [(m["cycle"], m["directly"], len(m["models"]), ", ".join(m["releases"])) for m in found["models"]])


@app.command()
def policy(name: Name, as_json: JsonOption = False) -> None:
    """What rests on a policy or knowledge unit, what of it is stale by now, and which models learned from it."""
    given = settings()
    found = of_policy(Lake.at(given.lake_uri), Path(given.models_uri), load_policies(given.policies_uri), name)
    if as_json:
        print_json(found)
        return
    print_table(["judged by version", "conversations"], list(found["versions"].items()))
    print_table(["stale in table", "rows"], list(found["stale"].items()))
    print_table(["cycle", "dataset", "training rows"], [list(row.values()) for row in found["datasets"]])
    print_table(["cycle", "releases"], [(each["cycle"], ", ".join(each["releases"])) for each in found["models"]])
