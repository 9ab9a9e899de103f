"""Does a training that is killed again and again end as one that nobody disturbed? `python -m benchmarks.kill_drill --kills 5`.

What belongs here: killing, resuming, comparing. What does not: how a run resumes (`wow_flywheel.training.loop`). Runs `sft` (or
`dpo`) on a model of a few thousand weights, once in peace and once with SIGKILL at random moments; compares every row of the
loss curve and every weight, and prints one line. Exit code 1 if anything differs. About two minutes on two free cores.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from wow_flywheel.training.launch import prepare_process
from wow_flywheel_tests.training import world

ROOT = Path(__file__).parent.parent
STEPS = 120
PATIENCE = 300.0
"""Seconds that a run may take between two steps before the drill gives up."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the drill found.

    Attributes:
        kills: The last step written before each kill.
        loss: The greatest difference between the two curves, nats.
        weights: The greatest difference between two weights.
        rows: Whether both runs wrote rows for the same steps and tokens.
    """

    kills: list[int]
    loss: float
    weights: float
    rows: bool


def main(argv: Sequence[str] | None = None) -> int:
    """Run the drill; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kill_drill", description=__doc__)
    parser.add_argument("--trainer", choices=["sft", "dpo"], default="sft")
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    args = parser.parse_args(argv)
    prepare_process(os.environ)
    with TemporaryDirectory() as folder:
        found = drill(Path(folder), args.trainer, args.kills, random.Random(args.seed))
    same = found.rows and found.loss <= 1e-6 and found.weights <= 1e-6
    print(
        f"{args.trainer}: killed {len(found.kills)} times, after steps {found.kills} of {STEPS}; greatest difference of the "
        f"loss {found.loss:.1e}, of a weight {found.weights:.1e}: {'the same run' if same else 'NOT the same run'}"
    )
    return 0 if same else 1


def drill(folder: Path, trainer: str, kills: int, rng: random.Random) -> Outcome:
    """Train twice, once in peace.

    Args:
        folder: Where to.
        trainer: `sft` or `dpo`.
        kills: How often to kill.
        rng: Chooses the moments.
    """
    model = world.make_model(folder / "model")
    world.write_jsonl(folder / "sft.jsonl", [{"messages": messages} for messages in world.dialogues(64)])
    world.write_jsonl(folder / "dpo.jsonl", world.pairs(64))
    data = {"sft": "--train-file", "dpo": "--pairs"}[trainer]
    given = ["-m", f"wow_flywheel.training.{trainer}", "--model", str(model), data, str(folder / f"{trainer}.jsonl")]
    given += ["--max-length", "256", "--batch-size", "4", "--learning-rate", "0.001", "--max-steps", str(STEPS)]
    given += ["--logging-steps", "2", "--save-steps", "4", "--max-chosen-drop", "0"][: 6 if trainer == "dpo" else 4]
    cut, whole = folder / "cut", folder / "whole"
    seen = [_kill(given, cut, moment) for moment in _moments(kills, rng)]
    for each in (cut, whole):
        subprocess.run([sys.executable, *given, "--output-dir", str(each)], check=True, env=_env(), stdout=subprocess.DEVNULL)
    rows = [_rows(each) for each in (whole, cut)]
    loss = max(abs(a["loss"] - b["loss"]) for a, b in zip(*rows, strict=True))
    keys = [[(row["step"], row["tokens"]) for row in each] for each in rows]
    return Outcome(seen, loss, _difference(whole, cut), keys[0] == keys[1])


def _moments(kills: int, rng: random.Random) -> list[tuple[int, float]]:
    """For each kill the least step to wait for and seconds to wait then: a kill may fall into a step, a log or a checkpoint."""
    steps = sorted(rng.sample(range(2, STEPS - 10), kills))
    return [(step, rng.uniform(0, 0.15)) for step in steps]


def _kill(given: Sequence[str], folder: Path, moment: tuple[int, float]) -> int:
    step, pause = moment
    process = subprocess.Popen([sys.executable, *given, "--output-dir", str(folder)], env=_env(), stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + PATIENCE
    while _last_step(folder) < step and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    time.sleep(pause)
    process.send_signal(signal.SIGKILL)
    if process.wait() != -signal.SIGKILL:
        raise SystemExit(f"the run ended by itself, with code {process.returncode}, before the kill at step {step}")
    return _last_step(folder)


def _last_step(folder: Path) -> int:
    """The last step of loss.jsonl as it stands, a line that is being written left out."""
    path = folder / "loss.jsonl"
    lines = path.read_text("utf-8").split("\n")[:-1] if path.exists() else []
    return int(json.loads(lines[-1])["step"]) if lines else 0


def _rows(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "loss.jsonl").read_text("utf-8").splitlines()]


def _difference(one: Path, other: Path) -> float:
    from safetensors.torch import load_file

    first, second = (load_file(folder / "model" / "model.safetensors") for folder in (one, other))
    return max(float((first[name] - second[name]).abs().max()) for name in first)


def _env() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


if __name__ == "__main__":
    sys.exit(main())
