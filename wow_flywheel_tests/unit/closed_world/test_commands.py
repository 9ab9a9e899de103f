"""`found` and `produce`, with a stand-in where a model would be made or loaded."""

import datetime as dt
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from wow_flywheel.closed_world import commands, language
from wow_flywheel.closed_world import model as small_model
from wow_flywheel.closed_world.environment import ClosedWorld
from wow_flywheel.conversations.ingest import read_day
from wow_flywheel.conversations.sources import LogSource
from wow_flywheel.dialogue import DialogueAction
from wow_flywheel.knowledge.load import load_knowledge, load_procedures
from wow_flywheel.serving import engine
from wow_flywheel_tests.unit.serving.scripted import ScriptedEngine

DAY = "2026-03-02"


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the untrained model would have been made from."""
    calls: list[dict[str, Any]] = []

    def note(folder: Path, texts: Iterable[str], *, seed: int) -> None:
        calls.append({"folder": folder, "texts": list(texts), "seed": seed})

    monkeypatch.setattr(small_model, "make", note)
    monkeypatch.setattr(commands, "prepare_process", lambda env: None)
    return calls


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, int]]:
    """Which models would have been loaded."""
    calls: list[tuple[Path, int]] = []

    def load(folder: Path, *, seed: int) -> ScriptedEngine:
        calls.append((folder, seed))
        return ScriptedEngine(lambda chat: DialogueAction(reply=f"Which number, {len(chat)}?"))

    monkeypatch.setattr(engine, "ReplyEngine", load)
    monkeypatch.setattr(commands, "prepare_process", lambda env: None)
    return calls


def found(root: Path, *more: str) -> None:
    folders = ["--knowledge", f"{root}/knowledge", "--policies", f"{root}/policies", "--folder", f"{root}/found"]
    commands.main(["found", *folders, "--day", DAY, "--dialogues", "60", *more])


def produce(root: Path, *more: str) -> None:
    folders = ["--knowledge", f"{root}/knowledge", "--policies", f"{root}/policies", "--logs", f"{root}/logs"]
    arguments = ["--model", f"{root}/model", "--model-name", "agent-1", "--day", DAY, "--conversations", "30"]
    commands.main(["produce", *folders, *arguments, *more])


def dialogues(root: Path) -> list[list[dict[str, str]]]:
    return [json.loads(line)["messages"] for line in (root / "found" / "dialogues.jsonl").read_text().splitlines()]


def test_the_days_rules_become_knowledge_units(tmp_path: Path) -> None:
    commands.write_rules(tmp_path / "knowledge", tmp_path / "policies", dt.date(2026, 3, 2))
    assert load_knowledge(str(tmp_path / "knowledge")).rows() == [
        ("refund-time", "Refunds", "A refund arrives in 5 days."),
        ("cancel-fee", "Cancelled bookings", "A cancelled booking costs 5 dollars."),
        ("late-voucher", "Late deliveries", "A late delivery earns a voucher of 10 dollars."),
    ]
    commands.write_rules(tmp_path / "knowledge", tmp_path / "policies", dt.date(2026, 3, 8))
    assert load_knowledge(str(tmp_path / "knowledge"))["content"][0] == "A refund arrives in 3 days."


def test_every_need_gets_its_procedure(tmp_path: Path) -> None:
    commands.write_rules(tmp_path / "knowledge", tmp_path / "policies", dt.date(2026, 3, 2))
    steps = load_procedures(str(tmp_path / "policies"))
    assert steps["scenario"].unique(maintain_order=True).to_list() == ["refund", "delivery", "cancel", "reship"]
    assert steps.filter(scenario="refund").select("reply_id", "text", "next_reply_id").rows() == [
        ("ask_number", "Could you tell me the order number?", "refund_order"),
        ("close", "I have refunded order {order}. You get {amount} dollars.", "goodbye"),
        ("answer_days", "The money arrives in {days} days.", None),
        ("answer_method", "It goes to your {method}.", None),
        ("goodbye", "You are welcome. Have a nice day.", None),
        ("refund_order", None, "close"),
    ]


def test_found_writes_dialogues_to_learn_from_and_an_untrained_model(tmp_path: Path, made: list[dict[str, Any]]) -> None:
    found(tmp_path, "--seed", "4")
    chats = dialogues(tmp_path)
    assert len(chats) == 60
    for chat in chats:
        assert chat[0]["role"] == "user"
        assert all(DialogueAction.from_json(m["content"]) is not None for m in chat if m["role"] == "assistant")
    assert [(call["folder"], call["seed"]) for call in made] == [(tmp_path / "found" / "untrained", 4)]
    assert made[0]["texts"] == [message["content"] for chat in chats for message in chat]
    assert load_knowledge(str(tmp_path / "knowledge")).height == 3


def test_the_same_seed_founds_the_same_world_and_another_seed_another(tmp_path: Path, made: list[dict[str, Any]]) -> None:
    for name, seed in (("one", "0"), ("same", "0"), ("other", "1")):
        found(tmp_path / name, "--seed", seed)
    one, same, other = ((tmp_path / name / "found" / "dialogues.jsonl").read_bytes() for name in ("one", "same", "other"))
    assert one == same
    assert one != other


@pytest.mark.parametrize("seed", [0, 4])
def test_nobody_who_is_held_out_is_in_the_first_dialogues(tmp_path: Path, made: list[dict[str, Any]], seed: int) -> None:
    """Customers are not named in the dialogues, so they are drawn here again: seeds below 0 are no production day's."""
    found(tmp_path, "--seed", str(seed))
    drawn = ClosedWorld(dt.date(2026, 3, 2)).episodes(60, seed=-1 - seed, split="train")
    assert [chat[0]["content"] for chat in dialogues(tmp_path)] == [episode.customer.open() for episode in drawn]


def test_the_first_dialogues_are_those_of_people_with_faults(tmp_path: Path, made: list[dict[str, Any]]) -> None:
    found(tmp_path)
    replies = [[m["content"] for m in chat if m["role"] == "assistant"] for chat in dialogues(tmp_path)]
    repeated = sum(len(set(said)) < len(said) for said in replies)
    assert 20 < repeated < 55
    users = {m["content"] for chat in dialogues(tmp_path) for m in chat if m["role"] == "user"}
    assert users & {*language.ASK_HUMAN, *language.COMPLAINTS}


def test_produce_writes_a_day_that_reads_back_whole(tmp_path: Path, loaded: list[tuple[Path, int]]) -> None:
    produce(tmp_path, "--seed", "2")
    assert loaded == [(tmp_path / "model", 2)]
    day = read_day(LogSource.at(str(tmp_path / "logs")), dt.date(2026, 3, 2))
    assert (day.counts["files"], day.counts["lines"], day.counts["conversations"], day.counts["quarantined"]) == (1, 30, 30, 0)
    assert day.conversations["model"].unique().to_list() == ["agent-1"]
    assert set(day.conversations["scenario"]) <= {"refund", "delivery", "cancel", "reship"}
    assert load_knowledge(str(tmp_path / "knowledge")).height == 3


def test_producing_a_day_again_writes_the_same_bytes(tmp_path: Path, loaded: list[tuple[Path, int]]) -> None:
    file = tmp_path / "logs" / f"dt={DAY}" / "conversations.jsonl.gz"
    produce(tmp_path)
    first = file.read_bytes()
    assert first[4:8] == bytes(4), "gzip's header holds no time"
    produce(tmp_path)
    assert file.read_bytes() == first
    produce(tmp_path, "--seed", "1")
    assert file.read_bytes() != first
    assert [path.name for path in file.parent.iterdir()] == ["conversations.jsonl.gz"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "required"),
        (["found"], "--folder, --knowledge, --policies, --day"),
        (["produce", "--day", "someday"], "argument --day"),
        (["found", "--dialogues", "many"], "argument --dialogues"),
    ],
)
def test_wrong_usage_is_said(arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        commands.make_parser().parse_args(arguments)
    assert stopped.value.code == 2
    assert complaint in capsys.readouterr().err
