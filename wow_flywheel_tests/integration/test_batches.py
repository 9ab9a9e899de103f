"""The panel through the Batch API of a real HTTP server: rounds, other days, other processes, lines that fail."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from polars.testing import assert_frame_equal

from wow_flywheel.errors import EndpointRefused, EndpointUnavailable
from wow_flywheel.inspection.panel import Panel
from wow_flywheel.inspection.run import Inspection
from wow_flywheel.llm.batch_api import BatchApi
from wow_flywheel.llm.batch_queue import BatchQueue
from wow_flywheel.llm.batches import Batches
from wow_flywheel.llm.budget import Budget
from wow_flywheel.llm.client import LlmClient
from wow_flywheel.llm.ledger import Ledger
from wow_flywheel.llm.settings import LlmSettings
from wow_flywheel_tests.integration.batch_endpoint import BatchEndpoint
from wow_flywheel_tests.integration.faulty_endpoint import Body, FaultyEndpoint
from wow_flywheel_tests.integration.panel_world import frame, judge, late_parcel, looked_at

CONVERSATIONS = frame(*map(late_parcel, range(3)))
NEEDED = 3 * 9
"""Seven specialists, an adjudicator and a reverse check each."""


@pytest.fixture
def endpoint() -> Iterator[BatchEndpoint]:
    with BatchEndpoint(judge) as running:
        yield running


def a_day(endpoint: BatchEndpoint, lake: Path, budget: Budget | None = None) -> tuple[Inspection, LlmClient, list[str]]:
    """What a run of one day does, as a process of its own would: nothing is taken over but the files."""
    settings = LlmSettings(endpoint.base_url, "judge", price_per_million_prompt_tokens=10.0)
    client = LlmClient(settings, Ledger.at(str(lake)), budget or Budget())
    said: list[str] = []
    batches = Batches.of(str(lake), [client], wait_s=0)
    return batches.rounds(lambda: looked_at(client, CONVERSATIONS), said.append), client, said


def test_day_by_day_the_panel_gets_further_and_ends_as_if_asked_directly(endpoint: BatchEndpoint, tmp_path: Path) -> None:
    waiting, client, _ = a_day(endpoint, tmp_path / "a")
    assert len(endpoint.direct) == client.counts.calls == 1, "one question finds out which dialect the endpoint takes"
    assert waiting.counts["llm_failed_pending"] == NEEDED - 3 - 3 - 1
    assert set(waiting.verdicts["confidence"]) == {0.0}
    again, _, _ = a_day(endpoint, tmp_path / "a")
    assert len(endpoint.lines) == NEEDED - 3 - 3 - 1, "what is handed in is not handed in again"
    assert again.counts["llm_failed_pending"] == waiting.counts["llm_failed_pending"]
    for _ in range(3):
        endpoint.end()
        done, _, said = a_day(endpoint, tmp_path / "a")
    assert done.counts["failures"] == 0
    assert said == ["3 answers collected, 0 lines failed"]
    assert len(endpoint.lines) + len(endpoint.direct) == NEEDED
    assert endpoint.files == {}, "no file with conversations is left at the endpoint"
    with FaultyEndpoint(judge) as other:
        plain = looked_at(LlmClient(LlmSettings(other.base_url, "judge"), Ledger.at(str(tmp_path / "b"))), CONVERSATIONS)
    columns = ["conversation_id", "inspector", "turn", "quote", "decision", "decision_reason"]
    assert_frame_equal(done.inspections.select(columns), plain.inspections.select(columns))
    assert_frame_equal(done.verdicts, plain.verdicts)


def test_answers_of_a_batch_cost_half(endpoint: BatchEndpoint, tmp_path: Path) -> None:
    a_day(endpoint, tmp_path)
    endpoint.end()
    a_day(endpoint, tmp_path)
    ledger = Ledger.at(str(tmp_path))
    costs = sorted(entry.cost_usd for key in ledger.keys_about(bool) if (entry := ledger.get(key)) is not None)
    assert costs[-1] == pytest.approx(100 * 10 / 1e6)
    assert {round(cost, 9) for cost in costs[:-1]} == {round(50 * 10 / 1e6, 9)}


def test_a_batch_whose_id_was_lost_in_a_crash_is_found_by_its_name(endpoint: BatchEndpoint, tmp_path: Path) -> None:
    a_day(endpoint, tmp_path)
    (state,) = (tmp_path / "llm_batches").rglob("*.json")
    state.write_text(state.read_text().replace('"batch-0"', "null"))
    endpoint.end()
    _, _, said = a_day(endpoint, tmp_path)
    assert said[0] == f"{NEEDED - 7} answers collected, 0 lines failed"


def test_a_batch_that_never_arrived_is_handed_in_again(endpoint: BatchEndpoint, tmp_path: Path) -> None:
    a_day(endpoint, tmp_path)
    (state,) = (tmp_path / "llm_batches").rglob("*.json")
    state.write_text(state.read_text().replace('"batch-0"', "null"))
    endpoint.batches.clear()
    a_day(endpoint, tmp_path)
    assert len(endpoint.lines) == 2 * (NEEDED - 7)


def test_expired_lines_go_into_the_next_batch_and_failed_ones_are_asked(endpoint: BatchEndpoint, tmp_path: Path) -> None:
    a_day(endpoint, tmp_path)
    bad = endpoint.lines[0]["custom_id"]
    endpoint.bad_keys = {bad}
    endpoint.end("expired", answered=5)
    handed_in = len(endpoint.lines)
    a_day(endpoint, tmp_path)
    assert len(endpoint.direct) == 2
    assert endpoint.direct[1]["messages"] == endpoint.lines[0]["body"]["messages"]
    again = [line["custom_id"] for line in endpoint.lines[handed_in:]]
    assert len(again) >= handed_in - 6
    assert bad not in again


def test_the_budget_holds_for_batches_too(endpoint: BatchEndpoint, tmp_path: Path) -> None:
    done, client, _ = a_day(endpoint, tmp_path, Budget(max_tokens=12_000))
    assert done.counts["llm_failed_over_budget"] > 0
    assert 0 < len(endpoint.lines) < NEEDED - 7
    assert client.budget.reserved.tokens <= 12_000


def test_an_endpoint_without_batches_says_so(tmp_path: Path) -> None:
    with FaultyEndpoint(judge) as plain:
        client = LlmClient(LlmSettings(plain.base_url, "judge"), Ledger.at(str(tmp_path)))
        batches = Batches.of(str(tmp_path), [client], wait_s=0)
        with pytest.raises(EndpointRefused, match="Batch API: refused") as caught:
            batches.rounds(lambda: looked_at(client, CONVERSATIONS))
    assert "WOW_LLM_BATCH_HOURS" in caught.value.hint


@pytest.mark.parametrize("sign", ["\u2028", "\u0085", "\u000b", "\u001c"])
def test_signs_that_end_lines_elsewhere_are_part_of_an_answer(endpoint: BatchEndpoint, tmp_path: Path, sign: str) -> None:
    plain = endpoint.answer
    endpoint.ascii_only = False
    endpoint.answer = lambda body: plain(body).replace("the customer says otherwise", f"the customer {sign}says otherwise")
    a_day(endpoint, tmp_path)
    for _ in range(3):
        endpoint.end()
        done, _, said = a_day(endpoint, tmp_path)
        assert "0 lines failed" in said[0]
    assert done.counts["failures"] == 0
    assert len(endpoint.direct) == 1


def test_lines_that_cannot_be_read_or_are_missing_are_asked_directly(endpoint: BatchEndpoint, tmp_path: Path) -> None:
    a_day(endpoint, tmp_path)
    endpoint.end()
    (batch,) = endpoint.batches.values()
    first, _second, _third, *rest = endpoint.files[batch["output_file_id"]].split(b"\n")
    endpoint.files[batch["output_file_id"]] = b"\n".join([first[:-9], b"\xff{", b"[1]", *rest])
    _, _, said = a_day(endpoint, tmp_path)
    assert said[0] == f"{NEEDED - 7 - 3} answers collected, 3 lines failed"
    assert len(endpoint.direct) == 1 + 3


def test_a_batch_that_the_endpoint_gives_up_on_is_tried_again_ever_later_and_then_given_up(
    endpoint: BatchEndpoint, tmp_path: Path
) -> None:
    endpoint.fails_with = "token_limit_exceeded"
    client = LlmClient(LlmSettings(endpoint.base_url, "judge"), Ledger.at(str(tmp_path)))
    batches = replace(Batches.of(str(tmp_path), [client], wait_s=60), poll_s=0.05)
    started = time.monotonic()
    with pytest.raises(EndpointUnavailable, match=r"gave up on 3 batches in a row; the last: .*token_limit_exceeded") as caught:
        batches.rounds(lambda: looked_at(client, CONVERSATIONS))
    assert len(endpoint.batches) == 3
    assert time.monotonic() - started >= 3 * 0.05 + 2 * 0.05 + 4 * 0.05
    assert "WOW_LLM_BATCH_HOURS" in caught.value.hint
    assert endpoint.files == {}, "no file with conversations is left at the endpoint"


@pytest.mark.parametrize("killed_at", ["lines", "clear", "_close"])
def test_killed_while_collecting_no_file_is_left_and_no_answer_lost(
    endpoint: BatchEndpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed_at: str
) -> None:
    a_day(endpoint, tmp_path)
    endpoint.end()
    owner = BatchQueue if killed_at == "_close" else BatchApi
    with monkeypatch.context() as patched:
        patched.setattr(owner, killed_at, _killed)
        with pytest.raises(KeyboardInterrupt):
            a_day(endpoint, tmp_path)
    handed_in = len(endpoint.lines)
    done, _, _ = a_day(endpoint, tmp_path)
    assert len(endpoint.lines) == handed_in + 3, "only the adjudicators' questions are new"
    assert done.counts["llm_failed_pending"] == 3
    open_inputs = {batch["input_file_id"] for batch in endpoint.batches.values() if batch["status"] == "in_progress"}
    assert set(endpoint.files) == open_inputs


def test_a_file_that_was_uploaded_before_a_kill_is_deleted(endpoint: BatchEndpoint, tmp_path: Path) -> None:
    a_day(endpoint, tmp_path)
    (state,) = (tmp_path / "llm_batches").rglob("*.json")
    state.write_text(state.read_text().replace('"batch-0"', "null"))
    (lost,) = [batch["input_file_id"] for batch in endpoint.batches.values()]
    endpoint.batches.clear()
    endpoint.taken = 1
    a_day(endpoint, tmp_path)
    assert lost not in endpoint.files


def test_the_second_model_goes_through_the_batch_too(endpoint: BatchEndpoint, tmp_path: Path) -> None:
    def unsure(body: Body) -> str:
        said = json.loads(judge(body))
        return json.dumps(said | {"confidence": 0.2} if "rulings" in said and body["model"] == "judge" else said)

    endpoint.answer = unsure
    settings = LlmSettings(endpoint.base_url, "judge")
    for _ in range(6):
        clients = [LlmClient(replace(settings, model=name), Ledger.at(str(tmp_path))) for name in ("judge", "second")]
        batches = Batches.of(str(tmp_path), clients, wait_s=0)
        panel = Panel(clients[0], clients[1])
        done = batches.rounds(lambda: looked_at(clients[0], CONVERSATIONS, panel))  # noqa: B023 - called at once
        endpoint.end()
    assert done.counts["failures"] == 0
    assert [body["model"] for body in endpoint.direct] == ["judge", "second"], "one question of each finds out the dialect"
    by_model = Counter(line["body"]["model"] for line in endpoint.lines)
    assert by_model == {"judge": NEEDED - 1, "second": 2}
    assert done.counts["llm_second_opinions"] == 3


def _killed(*_: object) -> None:
    raise KeyboardInterrupt
