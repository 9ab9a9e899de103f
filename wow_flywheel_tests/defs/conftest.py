"""A place of one's own for each test: logs, lake, models, and a real Dagster instance on disk."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from wow_flywheel.lake import Lake

DAY = "2026-01-05"
DATASETS = ("sft_dataset", "preference_dataset", "labelled_dataset")
"""What the one step that builds datasets makes."""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that every setting points into; no endpoint, no model."""
    for name in ("logs", "lake", "models", "knowledge", "policies"):
        monkeypatch.setenv(f"WOW_{name.upper()}_URI", str(tmp_path / name))
    for name in ("WOW_MODEL", "WOW_LLM_BASE_URL", "WOW_LLM_MODEL", "WOW_LLM_API_KEY", "WOW_ENVIRONMENT", "WOW_MIN_PAIRS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WOW_LOGS_SETTLE_SECONDS", "0")
    (tmp_path / "logs").mkdir()
    return tmp_path


@pytest.fixture
def lake(place: Path) -> Lake:
    """The lake of the place."""
    return Lake.at(str(place / "lake"))


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """A real instance whose storage is SQLite files under the test's folder."""
    (tmp_path / "instance").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "instance"), overrides={"telemetry": {"enabled": False}}) as made:
        yield made


@pytest.fixture
def nightly(instance: dg.DagsterInstance) -> Callable[..., dg.ExecuteInProcessResult]:
    """Runs `nightly` for a day, all of it or what some assets are made of."""
    from wow_flywheel.definitions import defs

    job = defs.resolve_job_def("nightly")

    def run(day: str = DAY, until: Sequence[str] = ()) -> dg.ExecuteInProcessResult:
        selection = sorted(_made_for(job, until)) if until else None
        return job.execute_in_process(instance=instance, partition_key=day, raise_on_error=False, asset_selection=selection)

    return run


def _made_for(job: dg.JobDefinition, assets: Sequence[str]) -> set[dg.AssetKey]:
    """The assets, what they are made of, and what is made in one step with these."""
    graph = job.asset_layer.asset_graph
    needed = dg.AssetSelection.assets(*assets).upstream().required_multi_asset_neighbors()
    return needed.resolve(graph) & graph.executable_asset_keys


def write_logs(place: Path, records: Sequence[dict[str, Any] | str], day: str = DAY, name: str = "a.jsonl") -> Path:
    """Write records, or raw lines, as a day's log file."""
    path = place / "logs" / f"dt={day}" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [record if isinstance(record, str) else json.dumps(record) for record in records]
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def conversation(number: int, *turns: str, day: str = DAY, user: str = "", thumb: str | None = None) -> dict[str, Any]:
    """A log record; turns alternate between user and assistant."""
    messages = [
        {"role": "user" if i % 2 == 0 else "assistant", "content": text, "created_at": f"{day}T10:{number % 60:02d}:{i:02d}Z"}
        for i, text in enumerate(turns)
    ]
    record: dict[str, Any] = {
        "conversation_id": f"c-{number}",
        "user_id": user or f"u-{number}",
        "channel": "chat",
        "scenario": "delivery",
        "model": "m-1",
        "started_at": f"{day}T10:{number % 60:02d}:00Z",
        "ended_at": f"{day}T10:{number % 60:02d}:59Z",
        "messages": messages,
    }
    return record | ({"feedback": {"thumb": thumb}} if thumb else {})


def step_failures(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    """Message by failed step, as the wheel tells it."""
    from wow_flywheel.defs.flywheel.sub_runs import failures_of

    return dict(failures_of(result))


def checks(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    """Check evaluation by `asset.check`."""
    found = result.get_asset_check_evaluations()
    return {f"{each.asset_key.to_user_string()}.{each.check_name}": each for each in found}
