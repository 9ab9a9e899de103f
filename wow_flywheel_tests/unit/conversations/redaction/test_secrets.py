"""Keys, tokens, account numbers and network addresses do not reach a table; what only looks like one stays."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wow_flywheel.conversations.redaction.json_text import redact_json, redact_text
from wow_flywheel.conversations.redaction.placeholders import Redactor
from wow_flywheel.conversations.redaction.secrets import is_iban

LETTERS = "aB3dE5gH7jK9mN2pQ4rS6tU8vW1xY0zAbCdEfGhIj"
TOKEN = ".".join(
    base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({"alg": "HS256"}, {"sub": 1})
)
SECRETS = {
    "KEY": [
        f"sk-{LETTERS}",
        f"sk-proj-{LETTERS}",
        f"sk-ant-api03-{LETTERS}",
        "AKIA" + "IOSFODNN7EXAMPLE",
        f"ghp_{LETTERS[:36]}",
        f"github_pat_{LETTERS[:30]}",
        "xoxb-" + "123456789012-abcdefABCDEF",
        f"AIza{LETTERS[:35]}",
        f"sk_live_{LETTERS[:24]}",
        f"hf_{LETTERS[:34]}",
        f"{TOKEN}.s5nature_-",
        f"glpat-{LETTERS[:20]}",
        f"npm_{LETTERS[:36]}",
        f"SG.{LETTERS[:22]}.{LETTERS[:40]}",
        f"LTAI5t{LETTERS[:18]}",
        f"gsk_{LETTERS[:40]}",
    ],
    "IBAN": ["DE89 3704 0044 0532 0130 00", "GB29NWBK60161331926819", "NO93 8601 1117 947", "FR1420041010050500013M02606"],
    "IP": ["203.0.113.7", "192.168.1.20", "2001:db8::8a2e:370:7334", "fe80:0:0:0:204:61ff:fe9d:f156"],
}
FRAMES = ["{}", "my value is {}.", "看这个：{}，谢谢", "({})", "a\n{}\nb"]


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in SECRETS.items() for value in values])
def test_a_value_is_replaced_wherever_it_stands(kind: str, value: str, frame: str) -> None:
    assert redact_text(frame.format(value)) == (frame.format(f"<{kind}_1>"), 1)
    assert redact_json(Redactor(), json.dumps({"note": frame.format(value)})) == json.dumps(
        {"note": frame.format(f"<{kind}_1>")}
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://h.example/a?token=abc123xyz&x=1", "https://h.example/a?token=<KEY_1>&x=1"),
        ("https://h.example/cb#access_token=abc123xyz", "https://h.example/cb#access_token=<KEY_1>"),
        ("https://s3.example/f?X-Amz-Signature=0a1b2c3d4e", "https://s3.example/f?X-Amz-Signature=<KEY_1>"),
        ("https://h.example/?api_key=abcdefgh，请看", "https://h.example/?api_key=<KEY_1>，请看"),
        ("postgres://ann:s3cret@db.example/x", "postgres://ann:<KEY_1>@db.example/x"),
        ("Authorization: Bearer abcdefghijklmnopqrstuv==", "Authorization: Bearer <KEY_1>"),
        ("from 203.0.113.7 to 203.0.113.8 and 203.0.113.7", "from <IP_1> to <IP_2> and <IP_1>"),
        ("DE89370400440532013000 is DE89 3704 0044 0532 0130 00 TO", "<IBAN_1> is <IBAN_1> TO"),
    ],
)
def test_only_the_secret_part_goes_and_the_same_value_keeps_its_name(text: str, expected: str) -> None:
    assert redact_text(text)[0] == expected
    assert redact_text(expected) == (expected, 0)


@pytest.mark.parametrize(
    "text",
    [
        "sk-learn-and-some-other-long-names",
        "the task-force-of-the-ministry-2026 met",
        "https://h.example/search?q=token&page=2",
        "https://h.example/?key=1&id=42&code=SUMMER",
        "bearer of good news",
        "the token=5 rule",
        "version 1.2.3.4 of the app",
        "see 1.2.3.4.5 and 300.1.2.3",
        "127.0.0.1 or 0.0.0.0 or ::1",
        "at 10:30:45 on 12:01",
        "C++ std::vector and a::b",
        "FR1420041010050500013M02605 has a wrong check digit",
        "flight LH12 3456 at gate B12 3456",
        "Asia, 2026",
    ],
)
def test_what_only_looks_like_one_stays(text: str) -> None:
    assert redact_text(text) == (text, 0)


def test_check_digits_known_to_be_right() -> None:
    assert all(map(is_iban, SECRETS["IBAN"]))
    assert not is_iban("GB29NWBK60161331926818")
    assert not is_iban("GB29")


VALUES = [(kind, value) for kind, values in SECRETS.items() for value in values]


@given(
    st.lists(st.tuples(st.sampled_from(VALUES), st.sampled_from([" ", ", ", "\n", "，", " or ", '"'])), min_size=1, max_size=5)
)
def test_no_planted_value_survives_and_a_second_pass_finds_nothing(parts: list[tuple[tuple[str, str], str]]) -> None:
    redacted, count = redact_text("x " + "".join(value + gap for (_, value), gap in parts))
    assert count == len(parts)
    assert not any(value in redacted for (_, value), _ in parts)
    assert redact_text(redacted) == (redacted, 0)
