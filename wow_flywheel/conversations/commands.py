"""`wow-flywheel conversations`: looking at quarantine and reading it again.

What belongs here: arguments and printing. What does not: the work (`replay`).
"""

import dataclasses
import datetime as dt
from typing import Annotated

import typer

from wow_flywheel.console import JsonOption, print_json, print_table, settings

app = typer.Typer(no_args_is_help=True, help="Quarantined log lines: look at them, read them again.")
DayOption = Annotated[dt.datetime, typer.Option("--dt", formats=["%Y-%m-%d"], help="The day, as YYYY-MM-DD.")]


@app.command()
def replay(day: DayOption, *, as_json: JsonOption = False) -> None:
    """Read a day's logs again after a fix, and empty quarantine of what now passes."""
    from wow_flywheel.conversations.replay import replay as read_again
    from wow_flywheel.conversations.sources import LogSource
    from wow_flywheel.lake import Lake

    env = settings()
    outcome = read_again(Lake.at(env.lake_uri), LogSource.at(env.logs_uri), day.date(), timezone=env.timezone)
    if as_json:
        print_json(dataclasses.asdict(outcome))
        return
    print_table(
        ("day", "recovered", "vanished", "still quarantined", "conversations"),
        [(outcome.day, len(outcome.recovered), outcome.vanished, outcome.still_quarantined, outcome.conversations)],
    )
    if outcome.recovered:
        print_table(("file", "line", "was", "conversation"), [tuple(line.values()) for line in outcome.recovered])
        typer.echo(f"next: run the job `nightly` for {outcome.day}, so that labels and pairs follow")


@app.command()
def quarantine(day: DayOption, *, as_json: JsonOption = False) -> None:
    """List a day's quarantined lines: file, line, byte offset, reason (the redacted text is in the table)."""
    from wow_flywheel.lake import Lake

    rows = Lake.at(settings().lake_uri).read("quarantine", day.date())
    columns = ("source_file", "source_line", "byte_offset", "reason", "detail")
    if as_json:
        print_json(rows.select(columns).to_dicts())
        return
    print_table(columns, rows.select(columns).iter_rows())
