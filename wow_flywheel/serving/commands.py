"""`wow-flywheel serve`: the chat endpoint on this machine.

What belongs here: arguments and start-up. What does not: the endpoint (`app`).
"""

import datetime as dt
import json
from typing import Annotated

import typer

from wow_flywheel.console import JsonOption, settings
from wow_flywheel.errors import ReleaseError
from wow_flywheel.release.folder import Release
from wow_flywheel.release.store import ReleaseStore

app = typer.Typer(help="Serve the current release as an OpenAI-compatible endpoint.")


@app.command()
def serve(
    port: Annotated[int, typer.Option(min=1, max=65535, help="TCP port.")] = 8080,
    host: Annotated[
        str, typer.Option(help="Address to bind; the endpoint has no login, so keep it behind a proxy.")
    ] = "127.0.0.1",
    release: Annotated[str | None, typer.Option(help="Release to serve; without it, the current one.")] = None,
    idle_minutes: Annotated[float, typer.Option(min=0.1, help="A conversation without a turn for this long is over.")] = 30,
    as_json: JsonOption = False,
) -> None:
    """Serve the current release as an OpenAI-compatible endpoint, and log every conversation for the next turn.

    Without --release it follows the pointers while it runs: a promotion, a rollback, a canary.
    """
    import uvicorn

    from wow_flywheel.serving.app import create_app
    from wow_flywheel.serving.engine import ReplyEngine
    from wow_flywheel.serving.live import Releases
    from wow_flywheel.serving.log_writer import LogWriter

    configured = settings()
    store = ReleaseStore(configured.models_uri)
    served, canary = chosen(store, release), None if release else store.canary()
    engine = ReplyEngine(served.model_dir)
    beside = (ReplyEngine(store.show(canary.release).model_dir), canary) if canary else None
    writer = LogWriter(configured.logs_uri, timezone=configured.timezone)
    url = f"http://{host}:{port}/v1"
    started = {"url": url, "release": served.id, "logs": configured.logs_uri}
    started |= {"canary": canary.release, "share": f"{canary.share:g}"} if canary else {}
    share = f" (canary {canary.release}: {canary.share:.0%} of the conversations)" if canary else ""
    text = f"serving release {served.id}{share} at {url}, logs go to {configured.logs_uri}"
    typer.echo(json.dumps(started) if as_json else text)
    follow = Releases(lambda: (store.current_id(), store.canary()), lambda name: ReplyEngine(store.show(name).model_dir))
    idle, releases = dt.timedelta(minutes=idle_minutes), None if release else follow
    asgi = create_app(engine, served.id, writer, idle=idle, canary=beside, releases=releases)
    uvicorn.run(asgi, host=host, port=port, log_level="warning")


def chosen(store: ReleaseStore, release_id: str | None) -> Release:
    """The release to serve, its seal checked.

    Raises:
        ReleaseError: There is none, or it is incomplete or tampered with.
    """
    release = store.show(release_id) if release_id else store.current()
    if release is None:
        raise ReleaseError("there is no release to serve", hint="run the training_cycle job until a model passes the gate")
    return release
