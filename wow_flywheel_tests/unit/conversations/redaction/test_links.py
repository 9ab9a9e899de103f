"""Secrets in links, passwords, private keys, mailboxes in any script; expectations written by hand."""

import json

import pytest

from wow_flywheel.conversations.redaction.json_text import redact_json, redact_text
from wow_flywheel.conversations.redaction.placeholders import Redactor

CHANCE = "aB3dE5gH7jK9mN2pQ4rS6tU8vW"
BODY = "Proc-Type: 4,ENCRYPTED\n\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFaBc=\n"
PEM = f"-----BEGIN RSA PRIVATE KEY-----\n{BODY}-----END RSA PRIVATE KEY-----"
FOUND = {
    f"https://h.example/cb?code={CHANCE}&state=1": "https://h.example/cb?code=<KEY_1>&state=1",
    f"https://h.example/cb?x=1&ticket=ST-12-{CHANCE}": "https://h.example/cb?x=1&ticket=<KEY_1>",
    "https://h.example/reset/0a1b2c3d4e5f60718293?x=1": "https://h.example/reset/<KEY_1>?x=1",
    "https://h.example/verify-email/550e8400-e29b-41d4-a716-446655440000.": "https://h.example/verify-email/<KEY_1>.",
    f"https://hooks.example/services/T00000000/B00000000/{CHANCE}，谢谢": "https://hooks.example/services/T00000000/B00000000/<KEY_1>，谢谢",
    f"https://h.example/d/{CHANCE}/e/{CHANCE}x": "https://h.example/d/<KEY_1>/e/<KEY_2>",
    PEM: "<KEY_1>",
    f"my key: {PEM} thanks": "my key: <KEY_1> thanks",
    "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFaBcdefghijklmnop": "<KEY_1>",
    "password: hunter2": "password: <KEY_1>",
    "My password is S3cret!, ok?": "My password is <KEY_1>, ok?",
    'passwd = "correct_horse"': 'passwd = "<KEY_1>"',
    "密码是abcdef。": "密码是<KEY_1>。",
    "我的密码：Qw123456，帮我看看": "我的密码：<KEY_1>，帮我看看",
    "пишите на дима@почта.рф, спасибо": "пишите на <EMAIL_1>, спасибо",
    "请发到ann@例子.公司谢谢": "请发到<EMAIL_1>谢谢",
    "我的邮箱是用户@例子.公司。": "我的邮箱是<EMAIL_1>。",
    "邮箱：张三@qq.com，谢谢": "邮箱：<EMAIL_1>，谢谢",
    "δοκιμή@παράδειγμα.ελ": "<EMAIL_1>",
    "ann@bücher.example": "<EMAIL_1>",
    "身份证号码：110105491231002": "身份证号码：<ID_1>",
    "my ID card is 110105491231002.": "my ID card is <ID_1>.",
}
STAYS = [
    "https://shop.example/sale?code=SUMMER2026&key=spring-sale-of-all-things",
    "https://h.example/blog/How-To-Reset-Your-Password-In-2026",
    "https://h.example/blog/ThisIsALongCamelCaseTitleOf2026",
    "https://h.example/commit/0a1b2c3d4e5f60718293a4b5c6d7e8f901234567",
    f"https://cdn.example/i/{CHANCE}.jpg",
    "https://h.example/orders/550e8400-e29b-41d4-a716-446655440000",
    "https://h.example/reset/instructions-for-customers",
    "password is required! The password was wrong, Password: 8-16 characters",
    "password: ******** or ${PASSWORD}",
    "密码是多少？密码是错误的。密码是：******",
    "paste what is between -----BEGIN PRIVATE KEY----- and the end",
    "-----BEGIN PUBLIC KEY-----\nMIIEvQIBADANBgkqhkiG9w0B",
    "订单号110105491231002",
    "我们@小明.公园见",
]


@pytest.mark.parametrize(("text", "expected"), FOUND.items())
def test_secrets_are_found_with_nothing_around_them(text: str, expected: str) -> None:
    assert redact_text(text)[0] == expected
    assert json.loads(redact_json(Redactor(), json.dumps({"note": text}))) == {"note": expected}
    assert redact_text(expected) == (expected, 0)


@pytest.mark.parametrize("text", STAYS)
def test_what_only_looks_like_one_stays(text: str) -> None:
    assert redact_text(text) == (text, 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"password": "open sesame", "pwd": "correct-horse"}', '{"password": "open sesame", "pwd": "<KEY_1>"}'),
        ('{"apiKey": "aaaa-bbbb-cccc-1", "api_key": "see below"}', '{"apiKey": "<KEY_1>", "api_key": "see below"}'),
        ('{"password": null, "token": "the", "keys": ["a"]}', '{"password": null, "token": "the", "keys": ["a"]}'),
    ],
)
def test_keys_of_json_that_tell_a_secret(text: str, expected: str) -> None:
    assert redact_json(Redactor(), text) == expected
