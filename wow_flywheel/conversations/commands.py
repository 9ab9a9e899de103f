"""`wow-flywheel conversations`: looking at quarantine and reading it again; converting logs of other tools; the vault.

What belongs here: arguments and printing. What does not: the work (`replay`, `convert`, `redaction.vault`).
"""

import dataclasses
import datetime as dt
import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from wow_flywheel.console import JsonOption, print_json, print_table, settings

app = typer.Typer(no_args_is_help=True, help="Quarantined log lines: look at them, read them again. Convert other tools' logs.")


class LogFormat(StrEnum):
    """What `convert` reads; a test holds it to the readers that there are."""

    AUTO = "auto"
    NATIVE = "native"
    OPENAI = "openai"
    LANGFUSE = "langfuse"
    OTEL = "otel"
    TENSORZERO = "tensorzero"
    LANGSMITH = "langsmith"


DayOption = Annotated[dt.datetime, typer.Option("--dt", formats=["%Y-%m-%d"], help="The day, as YYYY-MM-DD.")]


@app.command()
def replay(day: DayOption, *, as_json: JsonOption = False) -> None:
    """Read a day's logs again after a fix, and empty quarantine of what now passes."""
    from wow_flywheel.conversations.replay import replay as read_again
    from wow_flywheel.lake import Lake

    env = settings()
    outcome = read_again(Lake.at(env.lake_uri), env, day.date())
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


@app.command()
def forget(
    user_id: Annotated[str, typer.Option("--user-id", help="The customer, as the logs or the tables name them.")],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be deleted, and touch nothing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Delete a person's conversations and all that was made from them. Run it while no job writes to the lake."""
    from wow_flywheel.forget.erase import forget as erase
    from wow_flywheel.forget.erase import plan
    from wow_flywheel.forget.report import report
    from wow_flywheel.lake import Lake

    env = settings()
    lake = Lake.at(env.lake_uri)
    if dry_run:
        done = plan(lake, env, user_id)
    else:
        done = erase(lake, env, user_id, dt.datetime.now(dt.UTC), None if as_json else report)
    if as_json:
        print_json(done.to_dict())
    else:
        report(done)


@app.command()
def convert(
    source: Annotated[
        Path, typer.Argument(metavar="INPUT", help="File or folder of .json, .jsonl, .ndjson, also .gz or .zst.")
    ],
    folder: Annotated[Path, typer.Argument(metavar="OUTPUT_FOLDER", help="Where dt=YYYY-MM-DD/ folders are made.")],
    *,
    log_format: Annotated[LogFormat, typer.Option("--format", help="What the files hold.")] = LogFormat.AUTO,
    as_json: JsonOption = False,
) -> None:
    """Turn logs of another tool into dated log files that the flywheel reads (see docs/formats.md)."""
    from wow_flywheel.conversations.convert import convert as convert_files

    done = convert_files(source, folder, format_name=log_format.value, timezone=settings().timezone)
    if as_json:
        print_json(dataclasses.asdict(done))
        return
    print_table(
        ("format", "files", "documents", "conversations", "days"),
        [(done.format, done.files, done.documents, done.conversations, len(done.days))],
    )
    if done.ignored:
        print_table(("left out", "count", "why"), [(reason, count, _why(reason)) for reason, count in done.ignored.items()])
    if done.days:
        typer.echo(f"next: set WOW_LOGS_URI={folder} and run the flywheel")


@app.command()
def reveal(
    conversation_id: Annotated[str, typer.Option("--conversation-id", help="As in the table `conversations`.")],
    placeholder: Annotated[str, typer.Option("--placeholder", help="Such as <EMAIL_1>.")],
    day: Annotated[dt.datetime | None, typer.Option("--dt", formats=["%Y-%m-%d"], help="The conversation's day.")] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Show what a placeholder stands for, from the vault (WOW_VAULT_URI, WOW_VAULT_KEY)."""
    from wow_flywheel.conversations.redaction.vault import open_vault
    from wow_flywheel.errors import SettingsError

    vault = open_vault(settings().vault_uri, os.environ)
    if vault is None:
        raise SettingsError("WOW_VAULT_URI is not set: nothing keeps the originals", hint="set it before the days are ingested")
    value = vault.reveal(conversation_id, placeholder, day.date() if day else None)
    if as_json:
        print_json({"conversation_id": conversation_id, "placeholder": placeholder, "value": value})
        return
    typer.echo(value)


@app.command(name="vault-key")
def vault_key() -> None:
    """Print a new key for WOW_VAULT_KEY; it is stored nowhere, and without it the vault cannot be read."""
    from wow_flywheel.conversations.redaction.vault import new_key

    typer.echo(new_key())


def _why(reason: str) -> str:
    from wow_flywheel.conversations.fields import REASONS
    from wow_flywheel.conversations.readers.provenance import IGNORED

    return (REASONS | IGNORED)[reason]
