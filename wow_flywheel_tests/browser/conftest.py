"""`dagster dev` as `make ui` starts it, on logs of its own, and a headless Chromium that looks at it."""

import datetime as dt
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from wow_flywheel.lake import Lake

ROOT = Path(__file__).parents[2]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
LOOPING = ["Where is my order 12?", "Which city are you in?", "I said: order 12.", "Which city are you in?", "Forget it."]
HELPED = ["Where is my order 13?", "It arrives today at five.", "Great, thank you!"]
PATIENCE = 60_000
"""Milliseconds that a browser waits for something to appear: other tests have both cores meanwhile."""

expect.set_options(timeout=PATIENCE)


@dataclass(frozen=True)
class Ui:
    """A running web UI.

    Attributes:
        url: Where it listens.
        lake: The tables that its runs write.
        days: Days with logs: today, and tomorrow in case that midnight passes while the test runs.
    """

    url: str
    lake: Lake
    days: tuple[dt.date, dt.date]


def write_logs(folder: Path, day: dt.date) -> None:
    """Two conversations and a line that is broken."""
    path = folder / f"dt={day}" / "a.jsonl"
    path.parent.mkdir(parents=True)
    lines = [_record(f"{day}-looping", day, LOOPING), _record(f"{day}-helped", day, HELPED), '{"conversation_id": "half']
    path.write_text("".join(f"{line}\n" for line in lines))


def _record(name: str, day: dt.date, turns: list[str]) -> str:
    messages = [{"role": "user" if i % 2 == 0 else "assistant", "content": text} for i, text in enumerate(turns)]
    times = {"started_at": f"{day}T10:00:00Z", "ended_at": f"{day}T10:05:00Z"}
    return json.dumps({"conversation_id": name, "user_id": name, "scenario": "delivery", **times, "messages": messages})


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait until something listens."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"dagster dev does not listen:\n{log.read_text()[-3000:]}")


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ui]:
    """The UI in a folder of its own."""
    home = tmp_path_factory.mktemp("ui")
    today = dt.datetime.now(tz=dt.UTC).date()
    days = (today, today + dt.timedelta(days=1))
    for day in days:
        write_logs(home / "logs", day)
    for name in ("dagster.yaml", "workspace.yaml"):
        shutil.copy(ROOT / name, home)
    port, log = free_port(), home / "ui.log"
    env = {name: value for name, value in os.environ.items() if not name.startswith(("WOW_", "DAGSTER"))}
    env |= {"DAGSTER_HOME": str(home), "WOW_LOGS_URI": str(home / "logs"), "PYTHONPATH": str(ROOT)}
    command = ["-m", "dagster", "dev", "--workspace", "workspace.yaml", "--host", "127.0.0.1", "--port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *command], cwd=home, env=env, stdout=output, stderr=output, start_new_session=True
        )
    try:
        wait_for(port, process, log)
        yield Ui(f"http://127.0.0.1:{port}", Lake.at(str(home / "data" / "lake")), days)
    finally:
        os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


@pytest.fixture
def page(ui: Ui) -> Iterator[Page]:
    """A page of a fresh browser, at the UI."""
    if CHROMIUM is None:
        pytest.skip("no Chromium here: `apt-get install chromium`, or any package that provides it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        opened = browser.new_page(viewport={"width": 1600, "height": 1200}, base_url=ui.url)
        opened.set_default_timeout(PATIENCE)
        yield opened
        browser.close()
