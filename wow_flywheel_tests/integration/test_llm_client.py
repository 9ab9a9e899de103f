"""The client against a real HTTP server that misbehaves in every way that endpoints do."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from wow_flywheel.errors import EndpointRefused, EndpointUnavailable
from wow_flywheel.llm.client import Failure, LlmClient, LlmRequest, Success, Usage
from wow_flywheel.llm.ledger import Ledger
from wow_flywheel.llm.settings import LlmSettings
from wow_flywheel_tests.integration.faulty_endpoint import Body, Fault, FaultyEndpoint, dialect

STRICT = ("json_schema", "structured_outputs", "guided_json")


class Verdict(BaseModel):
    model_config = ConfigDict(extra="forbid")

    city: str


def echo(body: Body) -> str:
    """The city that the question names."""
    question = next(m["content"] for m in body["messages"] if m["content"].startswith("Where is "))
    return json.dumps({"city": question.splitlines()[0].removeprefix("Where is ")})


@pytest.fixture
def endpoint() -> Iterator[FaultyEndpoint]:
    with FaultyEndpoint(echo, api_key="right") as running:
        yield running


@pytest.fixture
def client(endpoint: FaultyEndpoint, tmp_path: Path) -> LlmClient:
    settings = LlmSettings(
        base_url=endpoint.base_url,
        model="judge",
        api_key="right",
        timeout_s=0.5,
        max_attempts=3,
        backoff_s=0.01,
        price_per_million_prompt_tokens=1.0,
        price_per_million_completion_tokens=2.0,
    )
    return LlmClient(settings, Ledger.at(str(tmp_path)))


def ask(client: LlmClient, *cities: str) -> list[Success[Verdict] | Failure]:
    return client.complete_all([LlmRequest(f"Where is {city}") for city in cities], Verdict)


def city(outcome: Success[Verdict] | Failure) -> str:
    assert isinstance(outcome, Success), outcome
    return outcome.value.city


def test_answers_come_in_order_with_tokens_and_cost(client: LlmClient) -> None:
    paris, rome = ask(client, "Paris", "Rome")
    assert (city(paris), city(rome)) == ("Paris", "Rome")
    assert isinstance(paris, Success)
    assert paris.usage == Usage(100, 10)
    assert paris.cost_usd == pytest.approx((100 * 1 + 10 * 2) / 1e6)
    assert not paris.cached
    assert client.counts.calls == 2
    assert client.counts.spent_usd == pytest.approx(2 * paris.cost_usd)


def test_a_rerun_pays_nothing_and_says_the_same(client: LlmClient, endpoint: FaultyEndpoint) -> None:
    first = ask(client, "Paris", "Rome")
    again = LlmClient(client.settings, client.ledger)
    second = ask(again, "Paris", "Rome")
    assert [replace(outcome, cached=False) for outcome in second if isinstance(outcome, Success)] == first
    assert all(isinstance(outcome, Success) and outcome.cached for outcome in second)
    assert len(endpoint.requests) == 2
    assert (again.counts.calls, again.counts.from_ledger, again.counts.spent_usd) == (0, 2, 0.0)


def test_equal_questions_under_way_are_sent_once(client: LlmClient, endpoint: FaultyEndpoint) -> None:
    endpoint.latency_s = 0.1
    assert [city(outcome) for outcome in ask(client, *["Paris"] * 20)] == ["Paris"] * 20
    assert len(endpoint.requests) == 1


def test_the_endpoint_sees_no_more_at_once_than_allowed(client: LlmClient, endpoint: FaultyEndpoint) -> None:
    endpoint.latency_s = 0.05
    client.settings = replace(client.settings, max_in_flight=4)
    ask(client, *(f"town {i}" for i in range(24)))
    assert len(endpoint.answered) == 24
    assert endpoint.peak == 4


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=429),
        Fault(status=500),
        Fault(status=503),
        Fault(status=408),
        Fault(reset=True),
        Fault(hang_s=2),
        Fault(drip_s=0.1),
        Fault(raw="<html>gateway</html>"),
        Fault(raw='{"error": "upstream"}'),
    ],
    ids=["429", "500", "503", "408", "reset", "hang", "drip", "no JSON", "no choices"],
)
def test_a_bad_moment_is_retried(client: LlmClient, endpoint: FaultyEndpoint, fault: Fault) -> None:
    endpoint.script.extend([fault, fault])
    assert city(ask(client, "Paris")[0]) == "Paris"
    assert len(endpoint.requests) == 3
    assert client.counts.retries == 2


def test_an_endpoint_that_stays_down_fails_by_name_and_others_go_on(client: LlmClient, endpoint: FaultyEndpoint) -> None:
    client.settings = replace(client.settings, max_in_flight=1)
    endpoint.script.extend([Fault(status=500)] * 3)
    failed, fine = ask(client, "Paris", "Rome")
    assert failed == Failure("server_error", "HTTP 500 after 3 tries")
    assert city(fine) == "Rome"


def test_an_endpoint_that_is_down_ends_the_run_and_a_rerun_goes_on(client: LlmClient, endpoint: FaultyEndpoint) -> None:
    towns = [f"town {i}" for i in range(40)]
    client.settings = replace(client.settings, max_in_flight=2, max_attempts=2, give_up_after=3)
    endpoint.script.extend([Fault()] * 10 + [Fault(status=503)] * 200)
    with pytest.raises(EndpointUnavailable, match="3 calls in a row got no answer; the last: HTTP 503 after 2 tries"):
        ask(client, *towns)
    assert len(endpoint.requests) <= 10 + 2 * (3 + 1)
    endpoint.script.clear()
    assert [city(outcome) for outcome in ask(client, *towns)] == towns
    assert len(endpoint.answered) == 40


@pytest.mark.parametrize(
    ("fault", "said"),
    [(Fault(reset=True), "the connection failed"), (Fault(hang_s=0.5), "no answer within 0.1 s")],
    ids=["down", "slower than its time limit"],
)
def test_an_endpoint_that_answers_none_of_the_first_questions_ends_the_run_soon(
    client: LlmClient, endpoint: FaultyEndpoint, fault: Fault, said: str
) -> None:
    client.settings = replace(client.settings, timeout_s=0.1)
    endpoint.script.extend([fault] * 100)
    with pytest.raises(EndpointUnavailable, match=f"none of the first 3 questions got an answer.*{said}") as caught:
        ask(client, *[f"town {i}" for i in range(40)])
    assert "WOW_LLM_TIMEOUT_S" in caught.value.hint
    assert len(endpoint.requests) == 3 * 3


RAMBLES = Fault(content='{"city": "it is not helped. it is not', finish_reason="length")


def test_a_model_whose_answers_are_all_cut_ends_the_run_and_a_rerun_asks_nothing(
    client: LlmClient, endpoint: FaultyEndpoint
) -> None:
    client.settings = replace(client.settings, max_in_flight=1)
    endpoint.script.extend([RAMBLES] * 100)
    towns = [f"town {i}" for i in range(40)]
    for _ in range(2):
        with pytest.raises(
            EndpointRefused, match="none of the first 24 answers fits its schema; the last: truncated"
        ) as caught:
            ask(LlmClient(client.settings, client.ledger), *towns)
        assert "WOW_LLM_MAX_TOKENS" in caught.value.hint
        assert len(endpoint.requests) == 24


def test_answers_that_are_cut_after_one_fitted_end_nothing(client: LlmClient, endpoint: FaultyEndpoint) -> None:
    client.settings = replace(client.settings, max_in_flight=1)
    endpoint.script.extend([Fault(), *[RAMBLES] * 30])
    first, *others = ask(client, *[f"town {i}" for i in range(31)])
    assert city(first) == "town 0"
    assert {other.reason for other in others if isinstance(other, Failure)} == {"truncated"}


def test_calls_that_fill_the_context_they_share_are_made_fewer_at_once(client: LlmClient, endpoint: FaultyEndpoint) -> None:
    endpoint.script.extend([Fault(), Fault(status=500, message="Context size has been exceeded.")])
    assert [city(outcome) for outcome in ask(client, "Paris", "Rome")] == ["Paris", "Rome"]
    assert client.counts.pushbacks == 1


def test_retry_after_is_honoured(client: LlmClient, endpoint: FaultyEndpoint) -> None:
    endpoint.script.append(Fault(status=429, headers={"retry-after": "0.4"}))
    assert city(ask(client, "Paris")[0]) == "Paris"
    assert endpoint.arrived[1] - endpoint.arrived[0] >= 0.4


def test_retry_after_holds_back_the_other_calls_too(client: LlmClient, endpoint: FaultyEndpoint) -> None:
    client.settings = replace(client.settings, max_in_flight=2)
    endpoint.latency_s = 0.05
    endpoint.script.append(Fault(status=429, headers={"retry-after": "0.5"}))
    ask(client, *(f"town {i}" for i in range(6)))
    early = [at for at in endpoint.arrived if at - endpoint.arrived[0] < 0.45]
    assert len(early) <= 2


def test_too_long_a_pause_is_not_waited_for(client: LlmClient, endpoint: FaultyEndpoint) -> None:
    endpoint.script.append(Fault(status=429, headers={"retry-after": "3600"}))
    started = time.monotonic()
    assert ask(client, "Paris") == [Failure("rate_limited", "HTTP 429, with a pause of 3600 s asked for")]
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("change", "status", "named"),
    [
        ({"api_key": "sk-none-such"}, 401, "WOW_LLM_API_KEY"),
        ({"model": "other"}, 404, "WOW_LLM_MODEL"),
        ({"base_url": "{}/nowhere"}, 404, "WOW_LLM_BASE_URL"),
    ],
)
def test_a_refusal_for_good_stops_the_run(
    client: LlmClient, endpoint: FaultyEndpoint, change: dict[str, str], status: int, named: str
) -> None:
    filled = {name: value.format(endpoint.base_url) for name, value in change.items()}
    client.settings = replace(client.settings, max_in_flight=4, **filled)
    with pytest.raises(EndpointRefused) as caught:
        ask(client, *(f"town {i}" for i in range(50)))
    assert f"HTTP {status}" in caught.value.message
    assert named in caught.value.hint
    assert "sk-none-such" not in str(caught.value)
    assert len(endpoint.requests) <= 4


def test_access_denied_is_a_refusal(client: LlmClient, endpoint: FaultyEndpoint) -> None:
    endpoint.script.append(Fault(status=403))
    with pytest.raises(EndpointRefused, match="access is denied"):
        ask(client, "Paris")


@pytest.mark.parametrize(
    ("formats", "sent"),
    [
        (["json_schema"], ["json_schema"]),
        (["structured_outputs", None], ["json_schema", "structured_outputs"]),
        (["guided_json", "json_object"], ["json_schema", "structured_outputs", "guided_json"]),
        (["json_object", None], [*STRICT, "json_object"]),
        ([None], [*STRICT, "json_object", None]),
    ],
)
def test_structured_output_is_negotiated_once_a_run(
    client: LlmClient, endpoint: FaultyEndpoint, formats: list[str | None], sent: list[str | None]
) -> None:
    endpoint.formats = set(formats)
    endpoint.latency_s = 0.02
    assert [city(outcome) for outcome in ask(client, "Paris", "Rome", "Oslo")] == ["Paris", "Rome", "Oslo"]
    assert [dialect(body) for body in endpoint.requests] == [*sent, sent[-1], sent[-1]]
    later = LlmClient(client.settings, client.ledger)
    assert city(ask(later, "Bern")[0]) == "Bern"
    assert [dialect(body) for body in endpoint.requests[len(sent) + 2 :]] == [sent[-1]], "a later run remembers"


def test_a_dialect_that_is_taken_but_ignored_is_given_up(client: LlmClient, endpoint: FaultyEndpoint) -> None:
    """As servers do that drop what they do not know: they answer, but only who is told the schema in words keeps to it."""

    def ignoring(body: Body) -> str:
        return f"Sure! {echo(body)}" if '"city"' in str(body["messages"][-1]) else "That would be in France, I think."

    endpoint.answer = ignoring
    client.settings = replace(client.settings, max_in_flight=1)
    assert [city(outcome) for outcome in ask(client, "Paris", "Rome")] == ["Paris", "Rome"]
    assert [dialect(body) for body in endpoint.requests] == [*STRICT, "json_object", "json_object"]


def test_one_slip_of_an_endpoint_that_keeps_to_its_dialect_changes_nothing(client: LlmClient, endpoint: FaultyEndpoint) -> None:
    client.settings = replace(client.settings, max_in_flight=1)
    endpoint.script.extend([Fault(), Fault(content="Rome?")])
    assert [city(outcome) for outcome in ask(client, "Paris", "Rome", "Oslo")] == ["Paris", "Rome", "Oslo"]
    assert {dialect(body) for body in endpoint.requests} == {"json_schema"}


def test_the_schema_is_spelt_out_where_it_is_not_enforced(client: LlmClient, endpoint: FaultyEndpoint) -> None:
    endpoint.formats = {None}
    ask(client, "Paris")
    assert '"city"' in endpoint.answered[0]["messages"][-1]["content"]
    assert len(endpoint.answered[0]["messages"]) == 1


def test_a_server_error_about_the_format_steps_down(client: LlmClient, endpoint: FaultyEndpoint) -> None:
    endpoint.script.append(Fault(status=500, message="Input should be 'text' or 'json_object'"))
    assert city(ask(client, "Paris")[0]) == "Paris"
    assert [dialect(body) for body in endpoint.requests] == [*STRICT, "json_object"]
    assert client.counts.retries == 0


def test_one_request_that_cannot_be_read_does_not_change_the_format(client: LlmClient, endpoint: FaultyEndpoint) -> None:
    client.settings = replace(client.settings, max_in_flight=1)
    endpoint.script.extend([Fault(status=400, message="cannot read the messages")] * 3)
    endpoint.formats = {"json_schema"}
    failed, fine = ask(client, "Paris", "Rome")
    assert failed == Failure("rejected", "HTTP 400")
    assert city(fine) == "Rome"
    assert dialect(endpoint.requests[-1]) == "json_schema"


@pytest.mark.parametrize(
    "message",
    [
        "This model's maximum context length is 8192 tokens",
        "request (40007 tokens) exceeds the available context size (8192 tokens), try increasing it",
        "The decoder prompt (length 40007) is longer than the maximum model length of 8192.",
    ],
    ids=["OpenAI", "llama.cpp", "vLLM"],
)
def test_a_prompt_beyond_the_context_is_asked_once(client: LlmClient, endpoint: FaultyEndpoint, message: str) -> None:
    client.settings = replace(client.settings, max_in_flight=1)
    endpoint.script.append(Fault(status=400, message=message))
    failed, fine = ask(client, "Paris", "Rome")
    assert isinstance(failed, Failure)
    assert failed.reason == "too_long"
    assert "lower WOW_LLM_MAX_CONVERSATION_TOKENS" in failed.detail
    assert city(fine) == "Rome"
    assert len(endpoint.requests) == 2


@pytest.mark.parametrize(
    ("fault", "said", "named"),
    [
        (Fault(status=401, message="The key has expired"), "the key is refused (HTTP 401)", "expired"),
        (Fault(status=400, message="The model `judge` does not exist"), "there is no such model", "WOW_LLM_MODEL"),
        (Fault(status=429, message="You exceeded your current quota"), "no quota or credit left", "add credit"),
        (Fault(status=402), "no quota or credit left", "add credit"),
    ],
    ids=["expired key", "model by 400", "quota by 429", "402"],
)
def test_refusals_for_good_in_other_words(
    client: LlmClient, endpoint: FaultyEndpoint, fault: Fault, said: str, named: str
) -> None:
    endpoint.script.append(fault)
    with pytest.raises(EndpointRefused) as caught:
        ask(client, "Paris")
    assert said in caught.value.message
    assert named in caught.value.hint
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        (Fault(status=429), Failure("rate_limited", "HTTP 429 after 3 tries")),
        (Fault(status=429, headers={"retry-after": "0.05"}), Failure("rate_limited", "HTTP 429 after 3 tries")),
        (Fault(status=502), Failure("server_error", "HTTP 502 after 3 tries")),
        (Fault(reset=True), Failure("connection_lost", "the connection failed after 3 tries")),
        (Fault(hang_s=1), Failure("timed_out", "no answer within 0.3 s (WOW_LLM_TIMEOUT_S) after 3 tries")),
        (Fault(drip_s=0.05), Failure("timed_out", "no answer within 0.3 s (WOW_LLM_TIMEOUT_S) after 3 tries")),
        (Fault(raw="<html>"), Failure("garbled", "the response is not JSON after 3 tries")),
        (Fault(raw='{"choices": []}'), Failure("garbled", "the response has no choices after 3 tries")),
    ],
    ids=["429", "429 with Retry-After", "502", "reset", "hang", "drip", "no JSON", "no choices"],
)
def test_each_way_of_failing_has_its_name(client: LlmClient, endpoint: FaultyEndpoint, fault: Fault, failure: Failure) -> None:
    client.settings = replace(client.settings, timeout_s=0.3)
    endpoint.script.extend([fault] * 3)
    assert ask(client, "Paris") == [failure]
    assert city(ask(client, "Paris")[0]) == "Paris"


def test_fewer_at_once_when_the_endpoint_pushes_back_and_more_again_after(client: LlmClient, endpoint: FaultyEndpoint) -> None:
    endpoint.latency_s, endpoint.capacity = 0.02, 6
    client.settings = replace(client.settings, max_in_flight=32, start_in_flight=2, max_attempts=6)
    towns = [f"town {i}" for i in range(200)]
    assert [city(outcome) for outcome in ask(client, *towns)] == towns
    assert 1 <= client.counts.pushbacks < 60
    assert client.in_flight is not None
    assert client.in_flight < 16, "the limit stays near what the endpoint takes"
    endpoint.capacity = None
    ask(client, *(f"city {i}" for i in range(200)))
    assert client.in_flight > 16, "it grows again once nothing holds it back"


def test_an_answer_that_does_not_fit_is_sent_back_with_the_error(client: LlmClient, endpoint: FaultyEndpoint) -> None:
    endpoint.script.append(Fault(content='{"town": "Paris"'))
    outcome = ask(client, "Paris")[0]
    assert city(outcome) == "Paris"
    assert isinstance(outcome, Success)
    assert (outcome.usage, outcome.repairs) == (Usage(200, 20), 1)
    repair = endpoint.requests[1]["messages"]
    assert repair[1] == {"role": "assistant", "content": '{"town": "Paris"'}
    assert "does not fit the schema" in repair[2]["content"]


def test_repairs_end(client: LlmClient, endpoint: FaultyEndpoint) -> None:
    endpoint.script.extend([Fault(content='{"town": "Paris"}')] * 5)
    outcome = ask(client, "Paris")[0]
    assert isinstance(outcome, Failure)
    assert outcome.reason == "unparsable"
    assert outcome.detail.startswith("after 2 repairs: city: Field required")
    assert len(endpoint.requests) == 3


def test_cut_and_declined_answers_are_named(client: LlmClient, endpoint: FaultyEndpoint) -> None:
    client.settings = replace(client.settings, max_in_flight=1)
    endpoint.script.extend([Fault(finish_reason="length", content='{"ci'), Fault(refusal="I cannot", content="")])
    endpoint.script.append(Fault(finish_reason="content_filter", content=""))
    outcomes = ask(client, "Paris", "Rome", "Oslo", "Bern")
    assert [outcome.reason for outcome in outcomes if isinstance(outcome, Failure)] == ["truncated", "refused", "refused"]
    assert city(outcomes[3]) == "Bern"


def test_a_damaged_ledger_entry_is_asked_for_again(client: LlmClient, endpoint: FaultyEndpoint) -> None:
    outcome = ask(client, "Paris")[0]
    assert isinstance(outcome, Success)
    path = Path(client.ledger.path(outcome.prompt_hash))
    path.write_text(path.read_text()[:-20])
    assert city(ask(client, "Paris")[0]) == "Paris"
    assert len(endpoint.requests) == 2
    assert city(ask(client, "Paris")[0]) == "Paris"
    assert len(endpoint.requests) == 2


def test_the_key_is_shown_and_stored_nowhere(client: LlmClient, tmp_path: Path) -> None:
    client.settings = replace(client.settings, api_key="right")
    ask(client, "Paris")
    assert "right" not in repr(client)
    assert all("right" not in path.read_text() for path in tmp_path.rglob("*.json"))


NO_MAX_TOKENS = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
NO_TEMPERATURE = "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is supported."


def test_a_parameter_that_the_model_does_not_take_is_left_out_once_and_for_all(
    client: LlmClient, endpoint: FaultyEndpoint
) -> None:
    endpoint.refuses = {"max_tokens": NO_MAX_TOKENS, "temperature": NO_TEMPERATURE}
    assert [city(outcome) for outcome in ask(client, "Paris", "Rome", "Oslo")] == ["Paris", "Rome", "Oslo"]
    assert len(endpoint.requests) == 2 + 3
    assert all(body["max_completion_tokens"] == 1024 for body in endpoint.answered)
    assert not any({"max_tokens", "temperature"} & set(body) for body in endpoint.answered)
    assert {dialect(body) for body in endpoint.answered} == {"json_schema"}, "the strictest dialect is kept"
    endpoint.requests.clear()
    assert city(ask(LlmClient(client.settings, client.ledger), "Bern")[0]) == "Bern"
    assert len(endpoint.requests) == 1, "a later run remembers"


def test_a_parameter_refused_later_is_remembered_too(client: LlmClient, endpoint: FaultyEndpoint) -> None:
    ask(client, "Paris")
    endpoint.refuses = {"temperature": NO_TEMPERATURE}
    assert city(ask(client, "Rome")[0]) == "Rome"
    endpoint.requests.clear()
    assert city(ask(LlmClient(client.settings, client.ledger), "Bern")[0]) == "Bern"
    assert len(endpoint.requests) == 1


def test_a_parameter_refused_for_its_value_is_named(client: LlmClient, endpoint: FaultyEndpoint) -> None:
    ask(client, "Paris")
    endpoint.refuses = {"max_tokens": "max_tokens is too large: 1024"}
    assert ask(client, "Rome") == [Failure("rejected", "HTTP 400 about max_tokens")]


def test_an_endpoint_that_turns_everything_away_ends_the_run(client: LlmClient, endpoint: FaultyEndpoint) -> None:
    endpoint.refuses = {"max_tokens": "max_tokens is too large: 1024"}
    with pytest.raises(EndpointRefused, match="24 questions were rejected before any was answered") as caught:
        ask(client, *(f"town {i}" for i in range(50)))
    assert "HTTP 400 about max_tokens" in caught.value.message
    assert "WOW_LLM_MODEL" in caught.value.hint
    assert len(endpoint.requests) <= 24 * 5


def test_a_filter_that_declines_all_of_the_first_conversation_does_not_end_the_run(
    client: LlmClient, endpoint: FaultyEndpoint
) -> None:
    client.settings = replace(client.settings, max_in_flight=1)
    endpoint.script.extend([Fault(status=400, message="content_filter")] * 40)
    outcomes = ask(client, *(f"town {i}" for i in range(41)))
    assert {each.reason for each in outcomes[:40] if isinstance(each, Failure)} == {"refused"}
    assert city(outcomes[40]) == "town 40"


def test_questions_that_are_turned_away_after_answers_end_nothing(client: LlmClient, endpoint: FaultyEndpoint) -> None:
    client.settings = replace(client.settings, max_in_flight=1)
    ask(client, "Paris")
    later = LlmClient(client.settings, client.ledger)
    for one in (client, later):
        endpoint.script.extend([Fault(status=418)] * 30)
        outcomes = ask(one, *(f"town {i}" for i in range(30)), "Rome" if one is client else "Oslo")
        assert [str(each) for each in outcomes[:30]] == ["rejected (HTTP 418)"] * 30
        assert isinstance(outcomes[30], Success)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(
            status=400,
            message="The response was filtered due to Azure OpenAI's content management policy.",
        ),
        Fault(status=400, message="data_inspection_failed"),
        Fault(status=403, message='Your chosen model requires moderation and your input was flagged for "harassment"'),
    ],
    ids=["Azure", "DashScope", "OpenRouter"],
)
def test_a_filter_declines_one_prompt_and_the_others_go_on(client: LlmClient, endpoint: FaultyEndpoint, fault: Fault) -> None:
    client.settings = replace(client.settings, max_in_flight=1)
    endpoint.script.append(fault)
    declined, fine = ask(client, "Paris", "Rome")
    assert declined == Failure("refused", f"a filter of the endpoint declined the prompt (HTTP {fault.status})")
    assert city(fine) == "Rome"
    assert len(endpoint.requests) == 2
