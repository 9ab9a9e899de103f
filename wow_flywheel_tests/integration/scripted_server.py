"""Serves a scripted engine on loopback: `python -m wow_flywheel_tests.integration.scripted_server <port> <logs>`."""

import datetime as dt
import sys

import uvicorn

from wow_flywheel.serving.app import create_app
from wow_flywheel.serving.log_writer import LogWriter
from wow_flywheel_tests.unit.serving.scripted import ScriptedEngine


def main(port: int, logs: str) -> None:
    """Serve until told to stop."""
    app = create_app(ScriptedEngine(), "scripted", LogWriter(logs), idle=dt.timedelta(minutes=5))
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
