"""The evaluation's command line: its config, its models, and the file that it writes."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from wow_flywheel.errors import DatasetError, ReleaseError, SettingsError
from wow_flywheel.evaluation import run
from wow_flywheel.evaluation.offline import replay
from wow_flywheel.evaluation.run import EvaluationConfig, evaluate, load_environment, main, read_config
from wow_flywheel.model_files import model_digest
from wow_flywheel.serving import engine
from wow_flywheel_tests.unit.evaluation.stand_in import StandIn, act, gold, reply, result, user

HERE = "wow_flywheel_tests.unit.evaluation.test_run"
DAY = dt.date(2026, 3, 2)
ASK, ACT, DONE = reply("Which order is it?"), act("refund", order=7), reply("You get 23 dollars.")
TALK = [user("Refund."), gold(ASK), user("7"), gold(ACT), result("{}"), gold(DONE)]
SCRIPTS = {"models/good": {1: ASK, 3: ACT, 5: DONE}, "models/bad": {1: "hm", 3: ASK, 5: ASK}}


class Corner:
    """An environment in which every model does the same."""

    def __init__(self, day: dt.date) -> None:
        self.day = day

    def evaluate(self, model_engine: Any, *, model: str, count: int, seed: int) -> pl.DataFrame:
        rows = [
            {"model": model, "episode": f"{self.day}-{seed}-{i}", "user_id": f"u{i}", "scenario": "refund", "rr": 0.0}
            for i in range(count)
        ]
        return pl.DataFrame(rows)


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Path and seed of each model that is loaded; scripts stand in for models."""
    calls: list[tuple[str, int]] = []

    def load(path: str, *, seed: int) -> StandIn:
        calls.append((path, seed))
        return StandIn(SCRIPTS[path])

    monkeypatch.setattr(engine, "ReplyEngine", load)
    monkeypatch.setattr(run, "prepare_process", lambda env: None)
    monkeypatch.delenv("DAGSTER_PIPES_CONTEXT", raising=False)
    return calls


def fields(root: Path, **changes: Any) -> dict[str, Any]:
    """A valid config; a change to `...` leaves the field out."""
    models = [{"name": "base", "path": "models/good"}, {"name": "dpo", "path": "models/bad"}]
    base = {"models": models, "output": str(root / "out" / "outcomes.parquet"), "day": "2026-03-02"} | changes
    return {name: value for name, value in base.items() if value is not ...}


def config(root: Path, **changes: Any) -> EvaluationConfig:
    return EvaluationConfig.model_validate(fields(root, **changes))


def written(root: Path, **changes: Any) -> Path:
    path = root / "evaluation.json"
    path.write_text(json.dumps(fields(root, **changes)))
    return path


def held_out(root: Path, count: int = 2) -> str:
    rows = [{"messages": TALK, "conversation_id": f"c{i}", "user_id": f"u{i}", "scenario": "refund"} for i in range(count)]
    path = root / "sft.held_out.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def test_a_config_is_read_with_its_defaults(tmp_path: Path) -> None:
    found = read_config(written(tmp_path))
    assert [(model.name, model.path) for model in found.models] == [("base", "models/good"), ("dpo", "models/bad")]
    assert (found.day, found.output) == (DAY, tmp_path / "out" / "outcomes.parquet")
    assert (found.environment, found.held_out, found.episodes, found.seed, found.max_dialogues) == (None, None, 200, 0, 200)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"models": []}, "['models']"),
        ({"models": ...}, "['models']"),
        ({"models": [{"name": "base", "path": ""}]}, "['models.0.path']"),
        ({"models": [{"name": "", "path": "x"}, {"name": "y"}]}, "['models.0.name', 'models.1.path']"),
        ({"models": [{"name": "base", "path": "x", "size": 3}]}, "['models.0.size']"),
        ({"day": "someday"}, "['day']"),
        ({"day": ..., "output": ...}, "['day', 'output']"),
        ({"episodes": 0}, "['episodes']"),
        ({"episodes": "many"}, "['episodes']"),
        ({"max_dialogues": -1}, "['max_dialogues']"),
        ({"seed": 0.5}, "['seed']"),
        ({"episode": 5}, "['episode']"),
    ],
)
def test_a_wrong_field_is_named(tmp_path: Path, changes: dict[str, Any], named: str) -> None:
    path = written(tmp_path, **changes)
    with pytest.raises(SettingsError) as refused:
        read_config(path)
    assert refused.value.message == f"{path}: wrong fields {named}"
    assert refused.value.hint == "see EvaluationConfig for what they mean"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff"])
def test_a_file_that_is_no_config_is_said(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "evaluation.json"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=r"wrong fields \['the file'\]"):
        read_config(path)


def test_a_config_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.json cannot be read \(No such file or directory\) → check the path"):
        read_config(tmp_path / "none.json")


def test_each_model_meets_the_held_out_dialogues_in_the_configs_order(tmp_path: Path, loaded: list[tuple[str, int]]) -> None:
    said: list[str] = []
    outcomes = evaluate(config(tmp_path, held_out=held_out(tmp_path), seed=3), said.append)["outcomes"]
    assert loaded == [("models/good", 3), ("models/bad", 3)]
    assert outcomes.select("model", "episode", "rr", "action_accuracy", "format_validity", "reply_loss").rows() == [
        ("base", "c0", 0.0, 1.0, 1.0, 0.5),
        ("base", "c1", 0.0, 1.0, 1.0, 0.5),
        ("dpo", "c0", 1.0, 0.0, pytest.approx(2 / 3), 0.5),
        ("dpo", "c1", 1.0, 0.0, pytest.approx(2 / 3), 0.5),
    ]
    assert said == [
        "evaluation: base from models/good",
        "evaluation: base done, 2 episodes",
        "evaluation: dpo from models/bad",
        "evaluation: dpo done, 2 episodes",
    ]


def test_at_most_so_many_dialogues_are_used(tmp_path: Path, loaded: list[tuple[str, int]]) -> None:
    outcomes = evaluate(config(tmp_path, held_out=held_out(tmp_path, 5), max_dialogues=3), print)["outcomes"]
    drawn = outcomes["episode"].to_list()
    assert (len(drawn), drawn[:3]) == (6, drawn[3:]), "the same ones for both models"


def test_with_an_environment_every_model_gets_the_same_episodes_of_the_day(
    tmp_path: Path, loaded: list[tuple[str, int]]
) -> None:
    chosen = config(tmp_path, environment=f"{HERE}:Corner", held_out=held_out(tmp_path), episodes=2, seed=5)
    frames = evaluate(chosen, print)
    assert set(frames) == {"outcomes", "offline", "replies", "models"}
    assert frames["offline"].select("model", "episode").rows() == [("base", "c0"), ("base", "c1"), ("dpo", "c0"), ("dpo", "c1")]
    assert frames["outcomes"].select("model", "episode").rows() == [
        ("base", "2026-03-02-5-0"),
        ("base", "2026-03-02-5-1"),
        ("dpo", "2026-03-02-5-0"),
        ("dpo", "2026-03-02-5-1"),
    ]


def test_without_an_environment_or_dialogues_there_is_nothing_to_evaluate_on(
    tmp_path: Path, loaded: list[tuple[str, int]]
) -> None:
    with pytest.raises(
        SettingsError, match=r"neither an environment nor held-out dialogues.* → set WOW_ENVIRONMENT, or name held_out"
    ):
        evaluate(config(tmp_path), print)


def test_held_out_dialogues_that_are_not_there_are_said(tmp_path: Path, loaded: list[tuple[str, int]]) -> None:
    with pytest.raises(DatasetError, match="no held-out dialogues"):
        evaluate(config(tmp_path, held_out=str(tmp_path / "none.jsonl")), print)


def test_an_environment_is_made_for_the_day() -> None:
    assert load_environment(f"{HERE}:Corner", DAY).day == DAY


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("wow_flywheel.nowhere:Shop", "ModuleNotFoundError: No module named 'wow_flywheel.nowhere'"),
        (f"{HERE}:Shop", f"AttributeError: module '{HERE}' has no attribute 'Shop'"),
        (HERE, f"AttributeError: module '{HERE}' has no attribute ''"),
        ("no_such_package_at_all:Shop", "ModuleNotFoundError: No module named 'no_such_package_at_all'"),
        (":Shop", "ValueError: Empty module name"),
        (".here:Shop", "TypeError: the 'package' argument is required to perform a relative import for '.here'"),
        (f"{HERE}:DAY", "TypeError: 'datetime.date' object is not callable"),
    ],
)
def test_an_environment_that_cannot_be_made_is_named(name: str, why: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_environment(name, DAY)
    assert refused.value.message == f"WOW_ENVIRONMENT={name!r} cannot be made ({why})"
    assert refused.value.hint == "name it as module:class, importable from here, whose one argument is the day"


def test_main_writes_the_outcomes_and_nothing_else(
    tmp_path: Path, loaded: list[tuple[str, int]], capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, held_out=held_out(tmp_path), models=[{"name": "base", "path": "models/good"}])
    main(["--config", str(path)])
    again = evaluate(read_config(path), print)
    assert pl.read_parquet(tmp_path / "out" / "outcomes.parquet").drop("latency").equals(again["outcomes"].drop("latency"))
    assert pl.read_parquet(tmp_path / "out" / "replies.parquet").equals(again["replies"])
    assert sorted(each.name for each in (tmp_path / "out").iterdir()) == [
        "models.parquet", "outcomes.parquet", "replies.parquet",
    ]  # fmt: skip
    assert capsys.readouterr().out.startswith("evaluation: base from models/good\nevaluation: base done, 2 episodes\n")


def test_main_replaces_the_outcomes_of_an_earlier_run_only_when_it_succeeds(
    tmp_path: Path, loaded: list[tuple[str, int]]
) -> None:
    main(["--config", str(written(tmp_path, environment=f"{HERE}:Corner", episodes=2))])
    with pytest.raises(SettingsError):
        main(["--config", str(written(tmp_path, environment=f"{HERE}:Shop"))])
    output = tmp_path / "out" / "outcomes.parquet"
    assert pl.read_parquet(output).height == 4
    main(["--config", str(written(tmp_path, environment=f"{HERE}:Corner", episodes=3))])
    assert pl.read_parquet(output).height == 6


def test_turns_of_bad_cases_that_can_be_judged_are_asked_for_and_kept_with_who_they_are(
    tmp_path: Path, loaded: list[tuple[str, int]]
) -> None:
    sites = pl.DataFrame(
        {"site": ["c9#1", "c8#1"], "user_id": ["u9", "u8"], "scenario": ["refund"] * 2, "turn": [1, 1],
         "prompt": [[user("Refund.")]] * 2, "owed": ["state 58", None]}
    )  # fmt: skip
    sites.write_parquet(tmp_path / "sites.parquet")
    frames = evaluate(config(tmp_path, held_out=held_out(tmp_path, 1), sites=str(tmp_path / "sites.parquet")), print)
    rows = frames["replies"].filter(source="site").select("model", "episode", "user_id", "turn", "raw").rows()
    assert rows == [("base", "c9#1", "u9", 1, ASK), ("dpo", "c9#1", "u9", 1, "hm")]
    assert frames["replies"].filter(source="dialogue").select("model", "turn").rows() == [
        ("base", 1), ("base", 3), ("base", 5), ("dpo", 1), ("dpo", 3), ("dpo", 5),
    ]  # fmt: skip


def test_general_texts_are_scored_against_the_first_base(tmp_path: Path, loaded: list[tuple[str, int]]) -> None:
    texts = tmp_path / "general.jsonl"
    texts.write_text('{"text": "a b c"}\n\n{"text": "d e"}\n')
    chosen = config(
        tmp_path,
        held_out=held_out(tmp_path, 1),
        general_set=str(texts),
        general_base={"name": "first", "path": "models/good"},
        models=[{"name": "dpo", "path": "models/bad"}],
    )
    found = evaluate(chosen, print)["general"]
    assert found.select("model", "general_loss", "general_loss_change").rows() == [
        ("dpo", 3.0, 0.0), ("dpo", 2.0, 0.0), ("first", 3.0, 0.0), ("first", 2.0, 0.0),
    ]  # fmt: skip
    assert [path for path, _ in loaded] == ["models/bad", "models/good"]


def test_main_wants_a_config(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([])
    assert stopped.value.code == 2
    assert "--config" in capsys.readouterr().err


def test_what_was_evaluated_is_known_by_its_files_and_must_not_change_meanwhile(
    tmp_path: Path, loaded: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = config(tmp_path, held_out=held_out(tmp_path, 1), models=[{"name": "base", "path": "models/good"}])
    assert evaluate(chosen, print)["models"].rows() == [("base", None)], "no folder here: a name in a hub"
    monkeypatch.chdir(tmp_path)
    model = tmp_path / "models" / "good"
    model.mkdir(parents=True)
    (model / "weights").write_bytes(b"1")
    assert evaluate(chosen, print)["models"].rows() == [("base", model_digest(model))]

    def trained_meanwhile(line: str) -> None:
        if "done" not in line:
            monkeypatch.setattr("wow_flywheel.evaluation.run.replay", _replay_and_train)

    def _replay_and_train(*given: Any) -> Any:
        (model / "weights").write_bytes(b"2")
        return replay(*given)

    with pytest.raises(ReleaseError, match="changed while it was evaluated"):
        evaluate(chosen, trained_meanwhile)
