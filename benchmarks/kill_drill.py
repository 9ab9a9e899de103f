"""Does a training that is killed again and again end as one that nobody disturbed? `python -m benchmarks.kill_drill --kills 5`.

What belongs here: killing, resuming, comparing. What does not: how a run resumes (`wow_flywheel.training.loop`). Runs `sft` (or
`dpo`) on a model of a few thousand weights, or on `--model` (above 50 M weights it is packed and computed in bf16), once in
peace and once with SIGKILL at random moments; compares every row of the loss curve and every weight, and prints one line.
Exit code 1 if anything differs. About two minutes on two free cores; `--model` of 135 M weights with `--steps 24` takes ten.
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
LAST_STEPS = 0.1
"""Share of the steps in which no kill is awaited: a run must not end before it."""
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
    parser.add_argument("--model", type=Path, help="a model folder; by default a model of a few thousand weights is made")
    parser.add_argument("--steps", type=int, default=STEPS, help="optimizer steps of 4 examples (default: %(default)s)")
    parser.add_argument("--pause", type=float, default=0.15, help="most seconds from a step to its kill (default: %(default)s)")
    args = parser.parse_args(argv)
    prepare_process(os.environ)
    with TemporaryDirectory() as name:
        folder = Path(name)
        command = training(folder, args.trainer, args.model or world.make_model(folder / "model"), args.steps)
        found = drill(folder, command, moments(args.steps, args.kills, args.pause, random.Random(args.seed)))
    same = found.rows and found.loss <= 1e-6 and found.weights <= 1e-6
    print(
        f"{args.trainer}: killed {len(found.kills)} times, after steps {found.kills} of {args.steps}; greatest difference of "
        f"the loss {found.loss:.1e}, of a weight {found.weights:.1e}: {'the same run' if same else 'NOT the same run'}"
    )
    return 0 if same else 1


def training(folder: Path, trainer: str, model: Path, steps: int) -> list[str]:
    """The command of a training on made-up dialogues or pairs, without its output folder.

    Args:
        folder: Where the data go.
        trainer: `sft` or `dpo`.
        model: What it starts from.
        steps: Optimizer steps of 4 examples, with a checkpoint after each fourth.
    """
    data = folder / f"{trainer}.jsonl"
    rows = world.pairs(64) if trainer == "dpo" else [{"messages": messages} for messages in world.dialogues(64)]
    world.write_jsonl(data, rows)
    flag = {"sft": "--train-file", "dpo": "--pairs"}[trainer]
    given = ["-m", f"wow_flywheel.training.{trainer}", "--model", str(model), flag, str(data)]
    given += ["--max-length", "256", "--batch-size", "4", "--learning-rate", "0.001", "--max-steps", str(steps)]
    return given + ["--logging-steps", "2", "--save-steps", "4", "--max-chosen-drop", "0"][: 6 if trainer == "dpo" else 4]


def drill(folder: Path, given: Sequence[str], kills: Sequence[tuple[int, float]]) -> Outcome:
    """Train twice, once in peace.

    Args:
        folder: Where to.
        given: The command; see `training`.
        kills: For each kill the least step to wait for, and seconds to wait then.
    """
    cut, whole = folder / "cut", folder / "whole"
    seen = [_kill(given, cut, moment) for moment in kills]
    for each in (cut, whole):
        subprocess.run([sys.executable, *given, "--output-dir", str(each)], check=True, env=_env(), stdout=subprocess.DEVNULL)
    rows = [_rows(each) for each in (whole, cut)]
    loss = max(abs(a["loss"] - b["loss"]) for a, b in zip(*rows, strict=True))
    keys = [[(row["step"], row["tokens"]) for row in each] for each in rows]
    return Outcome(seen, loss, _difference(whole, cut), keys[0] == keys[1])


def moments(steps: int, kills: int, pause: float, rng: random.Random) -> list[tuple[int, float]]:
    """For each kill the least step to wait for and seconds to wait then: a kill may fall into a step, a log or a checkpoint."""
    awaited = sorted(rng.sample(range(2, steps - round(LAST_STEPS * steps)), kills))
    return [(step, rng.uniform(0, pause)) for step in awaited]


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
