"""What each part of the wheel is worth: one turn again without it, on the production day that the whole turn learned from.

What belongs here: the variants' training files, their runs, and the tables. What does not: the turn itself (`wheel`, which
calls this with `--ablations`). Every variant keeps the turn's own settings and starts from what the turn wrote: it differs in
one thing.

    good only         SFT on Good Cases: the turn's SFT model
    good and bad      SFT, then DPO on verified pairs: the turn's DPO model
    no verification   DPO on the first rewrite that was tried at each Bad Case turn, whatever re-inspection said of it
    no Good Cases     DPO on the same verified pairs, straight from the model in use
    KTO for DPO       SFT, then KTO on labelled replies, as in a cycle without pairs: of each Good Case the last reply, and what
                      was said where a training customer's Bad Case went wrong
    random labels     SFT on as many conversations drawn at random, then DPO on the pairs with their sides drawn by coin; the
                      preference loss alone, since the turn's NLL term would teach half of the rewrites whatever the coin says
"""

import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import polars as pl

from wow_flywheel.datasets.files import LABELLED, labelled_record
from wow_flywheel.datasets.labelled import bad_replies, good_replies
from wow_flywheel.datasets.split import split_of
from wow_flywheel.defs.training.recipes import kto_config
from wow_flywheel.dialogue import assistant_actions, to_chat
from wow_flywheel.evaluation.compare import compare
from wow_flywheel.evaluation.metrics import METRICS
from wow_flywheel.lake import Lake
from wow_flywheel.pairs.build import UNTRIED
from wow_flywheel.settings import Settings

SHOWN = ("usm1", "usm2", "rr", "solve_rate")
GOOD_ONLY, GOOD_AND_BAD, KTO = "good only", "good and bad", "KTO for DPO"
VARIANTS = (GOOD_ONLY, GOOD_AND_BAD, "no verification", "no Good Cases", KTO, "random labels")
TUNED = {"DPO": GOOD_AND_BAD, "KTO": KTO}
"""What tunes the turn's SFT model."""
REPORTED = {
    "before": {"usm1": 52.91, "usm2": 27.21, "rr": 57.43},
    GOOD_ONLY: {"usm1": 28.18, "usm2": 48.15},
    GOOD_AND_BAD: {"usm1": 25.38, "usm2": 52.72, "rr": 20.27},
}
"""The report's figures, arXiv 2510.13291, Tables 3 and 4, in percent; it names no other."""


def run(home: Path, env: Mapping[str, str], seed: int) -> pl.DataFrame:
    """Train and evaluate the variants of a wheel's first turn.

    Args:
        home: Where the wheel ran.
        env: Its environment.
        seed: Of what is drawn.

    Returns:
        Outcomes of the model in use (`before`) and of each variant, on the same episodes.
    """
    folder = min((home / "data" / "models" / "cycles").iterdir())
    place = folder / "ablations"
    place.mkdir()
    made = _train(folder, place, Lake.at(str(home / "data" / "lake")), env, seed)
    config = json.loads((folder / "evaluation" / "config.json").read_text())
    models = [{"name": name, "path": str(path)} for name, path in made.items()]
    alone = {"held_out": None, "sites": None, "general_set": None, "general_base": None}
    _command("wow_flywheel.evaluation.run", config | alone | {"models": models, "output": str(place / "outcomes.parquet")}, env)
    before, sft, dpo = (model["name"] for model in config["models"])
    turn = pl.read_parquet(config["output"])
    named = turn.with_columns(pl.col("model").replace({before: "before", sft: GOOD_ONLY, dpo: GOOD_AND_BAD}))
    return pl.concat([named, pl.read_parquet(place / "outcomes.parquet")])


def _train(folder: Path, place: Path, lake: Lake, env: Mapping[str, str], seed: int) -> dict[str, Path]:
    sft, dpo = (json.loads((folder / name / "config.json").read_text()) for name in ("sft", "dpo"))
    pairs = [json.loads(line) for line in Path(dpo["pairs"]).read_text().splitlines()]
    rng = random.Random(seed)
    unverified = _lines(place / "unverified.jsonl", first_candidates(lake))
    coin = _lines(place / "coin.jsonl", [_tossed(pair, rng) for pair in pairs])
    count = len(Path(sft["train_file"]).read_text().splitlines())
    drawn = _lines(place / "random.jsonl", random_dialogues(lake, count, rng))
    _command("wow_flywheel.training.sft", sft | {"train_file": drawn, "output_dir": str(place / "random-sft")}, env)
    runs = {
        "no verification": {"pairs": unverified},
        "no Good Cases": {"model": sft["model"]},
        "random labels": {"model": str(place / "random-sft" / "model"), "pairs": coin, "sft_weight": 0.0},
    }
    made = {}
    for name, changed in runs.items():
        output = place / name.replace(" ", "-")
        _command("wow_flywheel.training.dpo", dpo | changed | {"output_dir": str(output)}, env)
        made[name] = output / "model"
    replies = labelled_replies(lake, folder.name)
    labels = Counter("good" if reply["label"] else "bad" for reply in replies)
    kto = kto_config(Settings.from_env(env), folder, labels)
    changed = {"replies": _lines(place / LABELLED, replies), "output_dir": str(place / "kto")}
    _command("wow_flywheel.training.kto", kto | changed, env)
    return made | {KTO: place / "kto" / "model"}


def first_candidates(lake: Lake) -> list[dict[str, Any]]:
    """Pairs of training customers whose chosen side is the first rewrite tried at a turn, accepted or not, of the first day."""
    tried = lake.read("rewrite_candidates").filter(pl.col("stage").is_in(list(UNTRIED)).not_())
    first = tried.filter(pl.col("dt") == tried["dt"].min()).unique(
        ["conversation_id", "turn"], keep="first", maintain_order=True
    )
    said = lake.read("conversations").select("dt", "conversation_id", "user_id", "messages")
    rows = first.join(said, on=["dt", "conversation_id"], maintain_order="left")
    return [
        {
            "prompt": to_chat(row["messages"][: row["turn"]]),
            "chosen": [{"role": "assistant", "content": row["candidate"]}],
            "rejected": [{"role": "assistant", "content": assistant_actions(row["messages"][row["turn"]])[0].to_json()}],
        }
        for row in rows.iter_rows(named=True)
        if split_of(row["user_id"]) == "train"
    ]


def random_dialogues(lake: Lake, count: int, rng: random.Random) -> list[dict[str, Any]]:
    """As many dialogues of training customers, of the first day, drawn without looking at their labels."""
    rows = lake.read("conversations").sort("dt", "conversation_id")
    first = rows.filter(pl.col("dt") == rows["dt"].min()).iter_rows(named=True)
    chats = [to_chat(row["messages"]) for row in first if split_of(row["user_id"]) == "train"]
    ends = [[i for i, message in enumerate(chat) if message["role"] == "assistant"] for chat in chats]
    whole = [chat[: places[-1] + 1] for chat, places in zip(chats, ends, strict=True) if places]
    return [{"messages": chat} for chat in rng.sample(whole, min(count, len(whole)))]


def labelled_replies(lake: Lake, cycle: str) -> list[dict[str, Any]]:
    """Labelled replies of training customers, of the cycle that learned from the first day, as KTO reads them."""
    first = pl.col("dt") == lake.read("cases")["dt"].min()
    trained = lake.read("sft_dataset").filter(pl.col("cycle") == cycle, pl.col("split") == "train")
    cases, talks, found = (lake.read(name).filter(first) for name in ("cases", "conversations", "inspections"))
    bad = bad_replies(cases, talks, found).filter(pl.col("user_id").map_elements(split_of, pl.String) == "train")
    return [labelled_record(row) for row in pl.concat([good_replies(trained), bad]).iter_rows(named=True)]


def report(outcomes: Mapping[int, pl.DataFrame]) -> str:
    """The tables as Markdown, from the outcomes by seed."""
    models = ("before", *VARIANTS)
    values = {m: {s: [_mean(frame, m, s) for frame in outcomes.values()] for s in SHOWN} for m in models}
    head = " | ".join(f"{METRICS.get(name).name} {METRICS.get(name).arrow}" for name in SHOWN)
    return "\n".join(
        [
            "## One turn, with and without Bad Cases, beside the report's Tables 3 and 4",
            "",
            f"In percent; ours is the mean of {len(outcomes)} seeds. The report's USM formulas are not public.",
            "",
            "| | USM 1 ↓ report | ours | USM 2 ↑ report | ours | RR ↓ report | ours |",
            "|---|---:|---:|---:|---:|---:|---:|",
            *(_beside(name, values[name]) for name in ("before", GOOD_ONLY, GOOD_AND_BAD)),
            "",
            "## What each part is worth",
            "",
            "One turn again, with one thing left out: the change against the model in use, in points, mean over the seeds, in",
            "brackets each seed's, with * where its own paired 95 % interval leaves out zero.",
            "",
            f"| variant | {head} |",
            "|---" * (len(SHOWN) + 1) + "|",
            *(_line(name, outcomes, "before", name) for name in VARIANTS),
            "",
            "## What tuning adds to SFT",
            "",
            "The same models against the turn's SFT model: DPO needs a verified rewrite of each Bad Case, KTO its label alone.",
            "",
            f"| tuned by | {head} |",
            "|---" * (len(SHOWN) + 1) + "|",
            *(_line(trainer, outcomes, GOOD_ONLY, model) for trainer, model in TUNED.items()),
            "",
        ]
    )


def _beside(name: str, values: Mapping[str, Sequence[float]]) -> str:
    cells = [(REPORTED[name].get(metric), mean(values[metric])) for metric in ("usm1", "usm2", "rr")]
    return f"| {name} | " + " | ".join(f"{'–' if told is None else f'{told:.2f}'} | {ours:.1f}" for told, ours in cells) + " |"


def _line(name: str, outcomes: Mapping[int, pl.DataFrame], base: str, model: str) -> str:
    cells = (_cell([_change(frame, base, model, metric) for frame in outcomes.values()]) for metric in SHOWN)
    return f"| {name} | " + " | ".join(cells) + " |"


def _cell(changes: Sequence[Mapping[str, Any]]) -> str:
    seeds = ", ".join(f"{100 * c['difference']:+.1f}{'*' if c['low'] > 0 or c['high'] < 0 else ''}" for c in changes)
    return f"{100 * mean(c['difference'] for c in changes):+.1f} ({seeds})"


def _mean(outcomes: pl.DataFrame, model: str, metric: str) -> float:
    return 100 * float(outcomes.filter(pl.col("model") == model).select(pl.col(metric).mean()).item())


def _change(outcomes: pl.DataFrame, base: str, model: str, metric: str) -> dict[str, Any]:
    rows = compare(outcomes, base, model, "ablations", "simulated")
    return rows.row(by_predicate=pl.col("metric") == metric, named=True)


def _tossed(pair: Mapping[str, Any], rng: random.Random) -> dict[str, Any]:
    sides = ("chosen", "rejected") if rng.random() < 0.5 else ("rejected", "chosen")
    return {**pair, "chosen": pair[sides[0]], "rejected": pair[sides[1]]}


def _lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return str(path)


def _command(module: str, config: Mapping[str, Any], env: Mapping[str, str]) -> None:
    output = Path(config.get("output_dir") or Path(config["output"]).parent)
    path = output.parent / f"{output.name}.{module.rpartition('.')[2]}.json"
    path.write_text(json.dumps(config))
    quiet = {"TQDM_DISABLE": "1", "TRANSFORMERS_VERBOSITY": "error"}
    done = subprocess.run(
        [sys.executable, "-m", module, "--config", str(path)],
        env={**os.environ, **env, **quiet},
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"{module} failed on {path}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
