"""A person is forgotten on a lake that the real stages made: everywhere, for good, and also after kills."""

import dataclasses
import datetime as dt
import io
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
from typer.testing import CliRunner

from wow_flywheel.cli import app
from wow_flywheel.contracts import TABLES
from wow_flywheel.definitions import defs
from wow_flywheel.defs.partitions import open_cycle
from wow_flywheel.forget import erase
from wow_flywheel.forget.person import NOBODYS, Person, forms
from wow_flywheel.forget.tombstones import forgotten_users
from wow_flywheel.lake import Lake
from wow_flywheel.llm.ledger import Entry, Ledger
from wow_flywheel.settings import Settings
from wow_flywheel_tests.defs.conftest import DATASETS, DAY, conversation, write_logs

CYCLE = "2026-01-05"
NAMES = ("logs", "lake", "models", "knowledge", "policies")
EARLIER = "2026-01-04"
GUEST = "ann.lee@example.org"
"""Stored as a pseudonym; a customer of the training side."""
WORDS = "zebra-striped umbrella"
SAME = "Please wait while I look into your delivery for you."
NOW = dt.datetime(2026, 1, 7, 12, tzinfo=dt.UTC)
DIALOGUE_TABLES = set(TABLES) - {*NOBODYS, "rewrite_candidates", "preference_pairs", "preference_dataset", "labelled_dataset"}


def records() -> Iterator[dict[str, object]]:
    """The guest has a good talk, a bad one and one that the next customer repeats word by word."""
    yield conversation(1, f"Where is my {WORDS}?", "I am sorry, it arrives at noon.", "Thank you!", user=GUEST, thumb="up")
    yield conversation(2, f"My {WORDS} again?", SAME, "And now, where is it?", SAME, "Bad.", user=GUEST, thumb="down")
    for number in range(3, 9):
        talk = (f"Hello, my tea number {number} is late.", "I am sorry, it arrives at noon.", "Thank you, great!")
        yield conversation(number, *talk, thumb="up")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place after two days and a cycle's datasets, with pairs, answers of an endpoint and an outcome about the guest."""
    root = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patched, dg.DagsterInstance.ephemeral() as instance:
        for name in NAMES:
            patched.setenv(f"WOW_{name.upper()}_URI", str(root / name))
        patched.setenv("WOW_MODEL", "org/model")
        run_stages(root, instance)
    return root


@pytest.fixture
def place(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that place, which every setting points into."""
    shutil.copytree(made, tmp_path / "place")
    for name in NAMES:
        monkeypatch.setenv(f"WOW_{name.upper()}_URI", str(tmp_path / "place" / name))
    return tmp_path / "place"


@pytest.fixture
def full(place: Path) -> Lake:
    """Its lake."""
    return Lake.at(str(place / "lake"))


def run_stages(place: Path, instance: dg.DagsterInstance) -> None:
    lake = Lake.at(str(place / "lake"))
    copied = conversation(20, "Is the green lamp in stock?", "Yes, it is.", "Lovely, I take it.", user=GUEST, day=EARLIER)
    write_logs(place, [copied], EARLIER)
    again = [{**copied, "conversation_id": f"c-{n}", "user_id": f"u-{n}"} for n in (21, 22)]
    broken = '{"conversation_id": "c-30", "user_id": "' + GUEST + '", "messages": [{"role": "user", "content": "' + WORDS
    write_logs(place, [*records(), *again, broken])
    lake.append("decisions", all_good([1, *range(3, 9)]))
    nightly = defs.resolve_job_def("nightly")
    for day in (EARLIER, DAY):
        assert nightly.execute_in_process(instance=instance, partition_key=day).success
    add_pairs(lake)
    add_panel_calls(lake)
    add_policy_matches(lake)
    add_what_people_said(lake)
    open_cycle(instance, CYCLE)
    keys = [dg.AssetKey(name) for name in DATASETS]
    job = defs.resolve_job_def("training_cycle")
    assert job.execute_in_process(instance=instance, partition_key=CYCLE, asset_selection=keys).success
    folder = place / "models" / "cycles" / CYCLE
    (folder / "evaluation").mkdir()
    pl.DataFrame({"user_id": [stored(), "u-9"], "usm1": [0.0, 1.0]}).write_parquet(folder / "evaluation" / "outcomes.parquet")
    page = "".join(f'<article data-user="{user}">words</article>\n' for user in (stored(), "u-9"))
    (folder / "evaluation" / "results.html").write_text(page)
    ledger = Ledger.at(lake.uri)
    for key, about in (("aa11", "c-1"), ("bb22", "c-2#3"), ("cc33", "c-4")):
        ledger.put(key, Entry("judge", f"about {WORDS if about != 'c-4' else 'tea'}", "stop", 1, 1, 0.0, 0.1, "2026", about))


def all_good(numbers: list[int]) -> pl.DataFrame:
    rows = [
        {"dt": dt.date(2026, 1, 5), "conversation_id": f"c-{n}", "label": "good", "decided_by": "ana", "decided_at": NOW,
         "note": None}
        for n in numbers
    ]  # fmt: skip
    return pl.DataFrame(rows, schema_overrides={"note": pl.String})


def add_pairs(lake: Lake) -> None:
    """One pair of the guest's own, one of another customer with a reply first said to the guest, one without the guest."""
    message = dict.fromkeys(("created_at", "action", "tool_calls", "tool_call_id", "usage"))
    rows = [
        {
            "dt": dt.date(2026, 1, 5), "conversation_id": f"c-{number}", "pair_id": f"c-{number}#1", "user_id": user,
            "scenario": "delivery", "turn": 1, "issue_type": "poor_empathy",
            "prompt": [{**message, "role": "user", "content": words}], "source": "good_case", "verified_by": "rules+evidence",
            "chosen": '{"knowledge":[],"reply":"Sorry, ' + words + '.","action":null}',
            "rejected": '{"knowledge":[],"reply":"No.","action":null}', "source_conversation_id": source,
        }
        for number, user, words, source in ((2, stored(), WORDS, "c-9"), (3, "u-3", WORDS, "c-1"), (4, "u-4", "tea", "c-9"))
    ]  # fmt: skip
    pairs = TABLES["preference_pairs"].conform(pl.DataFrame(rows, schema=pl.Schema(TABLES["preference_pairs"].columns)))
    lake.replace("preference_pairs", pairs, dt.date(2026, 1, 5))


def add_panel_calls(lake: Lake) -> None:
    """Three questions to the panel about what the guest said, and one about another customer."""
    rows = [
        {
            "dt": dt.date(2026, 1, 5), "conversation_id": key, "step": step, "window": 0, "outcome": "answered",
            "prompt": words, "reply": words, "llm_model": "judge",
        }
        for key, step, words in (
            ("c-1", "demand", WORDS), ("c-1", "policy", WORDS), ("c-2", "demand", WORDS), ("c-3", "demand", "tea"),
        )
    ]  # fmt: skip
    calls = TABLES["panel_calls"].conform(pl.DataFrame(rows, schema_overrides={"window": pl.Int64}))
    lake.replace("panel_calls", calls, dt.date(2026, 1, 5))


def add_policy_matches(lake: Lake) -> None:
    """A policy that everyone's conversation was to follow; the night has ranked them itself."""
    rows = lake.read("conversations").select("dt", "conversation_id", "scenario")
    policy = {"recognised": "delivery", "policy_id": "late", "policy_version": "1", "rank": 1, "confidence": 1.0}
    lake.append("policy_matches", rows.with_columns(**{name: pl.lit(value) for name, value in policy.items()}))


def add_what_people_said(lake: Lake) -> None:
    """Reviewers quoted the guest and wrote what should have been said to them, and to another customer."""
    common = {"dt": dt.date(2026, 1, 5), "turn": 1, "decided_by": "ana", "decided_at": NOW, "issue_type": "poor_empathy"}
    for key, words in (("c-1", WORDS), ("c-4", "tea")):
        said = {**common, "conversation_id": key, "note": f"of the {words}"}
        found = pl.DataFrame([{**said, "quote": words, "decision": "rejected"}])
        lake.append("finding_decisions", TABLES["finding_decisions"].conform(found))
        lake.append("rewrite_edits", TABLES["rewrite_edits"].conform(pl.DataFrame([{**said, "chosen": f"Sorry, {words}."}])))


def stored() -> str:
    return forms(GUEST)[1]


def settings(place: Path) -> Settings:
    return Settings.from_env({f"WOW_{name.upper()}_URI": str(place / name) for name in ("logs", "lake", "models")})


def found_in(root: Path) -> set[str]:
    """The files below a folder that hold the guest's words or name, Parquet read as rows."""
    found = set()
    for path in root.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            if path.suffix == ".parquet":
                data += str(pl.read_parquet(io.BytesIO(data)).to_dicts()).encode()
            if any(each.encode() in data for each in (WORDS, GUEST, stored())):
                found.add(path.relative_to(root).parts[0])
    return found


def ids(lake: Lake, table: str) -> set[str]:
    return set(lake.read(table)["conversation_id"].drop_nulls())


def test_nothing_of_the_person_is_left_in_any_file(full: Lake, place: Path) -> None:
    before = {name: full.read(name).height for name in TABLES}
    assert {"conversations", "quarantine", "sft_dataset", "preference_dataset", "llm_ledger"} <= found_in(place / "lake")
    assert found_in(place / "models") == {"cycles"}
    done = erase.forget(full, settings(place), GUEST, NOW)
    assert found_in(place / "lake") == set()
    assert found_in(place / "models") == set()
    assert done.vacuumed > 0
    assert done.rows["conversations"] == 3
    assert done.rows["quarantine"] == 1
    assert done.ledger_entries == 2
    assert Ledger.at(full.uri).get("cc33") is not None
    for name in DIALOGUE_TABLES - {
        "vault",
        "feedback",
        "duplicates",
        "decisions",
        "finding_decisions",
        "rewrite_edits",
        "sft_dataset",
        "dataset_rows",
        "input_lines",
        "quarantine",
        "rule_findings",
        "inspections",
        "stale_cases",
    }:
        assert full.read(name).height == before[name] - 3, name
    assert ids(full, "conversations") == {*(f"c-{n}" for n in range(3, 9)), "c-21", "c-22"}
    assert ids(full, "preference_pairs") == ids(full, "preference_dataset") == {"c-4"}
    assert ids(full, "dataset_rows") == ids(full, "sft_dataset") | ids(full, "preference_dataset")
    assert ids(full, "finding_decisions") == ids(full, "rewrite_edits") == {"c-4"}
    assert ids(full, "decisions") == {f"c-{n}" for n in range(3, 9)}


def test_the_tables_of_others_are_as_they_were(full: Lake, place: Path) -> None:
    def others() -> dict[str, pl.DataFrame]:
        person = Person(forms(GUEST))
        names = ("conversations", "cases", "satisfaction", "sft_dataset")
        return {name: full.read(name).filter(~person.owns(TABLES[name])).sort("dt", "conversation_id") for name in names}

    before = others()
    erase.forget(full, settings(place), GUEST, NOW)
    assert {name: rows.equals(before[name]) for name, rows in others().items()} == dict.fromkeys(before, True)
    lines = (place / "models" / "cycles" / CYCLE / "sft.train.jsonl").read_text().splitlines()
    train = full.read("sft_dataset", CYCLE).filter(split="train")
    assert [json.loads(line)["conversation_id"] for line in lines] == train["conversation_id"].to_list()


def test_what_repeated_the_person_is_compared_again_without_them(full: Lake, place: Path) -> None:
    def repeats() -> list[tuple[str, str]]:
        return full.read("duplicates").sort("conversation_id").select("conversation_id", "of_conversation_id").rows()

    assert repeats() == [("c-21", "c-20"), ("c-22", "c-20")]
    erase.forget(full, settings(place), GUEST, NOW)
    assert repeats() == [("c-22", "c-21")]


def test_a_dry_run_says_the_same_and_touches_nothing(full: Lake, place: Path) -> None:
    versions = {name: full.version(name) for name in TABLES}
    planned = erase.plan(full, settings(place), GUEST)
    assert {name: full.version(name) for name in TABLES} == versions
    done = erase.forget(full, settings(place), GUEST, NOW)
    assert asdict(done) | {"dry_run": True, "vacuumed": 0} == asdict(planned)
    assert planned.sources == [f"dt={EARLIER}/a.jsonl", f"dt={DAY}/a.jsonl"]
    assert [(model.cycle, model.trained_on_them) for model in planned.models] == [(CYCLE, True)]
    assert planned.files == {
        str(place / "models" / "cycles" / CYCLE / name): count
        for name, count in (
            ("evaluation/outcomes.parquet", 1),
            ("evaluation/results.html", 1),
            ("preferences.train.jsonl", 2),
            ("sft.train.jsonl", 1),
        )
    }


def test_originals_in_a_vault_and_later_feedback_go_too(full: Lake, place: Path) -> None:
    vault = Lake.at(str(place / "vault"))
    key = {"dt": dt.date(2026, 1, 5), "placeholder": "<EMAIL_1>", "ciphertext": b"sealed"}
    entries = pl.DataFrame([key | {"conversation_id": "c-2"}, key | {"conversation_id": "c-3"}])
    vault.replace("vault", entries, key["dt"])
    said = {"dt": dt.date(2026, 1, 9), "thumb": "up", "source_file": "late.jsonl"}
    rated = [said | {"rated_conversation_id": name, "source_line": line} for line, name in enumerate(("c-2", "c-3"), 1)]
    full.replace("feedback", pl.DataFrame(rated), said["dt"])
    with_vault = dataclasses.replace(settings(place), vault_uri=vault.uri)
    done = erase.forget(full, with_vault, GUEST, NOW)
    assert (done.rows["vault"], done.rows["feedback"]) == (1, 1)
    assert "late.jsonl" in done.sources
    assert vault.read("vault")["conversation_id"].to_list() == ["c-3"]
    assert full.read("feedback")["rated_conversation_id"].to_list() == ["c-3"]


@pytest.mark.parametrize("name", [GUEST, stored()])
def test_the_person_is_known_by_either_name_and_does_not_come_back(full: Lake, place: Path, name: str) -> None:
    erase.forget(full, settings(place), name, NOW)
    known = forgotten_users(full)
    if name == GUEST:
        assert known.among(pl.Series([GUEST, stored(), "u-3", None])).to_list() == [True, True, False, False]
    assert stored() in known
    assert GUEST not in "".join(map(str, full.read("forgotten").rows()))
    assert "conversations" not in found_in(place / "lake")


class KilledError(Exception):
    """Stands for the process being killed."""


def killing(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the process die at its n-th write."""
    left = [steps]

    def dying(write: Callable[..., object]) -> Callable[..., object]:
        def one(*args: object, **kwargs: object) -> object:
            if left[0] == 0:
                raise KilledError
            left[0] -= 1
            return write(*args, **kwargs)

        return one

    for owner, name in ((Lake, "replace"), (Lake, "append"), (Lake, "vacuum"), (Ledger, "remove"), (erase, "rewrite")):
        monkeypatch.setattr(owner, name, dying(getattr(owner, name)))


@pytest.mark.slow
def test_killed_again_and_again_it_completes(full: Lake, place: Path) -> None:
    """Killed at its first write, then at its second, and so on: each run goes on from what the one before left."""
    kills = 0
    for steps in range(50):
        with pytest.MonkeyPatch.context() as patched:
            killing(steps, patched)
            try:
                erase.forget(full, settings(place), GUEST, NOW)
                break
            except KilledError:
                kills += 1
    assert kills > 8
    assert found_in(place / "lake") == found_in(place / "models") == set()
    assert [model.cycle for model in erase.plan(full, settings(place), GUEST).models] == [CYCLE]
    assert full.read("forgotten").height == 2
    assert full.read("duplicates").select("conversation_id", "of_conversation_id").rows() == [("c-22", "c-21")]


def test_the_command(full: Lake, place: Path) -> None:
    runner = CliRunner()
    planned = runner.invoke(app, ["conversations", "forget", "--user-id", GUEST, "--dry-run", "--json"])
    assert planned.exit_code == 0, planned.output
    assert json.loads(planned.stdout)["rows"]["conversations"] == 3
    done = runner.invoke(app, ["conversations", "forget", "--user-id", GUEST])
    assert done.exit_code == 0, done.output
    assert "next: delete their lines in these files" in done.stdout
    assert f"{CYCLE}  yes" in done.stdout
    assert GUEST not in done.stdout
    nothing = runner.invoke(app, ["conversations", "forget", "--user-id", GUEST])
    assert nothing.stdout.startswith("nothing of this person is left in the tables and files\n")


def test_every_table_is_asked_or_known_to_hold_nobody() -> None:
    person = Person(("u",), frozenset({"2026-01-05/c"}), frozenset({"c"}), frozenset({"c#1"}))
    asked = {name for name, table in TABLES.items() if person.owns(table).meta.root_names()}
    assert asked == set(TABLES) - set(NOBODYS)
