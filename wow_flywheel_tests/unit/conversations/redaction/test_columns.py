"""No column keeps a personal value; expectations written by hand."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from wow_flywheel.conversations.drift import read_contract
from wow_flywheel.conversations.ingest import DayRead, read_day
from wow_flywheel.conversations.redaction.columns import redact_label
from wow_flywheel.conversations.redaction.placeholders import Redactor
from wow_flywheel.conversations.sources import LogSource
from wow_flywheel_tests.unit.conversations.logs import DAY, line, read_line, write

MODELS = [
    "gpt-4o-2024-08-06", "claude-3-5-sonnet-20241022", "gemini-1.5-pro-001", "meta-llama/Meta-Llama-3.1-8B-Instruct",
    "ft:gpt-3.5-turbo-0125:acme::9xQz1AbC", "us.anthropic.claude-3-5-sonnet-20240620-v1:0", "qwen2.5-72b-instruct",
    "arn:aws:bedrock:us-east-1:123456789012:inference-profile/eu.anthropic.claude-v2", "mistral-large-2407@20240725",
    "accounts/fireworks/models/deepseek-v3p1", "o4-mini", "zh-CN", "refund_2026", "billing/over-limit", "退款申请",
]  # fmt: skip


def said(**changes: Any) -> dict[str, Any]:
    return {"role": "user", "content": "x"} | changes


def called(identifier: str, name: str) -> dict[str, Any]:
    return said(role="assistant", tool_calls=[{"id": identifier, "function": {"name": name, "arguments": "{}"}}])


def only(day: DayRead) -> dict[str, Any]:
    (row,) = day.conversations.to_dicts()
    return row


def test_labels_actions_tools_and_ids_of_calls(tmp_path: Path) -> None:
    messages = [
        said(content="mail ann@x.com", action="mail ann@x.com"),
        called("ann@x.com", "mail_ben@x.com"),
        called("call_1", "lookup"),
        said(role="tool", tool_call_id="ann@x.com", content="sent"),
        said(role="tool", tool_call_id="call_1", content="found"),
    ]
    row = only(
        read_line(
            tmp_path, line(channel="ann@x.com", scenario="13800138000", locale="en", model="13900139000", messages=messages)
        )
    )
    assert {name: row[name] for name in ("channel", "scenario", "locale", "model")} == {
        "channel": "<EMAIL_1>", "scenario": "<PHONE_1>", "locale": "en", "model": "<PHONE_2>",
    }  # fmt: skip
    first, sent, looked, sent_result, looked_result = row["messages"]
    assert (first["content"], first["action"]) == ("mail <EMAIL_1>", "mail <EMAIL_1>")
    (call,), (other,) = sent["tool_calls"], looked["tool_calls"]
    assert call["name"] == "<EMAIL_2>"
    assert call["id"] == sent_result["tool_call_id"]
    assert call["id"].startswith("anon-")
    assert (other["name"], other["id"], looked_result["tool_call_id"]) == ("lookup", "call_1", "call_1")
    assert row["redactions"] == 8


def test_values_that_evolved_stay_json(tmp_path: Path) -> None:
    channel = {"mail": "ann@x.com", "phone": 4155552671, "customer_name": "Ann Lee"}
    messages = [said(content="Ann Lee here, ann@x.com", action={"to": "ann@x.com"})]
    write(tmp_path, line(channel=channel, messages=messages, ticket={"by": "ann@x.com"}))
    modes = read_contract("channel=evolve,action=evolve,others=evolve")
    row = only(read_day(LogSource.at(str(tmp_path)), DAY, contract=modes))
    assert json.loads(row["channel"]) == {"mail": "<EMAIL_1>", "phone": "<PHONE_1>", "customer_name": "<NAME_1>"}
    assert json.loads(row["extra"]) == {"ticket": {"by": "<EMAIL_1>"}}
    assert row["messages"][0]["content"] == "<NAME_1> here, <EMAIL_1>"
    assert json.loads(row["messages"][0]["action"]) == {"to": "<EMAIL_1>"}


def test_the_name_of_a_field_that_is_dropped_is_redacted_where_it_is_counted(tmp_path: Path) -> None:
    day = read_line(tmp_path, line(**{"ann@x.com": 1, "tenant": 2}))
    assert day.drift == {"<EMAIL_1>": 1, "tenant": 1}


@pytest.mark.parametrize("label", MODELS)
def test_ordinary_labels_stay(label: str) -> None:
    assert redact_label(Redactor(), label) == label


def test_a_customer_who_is_called_like_a_label_does_not_change_it() -> None:
    redactor = Redactor.knowing([("NAME", "Claude Moreau"), ("NAME", "张三")])
    assert redact_label(redactor, "claude") == "claude"
    assert redact_label(redactor, "moreau") == "moreau"
    assert redact_label(redactor, "refund for Claude") == "refund for <NAME_1>"
    assert redact_label(redactor, "张三退款") == "<NAME_2>退款"


def test_no_column_of_any_table_holds_what_was_logged_anywhere(tmp_path: Path) -> None:
    secret = "ann.lee@mail.example"
    messages = [said(content=secret, action=secret, secret=secret), called(secret, secret)]
    modes = read_contract("others=evolve,channel=evolve,locale=evolve,action=evolve")
    lines = [
        line(secret, user_id=secret, channel=[secret], scenario=secret, locale={secret: secret}, model=secret,
             messages=messages, feedback={"comment": secret, "thumb": "up", secret: secret}, note={secret: [secret]}),
        line("broken", messages=[{"role": secret, secret: secret}]),
    ]  # fmt: skip
    write(tmp_path, b"\n".join(lines))
    day = read_day(LogSource.at(str(tmp_path)), DAY, contract=modes)
    tables = [day.conversations, day.quarantine, day.feedback]
    assert day.conversations.height == day.quarantine.height == 1
    assert not any(secret in json.dumps(table.to_dicts(), default=str) for table in tables)
    assert not any(secret in name for name in (*day.drift, *day.ignored, *day.formats))
    assert pl.concat(day.batches()).height == 1
