"""What forgetting a person tells the operator, as text.

What belongs here: wording. What does not: the work (`erase`).
"""

import typer

from wow_flywheel.console import print_table
from wow_flywheel.forget.erase import Forgetting


def report(done: Forgetting) -> None:
    """Print what was found or deleted, and what is left for people to do."""
    held = [*done.rows.items(), *done.files.items(), ("answers of the endpoint", done.ledger_entries)]
    held = [(where, count) for where, count in held if count]
    if held:
        print_table(("where", "to delete" if done.dry_run else "deleted"), held)
    else:
        typer.echo("nothing of this person is left in the tables and files")
    if not done.dry_run:
        typer.echo(f"old versions: {done.vacuumed} data files removed; earlier versions of the tables can no longer be read")
    if done.rebuilds:
        said = "can be rebuilt byte for byte until then" if done.dry_run else "can be rebuilt byte for byte no more"
        typer.echo(f"datasets of {', '.join(done.rebuilds)}: {said}")
    if done.models:
        print_table(
            ("cycle", "trained on them", "models", "releases"),
            [
                (m.cycle, "yes" if m.trained_on_them else "its parent", *map(_listed, (m.models, m.releases)))
                for m in done.models
            ],
        )
        typer.echo("next: decide what becomes of these models; their weights cannot be freed of a person")
    if done.sources:
        print_table(("still holds their lines",), [(file,) for file in done.sources])
        typer.echo("next: delete their lines in these files; ingestion ignores them from now on")


def _listed(names: tuple[str, ...]) -> str | None:
    return ", ".join(names) or None
