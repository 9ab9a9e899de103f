"""`wow-flywheel review`: the page where people decide, and the same without a page.

What belongs here: arguments, start-up, printing. What does not: the page (`app`), the formats (`formats`), the commands for one
day (`wow_flywheel.cases.commands`).
"""

import datetime as dt
import json
from pathlib import Path
from typing import Annotated

import typer

from wow_flywheel.cases.commands import decide, list_cases, show
from wow_flywheel.console import JsonOption, print_json, print_table, settings
from wow_flywheel.errors import DecisionError
from wow_flywheel.lake import Lake

DAYS_BACK = 13
PORT = 8070
SinceOption = Annotated[
    dt.datetime | None,
    typer.Option("--since", formats=["%Y-%m-%d"], help="The first day; by default 13 days before the last."),
]
UntilOption = Annotated[
    dt.datetime | None, typer.Option("--until", formats=["%Y-%m-%d"], help="The last day; without it, the newest with cases.")
]
PortOption = Annotated[int, typer.Option(min=1, max=65535, help="TCP port on 127.0.0.1.")]
FormatOption = Annotated[str, typer.Option("--format", help="label-studio, argilla, argilla-findings or csv.")]

app = typer.Typer(help="Review cases: the page (also without a subcommand), the list, decisions, other labelling tools.")
app.command("list")(list_cases)
app.command("show")(show)
app.command("decide")(decide)


@app.callback(invoke_without_command=True)
def page(context: typer.Context) -> None:
    """Review cases; without a subcommand, serve the page for the last two weeks."""
    if context.invoked_subcommand is None:
        serve()


@app.command()
def serve(
    since: SinceOption = None, until: UntilOption = None, port: PortOption = PORT, *, as_json: JsonOption = False
) -> None:
    """Serve the page on 127.0.0.1, and print a link that lets one browser in; each later one gets the next link."""
    import uvicorn

    from wow_flywheel.review.access import Access
    from wow_flywheel.review.app import create_app
    from wow_flywheel.review.desk import Desk

    lake = Lake.at(settings().lake_uri)
    first, last = _days(lake, since, until)
    say = (lambda url: typer.echo(json.dumps({"url": url}))) if as_json else (lambda url: typer.echo(f"sign in once: {url}"))
    access = Access(port, say)
    asgi = create_app(Desk(lake, first, last), access)
    if not as_json:
        typer.echo(f"reviewing {first} to {last}; stop with Ctrl+C")
    access.new_link()
    uvicorn.run(asgi, host="127.0.0.1", port=port, log_level="warning", access_log=False, server_header=False)


@app.command("queue")
def queue_command(
    since: SinceOption = None,
    until: UntilOption = None,
    limit: Annotated[int, typer.Option(min=1, help="How many.")] = 20,
    *,
    as_json: JsonOption = False,
) -> None:
    """List the cases that wait, the most valuable first, with the three parts of each value."""
    from wow_flywheel.cases.review import printable
    from wow_flywheel.review.queue import queue

    lake = Lake.at(settings().lake_uri)
    rows = queue(lake, *_days(lake, since, until)).head(limit)
    if as_json:
        print_json(rows.to_dicts())
        return
    columns = ("dt", "conversation_id", "scenario", "label", "value", "disagreement", "stakes", "novelty")
    print_table(columns, [[printable(str(cell)) for cell in row] for row in rows.select(columns).iter_rows()])


@app.command("export")
def export_command(
    path: Annotated[Path, typer.Argument(help="The file to write; it must not be there yet.")],
    kind: FormatOption,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: Annotated[int, typer.Option(min=1, help="Most cases, the most valuable first.")] = 200,
    *,
    as_json: JsonOption = False,
) -> None:
    """Write the cases that wait for another labelling tool, with what rules and inspectors say as suggestions."""
    from wow_flywheel.review.formats import export

    lake = Lake.at(settings().lake_uri)
    count = export(lake, *_days(lake, since, until), kind, path, limit)
    if as_json:
        print_json({"cases": count, "file": str(path)})
    else:
        typer.echo(f"{count} cases are in {path}")


@app.command("import")
def import_command(
    path: Annotated[Path, typer.Argument(help="The file that the other tool wrote.")],
    kind: FormatOption,
    by: Annotated[str, typer.Option(help="Who decided, where the file does not say.")] = "",
    *,
    as_json: JsonOption = False,
) -> None:
    """Read decisions from another labelling tool; what is there already is not added again, and bad rows are named."""
    from wow_flywheel.review.formats import import_file

    done = import_file(Lake.at(settings().lake_uri), kind, path, by, dt.datetime.now(dt.UTC))
    if as_json:
        print_json({"added": done.added, "known": done.known, "faults": [list(fault) for fault in done.faults]})
    else:
        typer.echo(f"{done.added} decisions added, {done.known} were there already, {len(done.faults)} could not be taken")
        for where, what in done.faults:
            typer.echo(f"  {where}: {what}")
    if done.faults and not (done.added or done.known):
        raise DecisionError(f"nothing in {path.name} could be taken", hint="see the lines above")


def _days(lake: Lake, since: dt.datetime | None, until: dt.datetime | None) -> tuple[dt.date, dt.date]:
    """The first and the last day to review.

    Raises:
        DecisionError: There is no case, or the first day comes after the last.
    """
    import polars as pl

    last = until.date() if until else lake.scan("cases").select(pl.col("dt").max()).collect().item()
    if last is None:
        raise DecisionError("there are no cases", hint="run the job `nightly` for a day first")
    first = since.date() if since else last - dt.timedelta(days=DAYS_BACK)
    if first > last:
        raise DecisionError(f"{first} comes after {last}", hint="give --since a day that is not after --until")
    return first, last
