"""The vault: what redaction replaced, encrypted, for the few who may look it up again.

What belongs here: encrypting, storing and revealing originals. What does not: finding them (`placeholders`), and who may hold
the key. Without `WOW_VAULT_URI` nothing keeps an original. With it, each one is encrypted by AES-256-GCM as soon as it is kept,
bound to its day, conversation and placeholder, so that no entry can pass for another; nothing is ever stored in clear.
"""

import base64
import binascii
import datetime as dt
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

import polars as pl

from wow_flywheel.contracts import VAULT
from wow_flywheel.errors import SettingsError, VaultError
from wow_flywheel.lake import Lake

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_VARIABLE: Final = "WOW_VAULT_KEY"
_NONCE_BYTES: Final = 12


class Vault(Protocol):
    """What ingestion hands originals to."""

    def keep(self, day: dt.date, conversation_id: str, originals: Mapping[str, str]) -> None:
        """Keep the originals of one conversation, by placeholder; what was kept of it before since the last flush goes."""
        ...

    def flush(self, day: dt.date) -> None:
        """Store what was kept of a day in place of what was stored of it before; a day without any is emptied."""
        ...


@dataclass(slots=True)
class EncryptedVault:
    """A vault in the Delta table `vault` under a URI of its own.

    Attributes:
        lake: Where the table is.
    """

    lake: Lake
    _cipher: "AESGCM" = field(repr=False)
    _pending: dict[dt.date, dict[str, list[tuple[str, bytes]]]] = field(default_factory=dict, repr=False)

    def keep(self, day: dt.date, conversation_id: str, originals: Mapping[str, str]) -> None:
        """Encrypt the originals of one conversation, to be stored by `flush`."""
        sealed = [(name, self._seal(value, _bound(day, conversation_id, name))) for name, value in originals.items()]
        self._pending.setdefault(day, {})[conversation_id] = sealed

    def flush(self, day: dt.date) -> None:
        """Replace the day's entries by those kept since the last flush, in one commit."""
        rows = [
            (day, conversation_id, name, sealed)
            for conversation_id, entries in self._pending.pop(day, {}).items()
            for name, sealed in entries
        ]
        self.lake.replace("vault", pl.DataFrame(rows, schema=pl.Schema(VAULT.columns), orient="row"), day)

    def reveal(self, conversation_id: str, placeholder: str, day: dt.date | None = None) -> str:
        """The original that a placeholder stands for in a conversation.

        Args:
            conversation_id: As in the table `conversations`.
            placeholder: Such as `<EMAIL_1>`.
            day: The conversation's day; needed only where an id is used on several days.

        Raises:
            SettingsError: The key is not the one that the vault was written with.
            VaultError: There is no such entry, or there are several days with one.
        """
        rows = self.lake.scan("vault").filter(
            pl.col("conversation_id") == conversation_id, pl.col("placeholder") == placeholder
        )
        found = (rows if day is None else rows.filter(pl.col("dt") == day)).collect()
        if found.is_empty():
            raise VaultError(
                f"the vault has no {placeholder} of conversation {conversation_id}",
                hint="check the id, the placeholder with its < and >, and that the day was ingested with the vault set",
            )
        if len(found) > 1:
            days = sorted(map(str, found["dt"]))
            raise VaultError(f"conversation {conversation_id} has {placeholder} on {', '.join(days)}", hint="name the day with --dt")
        entry = found.row(0, named=True)
        return self._open(entry["ciphertext"], _bound(entry["dt"], conversation_id, placeholder))

    def check(self) -> None:
        """Make sure that this key opens what is stored already, so that one vault is never written with two keys.

        Raises:
            SettingsError: It does not.
        """
        for day, conversation_id, placeholder, ciphertext in self.lake.scan("vault").head(1).collect().iter_rows():
            self._open(ciphertext, _bound(day, conversation_id, placeholder))

    def _seal(self, value: str, bound: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, value.encode("utf-8", "surrogatepass"), bound)

    def _open(self, ciphertext: bytes, bound: bytes) -> str:
        from cryptography.exceptions import InvalidTag

        try:
            plain = self._cipher.decrypt(ciphertext[:_NONCE_BYTES], ciphertext[_NONCE_BYTES:], bound)
        except InvalidTag as error:
            raise SettingsError(
                f"{KEY_VARIABLE} does not open an entry of {self.lake.table_uri('vault')}",
                hint=f"set {KEY_VARIABLE} to the key that the vault was written with; for a new key, set WOW_VAULT_URI to a new place",
            ) from error
        return plain.decode("utf-8", "surrogatepass")


def open_vault(uri: str | None, env: Mapping[str, str]) -> EncryptedVault | None:
    """The vault that the settings name, or None where none is set.

    Args:
        uri: `Settings.vault_uri`.
        env: Usually `os.environ`, for the key.

    Raises:
        SettingsError: The key is missing, malformed, or not the one of what is stored; or `cryptography` is not installed.
    """
    if uri is None:
        return None
    vault = EncryptedVault(Lake.at(uri), _cipher(env.get(KEY_VARIABLE, "").strip()))
    vault.check()
    return vault


def new_key() -> str:
    """A key for `WOW_VAULT_KEY`: 32 random bytes in URL-safe Base64."""
    return base64.urlsafe_b64encode(os.urandom(32)).decode()


def _cipher(key: str) -> "AESGCM":
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ImportError as error:
        raise SettingsError(
            "WOW_VAULT_URI is set but cryptography is not installed", hint="pip install 'wow-flywheel[vault]'"
        ) from error
    how = "make one with `wow-flywheel conversations vault-key` and set it in the environment only"
    if not key:
        raise SettingsError(f"WOW_VAULT_URI is set but {KEY_VARIABLE} is not", hint=how)
    try:
        raw = base64.b64decode(key, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 32:
        raise SettingsError(f"{KEY_VARIABLE} is not 32 bytes in URL-safe Base64", hint=how)
    return AESGCM(raw)


def _bound(day: dt.date, conversation_id: str, placeholder: str) -> bytes:
    """What an entry is bound to: it opens nowhere else."""
    return "\x1f".join((str(day), conversation_id, placeholder)).encode("utf-8", "surrogatepass")
