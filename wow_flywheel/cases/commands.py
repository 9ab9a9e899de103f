"""`wow-flywheel review list|show|decide`: a day's cases on the terminal, and a person's decisions.

What belongs here: arguments and printing. What does not: the work (`decisions`), the page (`wow_flywheel.review`).
Everything printed for people comes from logs,
so control characters are shown as escapes and cannot move the cursor or hide text.
"""

import datetime as dt
from typing import Annotated

import typer

from wow_flywheel.console import JsonOption, print_json, print_table, settings

DayOption = Annotated[dt.datetime, typer.Option("--dt", formats=["%Y-%m-%d"], help="The day, as YYYY-MM-DD.")]
ConversationId = Annotated[str, typer.Argument(help="The conversation's id, as `list` shows it.")]


def list_cases(
    day: DayOption,
    label: Annotated[str, typer.Option(help="good, bad, failed, review, or all.")] = "review",
    *,
    as_json: JsonOption = False,
) -> None:
    """List a day's cases of one label, the least clear ones first."""
    from wow_flywheel.cases.review import listed
    from wow_flywheel.lake import Lake

    rows = listed(Lake.at(settings().lake_uri), day.date(), label)
    if as_json:
        print_json(rows)
    elif not rows:
        typer.echo(f"{day.date()}: no case is labelled {label}")
    else:
        header = ("conversation", "scenario", "label", "solved", "satisfied", "decided by", "why")
        print_table(header, [_line(row) for row in rows])


def show(conversation_id: ConversationId, day: DayOption, *, as_json: JsonOption = False) -> None:
    """Show one conversation with its label, the reasons for it, and what was found at each turn."""
    from wow_flywheel.cases.review import reviewed, transcript
    from wow_flywheel.lake import Lake

    found = reviewed(Lake.at(settings().lake_uri), day.date(), conversation_id)
    if as_json:
        print_json(found)
    else:
        typer.echo(transcript(found))


def decide(
    conversation_id: ConversationId,
    day: DayOption,
    label: Annotated[str, typer.Option(help="good, bad, failed or review.")],
    by: Annotated[str, typer.Option(help="Who decides.")],
    note: Annotated[str, typer.Option(help="Why.")] = "",
    *,
    as_json: JsonOption = False,
) -> None:
    """Decide a case; the decision wins over the rules, now and in every rerun."""
    from wow_flywheel.cases.decisions import decide as add
    from wow_flywheel.lake import Lake

    row = add(Lake.at(settings().lake_uri), day.date(), conversation_id, label, by, note, dt.datetime.now(dt.UTC))
    if as_json:
        print_json(row.row(0, named=True))
        return
    typer.echo(f"{conversation_id} is {label}, decided by {by}")
    typer.echo(f"next: run the job `nightly` for {day.date()}, so that pairs follow")


def _line(row: dict[str, object]) -> list[object]:
    from wow_flywheel.cases.review import printable

    cells = [row["conversation_id"], row["scenario"], row["label"], row["solved_score"], row["satisfied_score"]]
    reasons = row["reasons"]
    why = "; ".join(map(str, reasons)) if isinstance(reasons, list) else ""
    return [printable(str(cell)) for cell in (*cells, row["decided_by"], why)]
