"""What the closed world does as command lines: `found` it, and `produce` a day of logs with a model.

What belongs here: files and arguments. What does not: the world itself.
"""

import argparse
import datetime as dt
import gzip
import json
import os
import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from wow_flywheel.closed_world import language
from wow_flywheel.closed_world.agents import FaultRates, ScriptedAgent
from wow_flywheel.closed_world.environment import ClosedWorld, ModelAgent
from wow_flywheel.closed_world.episode import play
from wow_flywheel.closed_world.world import NEEDS, TOOL_OF_NEED, Rules
from wow_flywheel.dialogue import to_chat
from wow_flywheel.storage import write_atomic
from wow_flywheel.training.launch import prepare_process

FIRST_DIALOGUES = 800


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the command line and run it."""
    args = make_parser().parse_args(argv)
    prepare_process(os.environ)
    args.run(args)


def make_parser() -> argparse.ArgumentParser:
    """The arguments of both commands."""
    parser = argparse.ArgumentParser(prog="python -m wow_flywheel.closed_world", description=__doc__)
    commands = parser.add_subparsers(required=True)
    found = commands.add_parser("found", help="write knowledge, procedures, first dialogues and an untrained model")
    found.add_argument("--folder", type=Path, required=True, help="where the untrained model and first dialogues go")
    found.add_argument("--dialogues", type=int, default=FIRST_DIALOGUES, help="human-style dialogues to write")
    found.set_defaults(run=_found)
    produce = commands.add_parser("produce", help="write one production day's logs with a model")
    produce.add_argument("--model", type=Path, required=True, help="the model that serves the customers")
    produce.add_argument("--model-name", required=True, help="its name in the logs")
    produce.add_argument("--logs", type=Path, required=True, help="folder of dt=YYYY-MM-DD/ folders")
    produce.add_argument("--conversations", type=int, default=400, help="conversations of the day")
    produce.set_defaults(run=_produce)
    for command in (found, produce):
        command.add_argument("--knowledge", type=Path, required=True, help="folder of knowledge units")
        command.add_argument("--policies", type=Path, required=True, help="folder of procedures")
        command.add_argument("--day", type=dt.date.fromisoformat, required=True, help="whose business rules hold")
        command.add_argument("--seed", type=int, default=0, help="of everything drawn")
    return parser


def _found(args: argparse.Namespace) -> None:
    from wow_flywheel.closed_world.model import make

    write_rules(args.knowledge, args.policies, args.day)
    world = ClosedWorld(args.day)
    episodes = world.episodes(args.dialogues, seed=-1 - args.seed, split="train")
    for _ in play(ScriptedAgent(FaultRates(), random.Random(args.seed)), episodes):
        pass
    chats = [to_chat(episode.messages) for episode in episodes]
    _write_lines(args.folder / "dialogues.jsonl", ({"messages": chat} for chat in chats))
    texts = [message["content"] for chat in chats for message in chat]
    make(args.folder / "untrained", texts, seed=args.seed)
    print(f"closed world: {len(chats)} human-style dialogues and an untrained model in {args.folder}")


def _produce(args: argparse.Namespace) -> None:
    from wow_flywheel.serving.engine import ReplyEngine

    write_rules(args.knowledge, args.policies, args.day)
    world = ClosedWorld(args.day)
    agent = ModelAgent(ReplyEngine(args.model, seed=args.seed))
    episodes = world.episodes(args.conversations, seed=args.seed)
    file = args.logs / f"dt={args.day}" / "conversations.jsonl.gz"
    _write_lines(file, world.logs(agent, episodes, args.model_name))
    print(f"closed world: {len(episodes)} conversations of {args.day} with {args.model_name} in {file}")


def write_rules(knowledge: Path, policies: Path, day: dt.date) -> None:
    """Write the day's business rules as knowledge units and the procedures of every need."""
    rules = Rules.of(day)
    units = [
        ("refund-time", "Refunds", f"A refund arrives in {rules.refund_days} days."),
        ("cancel-fee", "Cancelled bookings", f"A cancelled booking costs {rules.cancel_fee} dollars."),
        ("late-voucher", "Late deliveries", f"A late delivery earns a voucher of {rules.voucher} dollars."),
    ]
    _write_lines(knowledge / "units.jsonl", ({"id": i, "title": t, "content": c} for i, t, c in units))
    _write_lines(policies / "procedures.jsonl", (_procedure(need) for need in NEEDS))


def _procedure(need: Any) -> dict[str, Any]:
    answers = {f"answer_{fact}": language.ANSWERS[fact][0] for fact in language.NEED_QUESTIONS[need]}
    return {
        "policy_id": f"closed_world/{need}",
        "scenario": need,
        "replies": {
            "ask_number": language.ASK_NUMBER[0],
            "close": language.CLOSINGS[need],
            **answers,
            "goodbye": language.GOODBYES[0],
        },
        "flow": {"ask_number": TOOL_OF_NEED[need], TOOL_OF_NEED[need]: "close", "close": "goodbye"},
    }


def _write_lines(path: Path, records: Iterable[dict[str, Any]]) -> None:
    text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, gzip.compress(text.encode(), mtime=0) if path.suffix == ".gz" else text.encode())
