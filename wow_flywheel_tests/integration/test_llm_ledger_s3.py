"""The ledger in an object store, from many tasks at once."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from moto.server import ThreadedMotoServer

from wow_flywheel.llm.client import LlmClient
from wow_flywheel.llm.ledger import Entry, Ledger
from wow_flywheel.llm.settings import LlmSettings
from wow_flywheel_tests.integration.faulty_endpoint import FaultyEndpoint
from wow_flywheel_tests.integration.panel_world import frame, judge, late_parcel, looked_at


@pytest.fixture
def prefix(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    import s3fs

    s3fs.S3FileSystem(skip_instance_cache=True).makedirs("lake", exist_ok=True)
    yield f"s3://lake/{uuid4().hex}"
    server.stop()


def test_entries_are_kept_found_and_if_damaged_absent(prefix: str) -> None:
    ledger = Ledger.at(prefix)
    entry = Entry("judge", "你好", "stop", 1, 2, 0.0, 0.1, "2026-11-05T12:00:00+00:00")
    key = "cd" + "1" * 62
    assert ledger.get(key) is None
    ledger.put(key, entry)
    assert Ledger.at(prefix).get(key) == entry
    assert ledger.path(key) == f"{prefix}/llm_ledger/cd/{key}.json"
    ledger.files.pipe_file(ledger.path(key), b'{"model"')
    assert ledger.get(key) is None


def test_a_rerun_from_the_object_store_pays_nothing(prefix: str) -> None:
    with FaultyEndpoint(judge) as endpoint:
        settings = LlmSettings(endpoint.base_url, "judge", max_in_flight=8)
        conversations = frame(*map(late_parcel, range(4)))
        first = looked_at(LlmClient(settings, Ledger.at(prefix)), conversations)
        second = looked_at(LlmClient(settings, Ledger.at(prefix)), conversations)
        assert len(endpoint.answered) == first.counts["llm_calls"] == 4 * 9
        assert second.counts["llm_calls"] == 0
        assert second.inspections.equals(first.inspections)
