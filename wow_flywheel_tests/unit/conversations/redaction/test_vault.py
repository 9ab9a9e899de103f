"""Originals are stored only encrypted, open only with their key, and belong to their day."""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from wow_flywheel.cli import app
from wow_flywheel.conversations.redaction.rows import redact_row
from wow_flywheel.conversations.redaction.vault import EncryptedVault, new_key, open_vault
from wow_flywheel.errors import SettingsError, VaultError
from wow_flywheel.settings import Settings

DAY, NEXT = dt.date(2026, 11, 5), dt.date(2026, 11, 6)
KEY = new_key()
SECRET = "ann.lee@mail.example"


def opened(folder: Path, key: str = KEY) -> EncryptedVault:
    vault = open_vault(str(folder), {"WOW_VAULT_KEY": key})
    assert vault is not None
    return vault


def test_an_original_comes_back_and_is_nowhere_in_clear(tmp_path: Path) -> None:
    vault = opened(tmp_path)
    message = {"role": "user", "content": f"I am {SECRET}, 张三, {SECRET}", "tool_calls": None}
    row = {"conversation_id": "c1", "user_id": "u1", "messages": [message], "feedback": None}
    redacted = redact_row(row, [("NAME", "张三")], keep=lambda *kept: vault.keep(DAY, *kept))
    assert redacted["messages"][0]["content"] == "I am <EMAIL_1>, <NAME_1>, <EMAIL_1>"
    vault.flush(DAY)
    assert opened(tmp_path).reveal("c1", "<EMAIL_1>") == SECRET
    assert opened(tmp_path).reveal("c1", "<NAME_1>", DAY) == "张三"
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert not any(value.encode() in data for data in files for value in (SECRET, "张三", KEY))


def test_a_day_written_again_replaces_its_entries_and_no_others(tmp_path: Path) -> None:
    vault = opened(tmp_path)
    for day, value in ((DAY, "a@b.com"), (NEXT, "c@d.com"), (DAY, "e@f.com")):
        vault.keep(day, "c1", {"<EMAIL_1>": value})
        vault.flush(day)
    assert vault.reveal("c1", "<EMAIL_1>", DAY) == "e@f.com"
    assert vault.reveal("c1", "<EMAIL_1>", NEXT) == "c@d.com"
    with pytest.raises(VaultError, match="2026-11-05, 2026-11-06 → name the day"):
        vault.reveal("c1", "<EMAIL_1>")
    vault.flush(DAY)
    with pytest.raises(VaultError, match="has no <EMAIL_1>"):
        vault.reveal("c1", "<EMAIL_1>", DAY)


def test_a_wrong_key_neither_opens_nor_writes(tmp_path: Path) -> None:
    vault = opened(tmp_path)
    vault.keep(DAY, "c1", {"<EMAIL_1>": SECRET})
    vault.flush(DAY)
    with pytest.raises(SettingsError, match="WOW_VAULT_KEY does not open"):
        opened(tmp_path, new_key())


def test_an_entry_moved_to_another_conversation_does_not_open(tmp_path: Path) -> None:
    vault = opened(tmp_path)
    vault.keep(DAY, "c1", {"<EMAIL_1>": SECRET})
    vault.flush(DAY)
    moved = vault.lake.read("vault").with_columns(pl.lit("c2").alias("conversation_id"))
    vault.lake.replace("vault", moved, DAY)
    with pytest.raises(SettingsError, match="does not open an entry"):
        vault.reveal("c2", "<EMAIL_1>")


@pytest.mark.parametrize("key", ["", "short", "!" * 44, KEY[:-8]], ids=["empty", "short", "no Base64", "cut"])
def test_no_key_or_a_malformed_one_is_named(tmp_path: Path, key: str) -> None:
    with pytest.raises(SettingsError, match="WOW_VAULT_KEY is not") as raised:
        open_vault(str(tmp_path), {"WOW_VAULT_KEY": key})
    assert not key or key not in str(raised.value)


def test_no_vault_set_keeps_nothing() -> None:
    assert open_vault(None, {}) is None
    assert Settings.from_env({}).vault_uri is None


def test_settings_name_what_is_wrong() -> None:
    with pytest.raises(SettingsError, match="WOW_VAULT_URI is set but WOW_VAULT_KEY is not"):
        Settings.from_env({"WOW_VAULT_URI": "/v"})
    with pytest.raises(SettingsError, match="'a b', which is no dotted path"):
        Settings.from_env({"WOW_PERSONAL_FIELDS": "customer.name, a b"})
    assert Settings.from_env({"WOW_PERSONAL_FIELDS": " customer.name, 姓名 ,"}).personal_fields == ("customer.name", "姓名")
    assert KEY not in repr(Settings.from_env({"WOW_VAULT_URI": "/v", "WOW_VAULT_KEY": KEY}))


def test_the_command_reveals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vault = opened(tmp_path)
    vault.keep(DAY, "c1", {"<EMAIL_1>": SECRET})
    vault.flush(DAY)
    monkeypatch.setenv("WOW_VAULT_URI", str(tmp_path))
    monkeypatch.setenv("WOW_VAULT_KEY", KEY)
    asked = ["conversations", "reveal", "--conversation-id", "c1", "--placeholder", "<EMAIL_1>"]
    assert CliRunner().invoke(app, asked).stdout == f"{SECRET}\n"
    monkeypatch.delenv("WOW_VAULT_URI")
    refused = CliRunner().invoke(app, asked)
    assert refused.exit_code == 1
    assert "WOW_VAULT_URI is not set" in refused.stderr
