"""One release on disk: an immutable folder with a seal over its files.

What belongs here: building a release folder under a temporary name, reading it back, checking its seal. What does not: which
release is current (`store`).

    <id>/model/…         the checkpoint
    <id>/manifest.json   what it was made from
    <id>/decision.json   why the gate let it pass
    <id>/card.md         the same for people
    <id>/results.html    the cycle's results page without its examples, where there was an evaluation
    <id>/release.json    id, cycle, time, hash of the model
    <id>/seal.json       SHA-256 of every other file
"""

import datetime as dt
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from errno import EMLINK, ENOTSUP, EPERM, EXDEV
from pathlib import Path
from typing import Any, Final

from wow_flywheel.errors import ReleaseError
from wow_flywheel.model_files import digests, model_digest
from wow_flywheel.release.decision import Decision
from wow_flywheel.storage import sync_folder, write_atomic

SEAL: Final = "seal.json"
NO_LINK: Final = frozenset({EXDEV, EPERM, EMLINK, ENOTSUP})
"""What `link` answers where hard links cannot be made: then the file is copied."""
REPLACED_WHOLE: Final = ".safetensors"
"""Weights that their library writes to a new file and renames, so that a link keeps the old ones."""


@dataclass(frozen=True, slots=True)
class Release:
    """A released model.

    Attributes:
        id: `<number>-<cycle>`, also its folder's name.
        cycle: The training cycle that made it.
        path: Its folder.
        created_at: When it was released, RFC 3339, UTC.
        model_sha256: Hash over the names and contents of the model's files.
        manifest: What it was made from.
        decision: Why the gate let it pass.
    """

    id: str
    cycle: str
    path: Path
    created_at: str
    model_sha256: str
    manifest: Mapping[str, Any]
    decision: Decision

    @property
    def model_dir(self) -> Path:
        """The checkpoint folder."""
        return self.path / "model"

    def to_dict(self) -> dict[str, Any]:
        """The release as JSON values."""
        return {
            "id": self.id,
            "cycle": self.cycle,
            "created_at": self.created_at,
            "model_dir": str(self.model_dir),
            "model_sha256": self.model_sha256,
            "manifest": dict(self.manifest),
            "decision": self.decision.model_dump(mode="json"),
        }


def build(folder: Path, release: Release, source: Path, page: str | None = None) -> None:
    """Write a whole release below `folder`, seal it and make it durable.

    Weights are hard-linked where the file system allows it, so a release costs no second copy of them. Everything else is
    copied: trainers rewrite those files in place, which a link would carry into the release.

    Args:
        folder: Where to.
        release: What it is to say.
        source: The checkpoint.
        page: The results page, HTML; None for none.

    Raises:
        ReleaseError: The checkpoint changed meanwhile.
    """
    for path in sorted(path for path in source.rglob("*") if path.is_file()):
        _copy(path.resolve(), folder / "model" / path.relative_to(source))
    if model_digest(folder / "model") != release.model_sha256:
        raise ReleaseError(f"{source} changed while it was copied", hint="promote once its training has ended")
    identity = {
        "id": release.id,
        "cycle": release.cycle,
        "created_at": release.created_at,
        "model_sha256": release.model_sha256,
    }
    _write_json(folder / "release.json", identity)
    _write_json(folder / "manifest.json", dict(release.manifest))
    _write_json(folder / "decision.json", release.decision.model_dump(mode="json"))
    write_atomic(folder / "card.md", card(release).encode())
    if page is not None:
        write_atomic(folder / "results.html", page.encode())
    _write_json(folder / SEAL, digests(folder))
    for each in [path for path in folder.rglob("*") if path.is_dir()]:
        sync_folder(each)


def read(path: Path) -> Release:
    """Read a release and check its seal.

    Raises:
        ReleaseError: The folder is missing or incomplete, or a file was changed, added or removed.
    """
    if not path.is_dir():
        raise ReleaseError(f"there is no release {path.name!r}", hint="wow-flywheel release list shows the releases")
    changed = _broken_seal(path)
    if changed:
        raise ReleaseError(
            f"release {path.name!r} is not as it was sealed: {', '.join(changed[:5])}",
            hint="do not serve it: roll back to another release, or restore its folder from a backup",
        )
    identity = json.loads((path / "release.json").read_text())
    return Release(
        id=identity["id"],
        cycle=identity["cycle"],
        path=path,
        created_at=identity["created_at"],
        model_sha256=identity["model_sha256"],
        manifest=json.loads((path / "manifest.json").read_text()),
        decision=Decision.model_validate_json((path / "decision.json").read_text()),
    )


def card(release: Release) -> str:
    """The release in Markdown, for people."""
    decision = release.decision
    lines = [
        f"# Release {release.id}",
        "",
        f"Cycle {release.cycle}, released {release.created_at}. Model SHA-256 `{release.model_sha256[:16]}…`.",
        f"Candidate `{decision.candidate}` against `{decision.baseline}`: {decision.reason}.",
        "",
        "| metric | measured | value | 95 % interval | n |",
        "|---|---|---|---|---|",
        *(
            f"| {m.metric} | {m.kind or '–'} | {_number(m.value)} | {_number(m.low)} to {_number(m.high)} | {m.n} |"
            for m in decision.metrics
        ),
        "",
        "| check | passed | why |",
        "|---|---|---|",
        *(f"| {c.name} | {'n/a' if c.passed is None else 'yes' if c.passed else 'no'} | {c.why} |" for c in decision.checks),
        "",
        *(f"Alarm: {alarm.name}. {alarm.why}" for alarm in decision.alarms),
    ]
    return "\n".join(lines).rstrip() + "\n"


def now() -> str:
    """The time, RFC 3339 in UTC, to the second."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _broken_seal(path: Path) -> list[str]:
    seal = path / SEAL
    if not seal.is_file():
        return [f"{SEAL} is missing"]
    try:
        promised: dict[str, str] = json.loads(seal.read_text())
    except json.JSONDecodeError:
        return [f"{SEAL} is not JSON"]
    found = digests(path)
    found.pop(SEAL)
    return [
        *(f"{name} is missing" for name in promised if name not in found),
        *(f"{name} was added" for name in found if name not in promised),
        *(f"{name} was changed" for name in found if name in promised and found[name] != promised[name]),
    ]


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.suffix != REPLACED_WHOLE or not _linked(source, target):
        shutil.copy2(source, target)
    with target.open("rb") as stream:
        os.fsync(stream.fileno())


def _linked(source: Path, target: Path) -> bool:
    try:
        target.hardlink_to(source)
    except OSError as error:
        if error.errno not in NO_LINK:
            raise
        return False
    return True


def _write_json(path: Path, value: object) -> None:
    write_atomic(path, json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True, allow_nan=False).encode() + b"\n")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
