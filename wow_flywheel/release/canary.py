"""A canary: a release that serves a share of the traffic beside the current one, until it is finished or stopped.

What belongs here: the pointer file, and which conversations are the canary's. What does not: releases (`store`), serving.
"""

import json
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from wow_flywheel.errors import ReleaseError
from wow_flywheel.storage import write_atomic


@dataclass(frozen=True, slots=True)
class Canary:
    """A release and its share of the traffic.

    Attributes:
        release: Its id.
        share: Of the conversations, above 0 and below 1.

    Raises:
        ReleaseError: The share is out of range.
    """

    release: str
    share: float

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise ReleaseError(
                f"a canary's share is above 0 and below 1, not {self.share}", hint="a whole release is current, not a canary"
            )

    def takes(self, conversation_id: str) -> bool:
        """Whether a conversation is the canary's: by the hash of its id, so that all its turns go to one model.

        The first 8 bytes of SHA-256 of `canary:<release>:<conversation>`, read as a fraction of 2⁶⁴, lie below the share. A
        larger share keeps the conversations that a smaller one had; another release draws others.
        """
        text = f"canary:{self.release}:{conversation_id}"
        return int.from_bytes(sha256(text.encode()).digest()[:8], "big") / 2**64 < self.share


@dataclass(frozen=True, slots=True)
class CanaryPointer:
    """The file that names the canary; replaced whole, removed when there is none."""

    path: Path

    def read(self) -> Canary | None:
        """The canary, or None.

        Raises:
            ReleaseError: The file is malformed.
        """
        if not self.path.is_file():
            return None
        try:
            record = json.loads(self.path.read_text())
            return Canary(str(record["release"]), float(record["share"]))
        except (ValueError, KeyError, TypeError) as error:
            raise ReleaseError(
                f"{self.path} is no canary pointer", hint="remove it: `wow-flywheel release canary stop`"
            ) from error

    def write(self, canary: Canary) -> None:
        """Point to a canary."""
        write_atomic(self.path, json.dumps({"release": canary.release, "share": canary.share}).encode() + b"\n")

    def clear(self) -> None:
        """Point to none."""
        self.path.unlink(missing_ok=True)
