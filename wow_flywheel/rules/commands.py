"""`wow-flywheel check-server`: the check service on this machine.

What belongs here: arguments and start-up. What does not: the service (`server`).
"""

import gc
import json
from typing import Annotated

import typer

from wow_flywheel.console import JsonOption, settings

app = typer.Typer(help="Check live conversations by the rules of sql/rules/, over HTTP.")


@app.command()
def check_server(
    port: Annotated[int, typer.Option(min=1, max=65535, help="TCP port.")] = 8090,
    host: Annotated[
        str, typer.Option(help="Address to bind; the service has no login, so keep it behind a proxy.")
    ] = "127.0.0.1",
    most_waiting: Annotated[int, typer.Option(min=1, help="Conversations that may wait; others get 429.")] = 128,
    as_json: JsonOption = False,
) -> None:
    """Check live conversations by the rules of sql/rules/, over HTTP: POST /v1/check."""
    import uvicorn

    from wow_flywheel.knowledge.load import load_knowledge, load_procedures
    from wow_flywheel.rules.online import Checker
    from wow_flywheel.rules.overrides import load_overrides
    from wow_flywheel.rules.server import create_app

    configured = settings()
    checker = Checker(
        load_knowledge(configured.knowledge_uri), load_procedures(configured.policies_uri), load_overrides(configured.rules)
    )
    url = f"http://{host}:{port}/v1/check"
    started = {"url": url, "rules": len(checker.rules()), "not_compiled": checker.left}
    typer.echo(json.dumps(started) if as_json else f"checking by {started['rules']} rules at {url}")
    for reason in checker.left.values():
        typer.echo(f"slow: {reason}; DuckDB runs the rule, which adds some 20 ms to each check", err=True)
    gc.collect()
    gc.freeze()  # what was made until here stays: no collection has to walk it while a request waits
    service = create_app(checker, most_waiting=most_waiting)
    uvicorn.run(service, host=host, port=port, log_level="warning", access_log=False, loop="uvloop", http="httptools")
