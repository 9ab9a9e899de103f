"""`wow-flywheel release`: look at releases, and go back to one.

What belongs here: arguments and printing. What does not: the work (`store`).
"""

from typing import Annotated

import typer

from wow_flywheel.console import JsonOption, print_json, print_table, settings
from wow_flywheel.errors import ReleaseError
from wow_flywheel.release.folder import Release, card
from wow_flywheel.release.store import ReleaseStore

app = typer.Typer(no_args_is_help=True, help="Released models: list, show, compare, roll back.")
canary_app = typer.Typer(no_args_is_help=True, help="A release that serves a share of the traffic beside the current one.")
app.add_typer(canary_app, name="canary")
ReleaseId = Annotated[str, typer.Argument(help="A release's id, such as 0003-2026-11-05.")]


@app.command("list")
def list_releases(as_json: JsonOption = False) -> None:
    """List all releases, oldest first; a star marks the current one, and a canary its share of the traffic."""
    store = _store()
    current, ids, canary = store.current_id(), store.list(), store.canary()
    shares = {canary.release: canary.share} if canary else {}
    if as_json:
        print_json([{"id": each, "current": each == current, "canary_share": shares.get(each)} for each in ids])
        return
    if not ids:
        typer.echo("no release yet")
    for each in ids:
        share = f"  canary, {shares[each]:.0%} of the traffic" if each in shares else ""
        typer.echo(f"{'*' if each == current else ' '} {each}{share}")


@app.command()
def show(release_id: ReleaseId, as_json: JsonOption = False) -> None:
    """Show one release after checking that it is as it was sealed."""
    _print_release(_store().show(release_id), as_json)


@app.command()
def current(as_json: JsonOption = False) -> None:
    """Show the release now in use, after checking that it is as it was sealed."""
    release = _store().current()
    if release is None:
        raise ReleaseError("there is no release yet", hint="run the training_cycle job until a model passes the gate")
    _print_release(release, as_json)


@app.command()
def rollback(
    to: Annotated[
        str | None, typer.Option(help="Release to return to; without it, the one that the current one replaced.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make an earlier release the current one again."""
    store = _store()
    left = store.current_id()
    release = store.rollback(to)
    if as_json:
        print_json({"current": release.id, "before": left})
    else:
        typer.echo(f"{release.id} is current (it was {left})")


@app.command()
def diff(a: ReleaseId, b: ReleaseId, as_json: JsonOption = False) -> None:
    """Show what differs between two releases: what they were made from, and their metrics."""
    changes = _store().diff(a, b)
    if as_json:
        print_json({"a": a, "b": b, "manifest": changes.manifest, "metrics": changes.metrics})
        return
    rows = [*changes.manifest.items(), *((f"metric {name}", values) for name, values in changes.metrics.items())]
    print_table(["", a, b], [(name, *values) for name, values in rows])


@canary_app.command("start")
def start_canary(
    release_id: ReleaseId,
    share: Annotated[float, typer.Option(min=0, max=1, help="Share of the conversations, above 0 and below 1.")] = 0.1,
    as_json: JsonOption = False,
) -> None:
    """Let a release serve a share of the conversations, chosen by the hash of their id; a running `serve` follows."""
    canary = _store().set_canary(release_id, share)
    if as_json:
        print_json({"canary": canary.release, "share": canary.share})
    else:
        typer.echo(f"{canary.release} serves {canary.share:.0%} of the conversations; a running `serve` follows in seconds")


@canary_app.command("finish")
def finish_canary(as_json: JsonOption = False) -> None:
    """Make the canary the current release."""
    release = _store().finish_canary()
    if as_json:
        print_json({"current": release.id})
    else:
        typer.echo(f"{release.id} is current")


@canary_app.command("stop")
def stop_canary(as_json: JsonOption = False) -> None:
    """Let the current release serve all traffic again."""
    store = _store()
    store.stop_canary()
    if as_json:
        print_json({"canary": None, "current": store.current_id()})
    else:
        typer.echo(f"no canary; {store.current_id()} serves all traffic; a running `serve` follows in seconds")


def _store() -> ReleaseStore:
    return ReleaseStore(settings().models_uri)


def _print_release(release: Release, as_json: bool) -> None:
    if as_json:
        print_json(release.to_dict())
    else:
        typer.echo(card(release), nl=False)
