"""A real pretrained model on real conversations: `python -m benchmarks.star_smollm2 --folder FOLDER`.

SmolLM2-135M-Instruct on STAR: base, SFT on Good Cases, DPO on verified rewrites of Bad Cases and on planted defects. What
belongs here: the order of the steps and the tables. What does not: data (`star_data`), measurements (`star_measures`).

Held out are customers (other people, the same tasks) and four tasks whole. Everything is kept in the folder: what is already
there is not done again, and a training that was cut off goes on from its checkpoint. Prints Markdown; `--write FILE` also
appends it.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import star_data, star_measures
from benchmarks.smollm2 import convert
from wow_flywheel.contracts import ISSUE_TYPES
from wow_flywheel.evaluation.intervals import wilson

ROOT = Path(__file__).parent.parent
MODELS = ("base", "SFT", "DPO")
SFT = {"learning_rate": 1e-4, "batch_size": 8, "max_length": 1024, "max_dropped": 0.5, "save_steps": 10, "logging_steps": 5}
DPO = {"learning_rate": 5e-6, "batch_size": 8, "max_length": 1024, "max_dropped": 0.5, "save_steps": 10, "logging_steps": 5}
REPLY_TITLES = {
    "reply_loss": "reply loss ↓, nats per token",
    "rr": "RR ↓, %",
    "action_accuracy": "tool call with every argument right ↑, %",
    "slot_f1": "tool and argument right ↑, F1 in %",
    "format_validity": "valid output ↑, %",
}
DPO_LOSS = {"beta": 0.1, "sft_weight": 0.2}


def main(argv: Sequence[str] | None = None) -> None:
    """Make the data, train, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.star_smollm2", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where models, data and measurements are kept")
    parser.add_argument("--model", type=Path, help="the converted model; by default it is converted into the folder")
    parser.add_argument("--dialogues", type=int, default=600, help="Good Cases to train on (default: %(default)s)")
    parser.add_argument("--each", type=int, default=60, help="planted defects a type in training (default: %(default)s)")
    parser.add_argument("--sft-steps", type=int, default=0, help="SFT steps of 8 dialogues; 0: one pass (default: %(default)s)")
    parser.add_argument("--dpo-steps", type=int, default=0, help="DPO steps of 8 pairs; 0: one pass (default: %(default)s)")
    parser.add_argument("--held-out", type=int, default=40, help="dialogues measured a split (default: %(default)s)")
    parser.add_argument("--turns", type=int, default=250, help="turns ranked a split (default: %(default)s)")
    parser.add_argument("--sites", type=int, default=12, help="planted defects a type and split (default: %(default)s)")
    parser.add_argument("--write", type=Path, help="Markdown file to append to")
    args = parser.parse_args(argv)
    text = Run(args).report()
    print(text)
    if args.write:
        with args.write.open("a", encoding="utf-8") as file:
            file.write(text)


class Run:
    """The steps, each done once.

    Args:
        args: The command line's.
    """

    def __init__(self, args: argparse.Namespace) -> None:
        self._args = args
        self._folder: Path = args.folder
        self._star: star_data.Star | None = None

    @property
    def star(self) -> star_data.Star:
        """STAR, labelled when first asked for."""
        if self._star is None:
            _say("labelling STAR")
            self._star = star_data.load()
        return self._star

    def report(self) -> str:
        """Train what is not trained yet, measure what is not measured yet, and show it."""
        self._data()
        models = {"base": convert(self._args.model or self._folder / "base"), "SFT": self._sft(), "DPO": self._dpo()}
        found = {
            (name, split): self._measured(name, path, split) for name, path in models.items() for split in star_data.SPLITS
        }
        return "\n".join([*self._head(), *(line for split in star_data.SPLITS for line in _tables(split, found)), ""])

    def _data(self) -> None:
        self._once("sft.jsonl", lambda: star_data.dialogues(self.star, "train", self._args.dialogues))
        self._once("pairs.jsonl", lambda: star_data.pairs(self.star, self._args.each))

    def _once(self, name: str, rows: Callable[[], Sequence[Mapping[str, Any]]]) -> None:
        if not (self._folder / name).exists():
            star_data.write_jsonl(self._folder / name, rows())

    def _sft(self) -> Path:
        model = self._args.model or self._folder / "base"
        given = {"model": str(model), "train_file": str(self._folder / "sft.jsonl"), "max_steps": self._args.sft_steps}
        return self._trained("sft", given | SFT)

    def _dpo(self) -> Path:
        given = {"model": str(self._folder / "sft" / "model"), "pairs": str(self._folder / "pairs.jsonl")}
        return self._trained("dpo", given | {"max_steps": self._args.dpo_steps} | DPO | DPO_LOSS)

    def _trained(self, trainer: str, given: Mapping[str, Any]) -> Path:
        """The trainer's own command; it knows by itself whether it is done."""
        config = self._folder / f"{trainer}.json"
        config.write_text(json.dumps({**given, "output_dir": str(self._folder / trainer)}), "utf-8")
        _say(f"training: {trainer}")
        if not (self._folder / trainer / "model").is_dir():
            command = [sys.executable, "-m", f"wow_flywheel.training.{trainer}", "--config", str(config)]
            subprocess.run(command, check=True, env=os.environ | {"PYTHONPATH": str(ROOT)})
        return star_measures.in_bf16(self._folder / trainer / "model", self._folder / f"{trainer}-bf16")

    def _measured(self, name: str, model: Path, split: str) -> dict[str, Any]:
        path = self._folder / f"measured-{name}-{split}.json"
        if path.exists():
            return dict(json.loads(path.read_text("utf-8")))
        _say(f"measuring: {name}, held-out {split}")
        started = time.monotonic()
        dialogues = star_data.dialogues(self.star, split, self._args.held_out)
        many = star_data.dialogues(self.star, split, 10 * self._args.held_out)
        found: dict[str, Any] = {"next": star_measures.next_action(self.star, model, many, self._args.turns)}
        found |= star_measures.replies(model, dialogues)
        sites = star_data.sites(self.star, split, self._args.sites)
        found["repairs"] = star_measures.repairs(self.star, model, sites)
        found["constants"] = star_measures.constants(self.star, sites)
        found["not_judged"] = sum(owed is None for _, owed in sites)
        path.write_text(json.dumps(found), "utf-8")
        _say(f"{name}, {split}: {found['next']} in {time.monotonic() - started:.0f} s")
        return found

    def _head(self) -> list[str]:
        records = {name: json.loads((self._folder / name / "run.json").read_text("utf-8")) for name in ("sft", "dpo")}
        trained = "; ".join(
            f"{name.upper()} {record['examples']} examples, {record['tokens']:,} tokens, {record['steps']} steps, "
            f"{record['training_seconds'] / 60:.0f} minutes"
            for name, record in records.items()
        )
        machine = f"{os.cpu_count()} shared cores, Python {platform.python_version()}, no GPU"
        return [f"{trained}, on {machine}.", ""]


def _tables(split: str, found: Mapping[tuple[str, str], Mapping[str, Any]]) -> list[str]:
    rows = [found[name, split] for name in MODELS]
    _, turns, chance = rows[0]["next"]
    lines = [f"**Held-out {split}**", "", "| | " + " | ".join(MODELS) + " |", "|---|---:|---:|---:|"]
    lines.append(
        _line(f"next action ↑, % of {turns} turns (guessing: {100 * chance:.0f})", [_share(*row["next"][:2]) for row in rows])
    )
    for name, title in REPLY_TITLES.items():
        lines.append(_line(title, [_value(row[name], percent=name != "reply_loss") for row in rows]))
    for issue in ISSUE_TYPES:
        if issue in rows[0]["repairs"]:
            title = f"repair rate ↑, {issue}, % of {rows[0]['repairs'][issue][1]}"
            lines.append(_line(title, [_share(*row["repairs"][issue]) for row in rows]))
    totals = [tuple(map(sum, zip(*row["repairs"].values(), strict=True))) for row in rows]
    lines.append(_line(f"repair rate ↑, all, % of {totals[0][1]}", [_share(*total) for total in totals]))
    lines += [
        _line(f"repair rate of {name.replace('constant: ', 'a constant reply, ')}, % of {count[1]}", [_share(*count), "", ""])
        for name, count in rows[0]["constants"].items()
    ]
    told = f"{rows[0]['not_judged']} turns are not judged: neither log nor Good Cases nor procedure say what was right there."
    return [*lines, "", told, ""]


def _line(title: str, cells: Sequence[str]) -> str:
    return f"| {title} | " + " | ".join(cells) + " |"


def _share(count: int, total: int) -> str:
    interval = wilson(count, total)
    return f"{100 * count / total:.0f} ({100 * (interval.low or 0):.0f}–{100 * (interval.high or 0):.0f})"


def _value(value: float | None, *, percent: bool) -> str:
    return "–" if value is None else f"{100 * value:.0f}" if percent else f"{value:.2f}"


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
