"""How fast do the trainers train, against TRL's own scripts at their defaults? `python -m benchmarks.training --data FOLDER`.

What belongs here: running both sides one after the other on the same files, and the ratio. What does not: the files' making
(`training_data`), the trainers. Both sides see each example once, start from the same weights, and use TRL's defaults for
batch, rate and β. TRL is told to learn assistant turns alone, as here, and on a CPU without bf16 instructions to compute in
fp32, as is done here: by default it would be some seven times slower there. Counted are real tokens, a pair's prompt twice on
both sides; timed is training itself, here with the scoring of the reference. Both models are then scored on the same dialogues
that neither was trained on, since a mean over steps hangs on their order. Prints Markdown; `--write FILE` also appends it.
"""

import argparse
import ast
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.smollm2 import FOLDER
from benchmarks.training_data import marked_copy, write_data
from wow_flywheel.processor import multiplies_bf16
from wow_flywheel.serving.engine import ReplyEngine

ROOT = Path(__file__).parent.parent
TRL_DEFAULTS = {"sft": {"learning_rate": 2e-5}, "dpo": {"learning_rate": 1e-6, "beta": 0.1}}
DATA_FIELD = {"sft": "train_file", "dpo": "pairs"}


@dataclass(frozen=True, slots=True)
class Side:
    """What one command did.

    Attributes:
        seconds: Of training.
        loss: Mean over the steps.
        held_out: Loss of the trained model on dialogues that it was not trained on, nats a token of the assistant.
        peak: Greatest memory of the process, GiB.
        utilisation: Model FLOPs by what the device could have done; None where its peak is unknown, and of TRL.
    """

    seconds: float
    loss: float
    held_out: float
    peak: float
    utilisation: float | None = None


def main(argv: Sequence[str] | None = None) -> None:
    """Run both sides for SFT and DPO, then print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description=__doc__)
    parser.add_argument(
        "--model", type=Path, default=FOLDER, help="model folder (see benchmarks.smollm2; default: %(default)s)"
    )
    parser.add_argument("--trainers", nargs="+", default=["sft", "dpo"], choices=["sft", "dpo"])
    parser.add_argument("--steps", type=int, default=6, help="optimizer steps of 8 examples (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=1, help="repetitions, of which the best of each side counts")
    parser.add_argument("--write", type=Path, help="Markdown file to append to")
    args = parser.parse_args(argv)
    with TemporaryDirectory() as folder:
        text = report(Path(folder), args)
    print(text)
    if args.write:
        with args.write.open("a", encoding="utf-8") as file:
            file.write(text)


def report(folder: Path, args: argparse.Namespace) -> str:
    """The table."""
    model = marked_copy(args.model, folder / "model")
    tokens = write_data(folder, model, 8 * args.steps)
    lines = [
        (
            f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; "
            f"{args.model.name}; {args.steps} steps of 8 examples; best of {args.rounds}; "
            f"held-out loss before training {held_out(model, folder):.4f}"
        ),
        "",
        (
            "| | tokens | TRL: tokens/s | here: tokens/s | ratio | TRL: loss | here: loss | TRL: held-out | here: held-out "
            "| TRL: peak GiB | here: peak GiB | here: model FLOPs utilisation |"
        ),
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for trainer in args.trainers:
        sides = [[side(folder, model, trainer, args.steps, number) for side in (trl, ours)] for number in range(args.rounds)]
        theirs, own = (min((pair[at] for pair in sides), key=lambda side: side.seconds) for at in (0, 1))
        lines.append(row(trainer, tokens[trainer], theirs, own))
    return "\n".join([*lines, "", ""])


def row(trainer: str, tokens: int, theirs: Side, own: Side) -> str:
    """One line of the table."""
    speed = [tokens / side.seconds for side in (theirs, own)]
    cells = [f"{tokens:,}", *(f"{value:.0f}" for value in speed), f"**{speed[1] / speed[0]:.2f}**"]
    cells += [f"{value:.4f}" for value in (theirs.loss, own.loss, theirs.held_out, own.held_out)]
    cells += [f"{side.peak:.2f}" for side in (theirs, own)]
    cells.append("unknown peak" if own.utilisation is None else f"{own.utilisation:.1%}")
    return f"| {trainer.upper()} | " + " | ".join(cells) + " |"


def trl(folder: Path, model: Path, trainer: str, steps: int, number: int) -> Side:
    """TRL's script."""
    out = folder / f"trl-{trainer}-{number}"
    given = {"model_name_or_path": model, "dataset_name": folder / trainer, "max_steps": steps, "output_dir": out}
    given |= {"logging_steps": 1, "report_to": "none", "save_strategy": "no"}
    given |= {"assistant_only_loss": "true"} if trainer == "sft" else {}
    given |= {} if _gpu() else {"use_cpu": "true", "bf16": str(multiplies_bf16()).lower()}
    said, peak = run([f"trl.scripts.{trainer}", *flags(given)])
    logs = [ast.literal_eval(found) for found in re.findall(r"\{'[^{}]*\}", said)]
    losses = [float(log["loss"]) for log in logs if "loss" in log]
    seconds = next(float(log["train_runtime"]) for log in logs if "train_runtime" in log)
    learned = held_out(out, folder)
    shutil.rmtree(out)
    return Side(seconds, sum(losses) / len(losses), learned, peak)


def ours(folder: Path, model: Path, trainer: str, steps: int, number: int) -> Side:
    """The command of this project."""
    out = folder / f"own-{trainer}-{number}"
    given: dict[str, Any] = {"model": model, DATA_FIELD[trainer]: folder / trainer / "train.jsonl", "output_dir": out}
    given |= {"max_steps": steps, "logging_steps": 1, "save_steps": 0, "scheduler": "linear", "warmup": 0}
    _, peak = run([f"wow_flywheel.training.{trainer}", *flags({**given, **TRL_DEFAULTS[trainer]}, "-")])
    record = json.loads((out / "run.json").read_text("utf-8"))
    losses = [json.loads(line)["loss"] for line in (out / "loss.jsonl").read_text("utf-8").splitlines()]
    learned = held_out(out / "model", folder)
    shutil.rmtree(out)
    return Side(record["training_seconds"], sum(losses) / len(losses), learned, peak, record["model_flops_utilisation"])


def held_out(model: Path, folder: Path) -> float:
    """Mean loss of a model's assistant tokens on the held-out dialogues, found in a process of its own: what this one has held
    is part of what the next side's peak begins with, and on a GPU would stay there."""
    with ProcessPoolExecutor(1, get_context("spawn")) as alone:
        return alone.submit(_scored, model, folder).result()


def _scored(model: Path, folder: Path) -> float:
    dialogues = [json.loads(line)["messages"] for line in (folder / "held_out.jsonl").read_text("utf-8").splitlines()]
    losses = [loss for loss in ReplyEngine(model).losses(dialogues) if loss is not None]
    return sum(losses) / len(losses)


def flags(given: Mapping[str, Any], joint: str = "_") -> list[str]:
    """Command-line flags."""
    return [text for name, value in given.items() for text in (f"--{name.replace('_', joint)}", str(value))]


def run(module: Sequence[str]) -> tuple[str, float]:
    """What a module prints, and its peak memory in GiB.

    Raises:
        SystemExit: It failed; with the end of what it printed.
    """
    print(f"running {module[0]}", file=sys.stderr, flush=True)
    env = os.environ | {
        "PYTHONPATH": str(ROOT),
        "OMP_WAIT_POLICY": "passive",
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }
    with TemporaryDirectory() as scratch, (Path(scratch) / "said").open("w+b") as said:
        process = subprocess.Popen([sys.executable, "-m", *module], stdout=said, stderr=subprocess.STDOUT, env=env)
        _, status, usage = os.wait4(process.pid, 0)
        said.seek(0)
        text = said.read().decode(errors="replace")
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"{module[0]} failed:\n{text[-4000:]}")
    return text, usage.ru_maxrss / 2**20


def _gpu() -> bool:
    import torch

    return bool(torch.cuda.is_available())


if __name__ == "__main__":
    main()
