"""Does the wheel better the model? Whole demos over several seeds: `python -m benchmarks.wheel --seeds 1 2 3`.

What belongs here: running the main job in folders of its own and summing up what its tables say. What does not: any metric.
Prints Markdown; `--write FILE` also writes it to a file. About five minutes a seed on two cores; `--ablations` trains the first
turn's variants too (`ablations`), about three more.
"""

import argparse
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from math import sqrt
from pathlib import Path
from statistics import mean, stdev
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from benchmarks import ablations
from wow_flywheel.contracts import ISSUE_TYPES
from wow_flywheel.defs.evaluation.judge import gate
from wow_flywheel.defs.flywheel.job import WheelConfig
from wow_flywheel.evaluation.metrics import METRICS
from wow_flywheel.evaluation.repair import CONSTANTS, by_issue_type
from wow_flywheel.lake import Lake
from wow_flywheel.settings import Settings

ROOT = Path(__file__).parent.parent
PER_DAY = WheelConfig.model_fields["conversations_per_day"].default
SHOWN = ("rr", "usm1", "usm2", "solve_rate", "action_accuracy", "format_validity")
T_95 = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776}
"""Two-sided 95 % quantile of Student's t by number of seeds (degrees of freedom: one less)."""


def main(argv: Sequence[str] | None = None) -> None:
    """Run every seed, then print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.wheel", description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], choices=range(1, 1000), metavar="SEED")
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--conversations", type=int, default=PER_DAY, help="of a production day (default: %(default)s)")
    parser.add_argument("--write", type=Path, help="Markdown file to write")
    parser.add_argument("--ablations", action="store_true", help="also what each part of a turn is worth")
    parser.add_argument("--jobs", type=int, default=1, help="seeds at once (default: %(default)s)")
    args = parser.parse_args(argv)
    with ThreadPoolExecutor(args.jobs) as pool:
        runs = list(pool.map(lambda seed: run(seed, args.turns, args.conversations, variants=args.ablations), args.seeds))
    text = report(runs, args.turns, args.conversations)
    if args.ablations:
        text += "\n" + ablations.report({run["seed"]: run["ablations"] for run in runs})
    print(text)
    if args.write:
        args.write.write_text(text, encoding="utf-8")


def run(seed: int, turns: int, conversations: int, *, variants: bool = False) -> dict[str, Any]:
    """One demo in a folder of its own: its evaluations, its days, its gates, seconds and peak memory."""
    with TemporaryDirectory() as folder:
        home = Path(folder)
        shutil.copy(ROOT / "dagster.yaml", home)
        config = home / "wheel.json"
        config.write_text(json.dumps({"turns": turns, "seed": seed, "conversations_per_day": conversations}))
        env = {name: value for name, value in os.environ.items() if not name.startswith("WOW_")}
        env |= {"DAGSTER_HOME": folder, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore:Function"}
        command = [sys.executable, "-m", "dagster", "job", "execute", "-m", "wow_flywheel.definitions", "-j", "flywheel"]
        print(f"seed {seed}: {turns} turns", file=sys.stderr, flush=True)
        started = time.monotonic()
        done = subprocess.run([*command, "-c", str(config)], cwd=folder, env=env, check=False, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"seed {seed} failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
        seconds = time.monotonic() - started
        lake = Lake.at(str(home / "data" / "lake"))
        releases = home / "data" / "models" / "releases"
        return {
            "seed": seed,
            "seconds": seconds,
            "evaluations": lake.read("evaluations").filter(pl.col("kind") == "simulated"),
            "repairs": repairs(lake),
            "constants": lake.read("evaluations").filter(pl.col("kind") == "repair", pl.col("model").is_in(list(CONSTANTS))),
            "ablations": ablations.run(home, env, seed) if variants else None,
            "days": lake.read("satisfaction_daily").filter(pl.col("scenario") == "*").sort("dt"),
            "cases": lake.read("cases"),
            "pairs": lake.read("preference_pairs").height,
            "refused": refused(lake, home / "data" / "models" / "cycles"),
            "released": (releases / "current").read_text().strip(),
        }


def refused(lake: Lake, cycles: Path) -> dict[str, str]:
    """Why the gate refused a cycle's candidate, by cycle; the others were released."""
    decisions = {folder.name: gate(lake, folder, folder.name, None) for folder in sorted(cycles.iterdir())}
    return {cycle: decision.reason for cycle, decision in decisions.items() if not decision.passed}


def repairs(lake: Lake) -> pl.DataFrame:
    """Repair rates of all eight issue types, of each cycle's DPO model."""
    slices = lake.read("comparison_slices").filter(pl.col("candidate").str.ends_with("-dpo"))
    cycles = slices["cycle"].unique().sort()
    return pl.concat([by_issue_type(slices.filter(pl.col("cycle") == c)).with_columns(cycle=pl.lit(c)) for c in cycles])


def report(runs: Sequence[dict[str, Any]], turns: int, conversations: int = PER_DAY) -> str:
    """The tables as Markdown."""
    episodes = Settings.from_env({}).episodes
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, no GPU"
    seconds = [run["seconds"] for run in runs]
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    lines = [
        "# Results: the wheel in the closed world",
        "",
        f"`{call(runs, turns, conversations)}` on {machine};",
        f"{mean(seconds):.0f} s a seed, {peak:.1f} GiB peak. Everything is measured on held-out customers, {episodes} episodes",
        "a model, against the world's own database and the customers' behaviour, never by the flywheel's labels.",
        "",
        "## From the first production model to the release in use at the end",
        "",
        "| metric | " + " | ".join(f"seed {run['seed']}" for run in runs) + " | mean change (95 % interval over seeds) |",
        "|---" * (len(runs) + 2) + "|",
        *(_metric_line(metric, runs) for metric in SHOWN),
        "",
        "The report that this project follows saw RR fall from 57.43 % to 20.27 % and its USM 2 rise from 27.21 to 52.72; its",
        "USM formulas are not public, so only the direction and the size of the change compare.",
        "",
        "## Each turn",
        "",
        "In percent, with 95 % intervals over episodes. The gate compares the DPO model of a cycle with the release in use.",
        "",
        "| seed | cycle | model | RR ↓ | USM 1 ↓ | USM 2 ↑ | solve rate ↑ |",
        "|---|---|---|---|---|---|---|",
        *(line for run in runs for line in _turn_lines(run)),
        "",
        *(f"- Refused: seed {run['seed']}, {cycle}: {why}" for run in runs for cycle, why in run["refused"].items()),
        *([""] if any(run["refused"] for run in runs) else []),
        "## Repair rate by issue type",
        "",
        "Turns at which Bad Cases of held-out customers went wrong, replayed with the model in use and the DPO model of the",
        "same cycle: does the reply do what was right there, and do the flywheel's own inspectors, blind, find nothing? All",
        "eight issue types; – where no turn was judged. Constant replies, which serve nobody, are judged alike.",
        "",
        "| issue type | " + " | ".join(f"seed {run['seed']}, {cycle}" for run, cycle in _columns(runs)) + " |",
        "|---" * (len(_columns(runs)) + 1) + "|",
        *_repair_lines(runs),
        *_constant_lines(runs),
        "",
        "## What production saw",
        "",
        "The same effect in the logs themselves, by the flywheel's own metrics (`sql/metrics/`), on all customers of a day:",
        "",
        "| seed | day | conversations | USM 1 ↓ | USM 2 ↑ | RR ↓ | good | bad | failed | review | released at the end |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
        *(line for run in runs for line in _day_lines(run)),
        "",
    ]
    return "\n".join(lines)


def call(runs: Sequence[Mapping[str, Any]], turns: int, conversations: int = PER_DAY) -> str:
    """The command that makes these runs."""
    seeds = " ".join(str(run["seed"]) for run in runs)
    varied = any(run["ablations"] is not None for run in runs)
    options = [
        *([f"--conversations {conversations}"] if conversations != PER_DAY else []),
        *(["--ablations"] if varied else []),
    ]
    return " ".join([f"python -m benchmarks.wheel --seeds {seeds} --turns {turns}", *options])


def _metric_line(metric: str, runs: Sequence[dict[str, Any]]) -> str:
    ends = [_ends(run["evaluations"], metric, run["released"]) for run in runs]
    changes = [after - before for before, after in ends]
    cells = " | ".join(f"{100 * before:.1f} → {100 * after:.1f}" for before, after in ends)
    spread = T_95[len(changes)] * stdev(changes) / sqrt(len(changes)) if len(changes) in T_95 else None
    interval = f" ± {100 * spread:.1f}" if spread is not None else ""
    return f"| {metric} {METRICS.get(metric).arrow} (%) | {cells} | {100 * mean(changes):+.1f}{interval} points |"


def _ends(evaluations: pl.DataFrame, metric: str, released: str) -> tuple[float, float]:
    """The metric of the first cycle's baseline, and of the release in use at the end as the last cycle measured it."""
    rows = evaluations.filter(pl.col("metric") == metric)
    first, last = rows["cycle"].min(), rows["cycle"].max()
    final = f"{last}-dpo" if released.endswith(f"-{last}") else released
    ends = ((first, pl.col("model").str.ends_with("-base")), (last, pl.col("model") == final))
    before, after = (rows.filter(pl.col("cycle") == cycle, model)["value"].item() for cycle, model in ends)
    return before, after


def _turn_lines(run: dict[str, Any]) -> list[str]:
    values = ["value", "low", "high"]
    wide = run["evaluations"].pivot("metric", index=["cycle", "model"], values=values).sort("cycle", "model")
    return [
        f"| {run['seed']} | {row['cycle']} | {row['model']} | "
        + " | ".join(_with_interval(row, name) for name in ("rr", "usm1", "usm2", "solve_rate"))
        + " |"
        for row in wide.iter_rows(named=True)
    ]


def _with_interval(row: dict[str, Any], metric: str) -> str:
    value, low, high = (100 * row[f"{part}_{metric}"] for part in ("value", "low", "high"))
    return f"{value:.1f} ({low:.1f}–{high:.1f})"


def _columns(runs: Sequence[dict[str, Any]]) -> list[tuple[dict[str, Any], str]]:
    return [(run, cycle) for run in runs for cycle in run["repairs"]["cycle"].unique().sort()]


def _repair_lines(runs: Sequence[dict[str, Any]]) -> list[str]:
    return [
        f"| {issue} | "
        + " | ".join(
            _repair(run["repairs"].filter(cycle=cycle, issue_type=issue).row(0, named=True)) for run, cycle in _columns(runs)
        )
        + " |"
        for issue in ISSUE_TYPES
    ]


def _constant_lines(runs: Sequence[dict[str, Any]]) -> list[str]:
    """What the constant replies repair, of all issue types together."""
    return [
        f"| {name} | "
        + " | ".join(_constant(run["constants"].filter(cycle=cycle, model=name)) for run, cycle in _columns(runs))
        + " |"
        for name in CONSTANTS
    ]


def _constant(rows: pl.DataFrame) -> str:
    return f"{100 * rows['value'].item():.0f} (n = {rows['n'].item()})" if rows.height else "–"


def _repair(row: dict[str, Any]) -> str:
    return f"{100 * row['before']:.0f} → {100 * row['after']:.0f} (n = {row['n']})" if row["n"] else "–"


def _day_lines(run: dict[str, Any]) -> list[str]:
    lines = []
    for row in run["days"].iter_rows(named=True):
        labels = run["cases"].filter(pl.col("dt") == row["dt"])["label"].to_list()
        counts = " | ".join(str(labels.count(label)) for label in ("good", "bad", "failed", "review"))
        shares = " | ".join(f"{100 * row[name]:.1f} %" for name in ("usm1", "usm2", "rr"))
        lines.append(f"| {run['seed']} | {row['dt']} | {row['conversations']} | {shares} | {counts} | {run['released']} |")
    return lines


if __name__ == "__main__":
    main()
