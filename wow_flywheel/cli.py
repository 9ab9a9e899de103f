"""The console command `wow-flywheel`: everything that is no Dagster job.

What belongs here: mounting each stage's commands, and the one place that turns a `FlywheelError` into an exit code. What does
not: the commands' work, which the stages do. A stage's commands are imported when they are used, so that help is there at once.

Exit codes: 0 done; 1 a `FlywheelError`, one line `error: … → hint` on standard error, or one JSON object there with `--json`;
2 wrong usage.
"""

import json
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from wow_flywheel.errors import FlywheelError


class ErrorsAsExitCodes(TyperGroup):
    """Prints errors raised on purpose, without a stack trace, and ends with exit code 1."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that the arguments name."""
        as_json = "--json" in ctx.args
        try:
            return super().invoke(ctx)
        except FlywheelError as error:
            typer.echo(error_json(error) if as_json else f"error: {error}", err=True)
            raise typer.Exit(1) from error


class LazyCommand(TyperGroup):
    """A command that knows its help at once and is imported when it is used."""

    target: str

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Hand over to the real command."""
        module, _, attribute = self.target.partition(":")
        return get_command(getattr(import_module(module), attribute)).make_context(info_name, args, parent, **extra)


def error_json(error: FlywheelError) -> str:
    """An error for programs: its kind, message and hint."""
    return json.dumps(
        {"error": {"kind": type(error).__name__, "message": error.message, "hint": error.hint}}, ensure_ascii=False
    )


def _mount(name: str, target: str, text: str) -> None:
    lazy = type(f"Lazy{name.title()}", (LazyCommand,), {"target": target})
    app.add_typer(typer.Typer(), name=name, cls=lazy, help=text)


app = typer.Typer(
    cls=ErrorsAsExitCodes,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Releases, replay, review, serving, checks and datasets of the flywheel.",
)
_mount("release", "wow_flywheel.release.commands:app", "Released models: list, show, compare, roll back.")
_mount(
    "conversations",
    "wow_flywheel.conversations.commands:app",
    "Quarantined lines, replay, forgetting a person, converting logs, the vault.",
)
_mount("review", "wow_flywheel.review.commands:app", "Review cases: the page, the list, decisions, other labelling tools.")
_mount("datasets", "wow_flywheel.datasets.commands:app", "Training sets of each cycle: list, show, export, rebuild.")
_mount(
    "lineage", "wow_flywheel.lineage.commands:app", "What made a model, what a conversation went into, what rests on a policy."
)
_mount("serve", "wow_flywheel.serving.commands:app", "Serve the current release as an OpenAI-compatible endpoint.")
_mount("check-server", "wow_flywheel.rules.commands:app", "Check live conversations by the rules, over HTTP.")
