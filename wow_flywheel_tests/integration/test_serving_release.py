"""`wow-flywheel serve` with a real checkpoint: the current release answers, and its id is in the log."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import openai
import pytest

from wow_flywheel.release.decision import Decision
from wow_flywheel.release.store import ReleaseStore
from wow_flywheel_tests.integration.test_serving import free_port, wait_until_listening


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained model of the closed world's shape."""
    from wow_flywheel.closed_world.model import make

    folder = tmp_path_factory.mktemp("checkpoint")
    make(folder, ["hello", "refund please"], seed=0)
    return folder


def environment(root: Path) -> dict[str, str]:
    return {**os.environ, "WOW_MODELS_URI": str(root / "models"), "WOW_LOGS_URI": str(root / "logs")}


def test_the_current_release_is_served_and_logged(checkpoint: Path, tmp_path: Path) -> None:
    decision = Decision(passed=True, reason="first model", baseline="none", candidate="tiny", checks=())
    release = ReleaseStore(tmp_path / "models").promote(checkpoint, {}, decision, "c1")
    port = free_port()
    command = [sys.executable, "-c", "from wow_flywheel.cli import app; app()", "serve", "--port", str(port), "--json"]
    process = subprocess.Popen(command, env=environment(tmp_path), stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        started = json.loads(process.stdout.readline())
        assert started == {"url": f"http://127.0.0.1:{port}/v1", "release": release.id, "logs": str(tmp_path / "logs")}
        wait_until_listening(port, process)
        with openai.OpenAI(base_url=started["url"], api_key="none", max_retries=0) as client:
            answer = client.chat.completions.create(
                model=release.id, messages=[{"role": "user", "content": "hello"}], user="ada"
            )
        assert answer.choices[0].message.content is not None
        assert answer.usage is not None
        assert answer.usage.completion_tokens > 0
        process.send_signal(signal.SIGTERM)
        process.wait(15)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    (log,) = (tmp_path / "logs").glob("dt=*/*.jsonl")
    record = json.loads(log.read_text())
    assert (record["model"], record["user_id"]) == (release.id, "ada")
    assert record["messages"][1]["content"] == answer.choices[0].message.content


def test_without_a_release_the_command_says_so(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from wow_flywheel.cli import app; app()", "serve", "--port", str(free_port())]
    start = time.monotonic()
    done = subprocess.run(command, env=environment(tmp_path), capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: there is no release to serve → run the training_cycle job until a model passes the gate\n"
    assert time.monotonic() - start < 30
