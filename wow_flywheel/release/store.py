"""Releases on disk: promotion, the pointer to the current one, rollback, differences.

What belongs here: moves between releases, each safe against a crash at any step. What does not: the decision (`gate`).

A promotion builds the folder under a temporary name, renames it, replaces the file `current`, then appends to `history.jsonl`.
Cut off at any point, the old release stays current or the new one is, whole; promoting again finishes what is missing.

Only what was judged is released, and only against what is in use: the model's files must hash as the decision says that the
evaluated ones did, and the current release must be the decision's baseline. Before the first release there is nothing to judge
against.
"""

import fcntl
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

from wow_flywheel.errors import ReleaseError
from wow_flywheel.model_files import model_digest
from wow_flywheel.release import folder
from wow_flywheel.release.canary import Canary, CanaryPointer
from wow_flywheel.release.decision import Decision
from wow_flywheel.release.diff import ReleaseDiff
from wow_flywheel.release.folder import Release
from wow_flywheel.release.history import Action, History, Move
from wow_flywheel.storage import sync_folder, write_atomic

RELEASE_ID: Final = re.compile(r"^(?P<number>\d{4,})-(?P<cycle>[A-Za-z0-9][A-Za-z0-9._-]*)$")
TEMPORARY: Final = ".building-"
JUDGE_AGAIN: Final = "run `evaluation` and its gate again on this model"


class ReleaseStore:
    """The releases under `<models_uri>/releases`.

    Args:
        models_uri: `WOW_MODELS_URI`, a local or mounted folder.
    """

    def __init__(self, models_uri: str | Path) -> None:
        self.root = Path(models_uri) / "releases"
        self.history = History(self.root / "history.jsonl")
        self._canary = CanaryPointer(self.root / "canary.json")

    def promote(
        self,
        model_dir: Path,
        manifest: Mapping[str, Any],
        decision: Decision,
        cycle: str,
        *,
        page: str | None = None,
        share: float = 1.0,
    ) -> Release:
        """Release a model and make it current, or where its share is below 1 and there is a current one, its canary.

        Promoting the same model of the same cycle again gives the same release. It also completes a promotion that a crash cut
        off, but never moves the pointer back: after a newer release or a rollback, `rollback(to=…)` is the way to return.

        Args:
            model_dir: The checkpoint folder; weights are hard-linked where possible, the rest is copied.
            manifest: What the model was made from, as JSON values.
            decision: The gate's; it must have passed.
            cycle: The training cycle: letters, digits, dot, dash, underscore.
            page: The results page, HTML; None for none.
            share: Of the traffic, above 0 and at most 1.

        Raises:
            ReleaseError: The gate did not pass, there is no model, the cycle's name is not usable, this model's release was
                tampered with, it is not what was judged against the current one, or another release is the canary.
        """
        if not decision.passed:
            raise ReleaseError(
                f"the gate refused cycle {cycle!r}: {decision.reason}", hint="the current release stays in place"
            )
        if not RELEASE_ID.match(f"0001-{cycle}"):
            raise ReleaseError(f"{cycle!r} cannot name a release", hint="use letters, digits, dots, dashes and underscores")
        digest = model_digest(model_dir)
        with self._locked():
            self._settle()
            release = self._find(cycle, digest)
            if release is not None and self.history.was_introduced(release.id):
                return release
            self._check_judged(decision, digest)
            self._check_no_canary()
            release = release or self._build(model_dir, manifest, decision, cycle, digest, page)
            self._introduce(release.id, share)
            return release

    def current_id(self) -> str | None:
        """The id of the release now in use, unchecked, or None before the first."""
        pointer = self.root / "current"
        return pointer.read_text().strip() if pointer.is_file() else None

    def current(self) -> Release | None:
        """The release now in use, its seal checked, or None before the first.

        Raises:
            ReleaseError: It is missing, incomplete or tampered with.
        """
        name = self.current_id()
        return None if name is None else self.show(name)

    def canary(self) -> Canary | None:
        """The release that serves a share of the traffic beside the current one, or None.

        Raises:
            ReleaseError: The pointer is malformed.
        """
        return self._canary.read()

    def set_canary(self, release_id: str, share: float) -> Canary:
        """Let a release serve a share of the traffic.

        Raises:
            ReleaseError: There is no current release to serve the rest, it is the current one, the share is not between 0 and
                1, another release is the canary, or the release is missing, incomplete or tampered with.
        """
        canary = Canary(release_id, share)
        with self._locked():
            self._settle()
            if self.current_id() in {None, self.show(release_id).id}:
                raise ReleaseError(
                    f"{release_id} cannot be a canary beside {self.current_id()}", hint="a canary serves beside another release"
                )
            self._check_no_canary(but=release_id)
            self._start_canary(canary)
            return canary

    def finish_canary(self) -> Release:
        """Make the canary the current release.

        Raises:
            ReleaseError: There is none, it is incomplete or tampered with, or it was judged against another release than the
                current one.
        """
        with self._locked():
            self._settle()
            canary = self.canary()
            if canary is None:
                raise ReleaseError("there is no canary to finish", hint="wow-flywheel release list shows the releases")
            release = self.show(canary.release)
            self._check_judged(release.decision, release.model_sha256)
            self._move("promote", release.id)
            return release

    def stop_canary(self) -> None:
        """Let the current release serve all traffic again."""
        with self._locked():
            self._settle()
            self._canary.clear()
            self._settle_canary()

    def list(self) -> list[str]:
        """The ids of all releases, oldest first, their seals unchecked."""
        names = [path.name for path in self.root.iterdir()] if self.root.is_dir() else []
        return sorted((name for name in names if RELEASE_ID.match(name)), key=_number)

    def show(self, release_id: str) -> Release:
        """One release, its seal checked.

        Raises:
            ReleaseError: There is none of this id, or it is incomplete or tampered with.
        """
        if not RELEASE_ID.match(release_id):
            raise ReleaseError(f"there is no release {release_id!r}", hint="wow-flywheel release list shows the releases")
        return folder.read(self.root / release_id)

    def rollback(self, to: str | None = None) -> Release:
        """Point back to an earlier release; the one left behind stays on disk.

        Args:
            to: A release's id; None means the one that the current one replaced.

        Raises:
            ReleaseError: There is nothing to go back to, or the target is missing, incomplete or tampered with.
        """
        with self._locked():
            self._settle()
            release = self.show(to or self._previous())
            if release.id != self.current_id():
                self._move("rollback", release.id)
            return release

    def diff(self, a: str, b: str) -> ReleaseDiff:
        """What differs between the manifests and the metrics of two releases.

        Raises:
            ReleaseError: One of them is missing, incomplete or tampered with.
        """
        return ReleaseDiff.of(self.show(a), self.show(b))

    def _find(self, cycle: str, digest: str) -> Release | None:
        for name in self.list():
            match = RELEASE_ID.match(name)
            if match and match["cycle"] == cycle and (release := self.show(name)).model_sha256 == digest:
                return release
        return None

    def _check_judged(self, decision: Decision, digest: str) -> None:
        current, judged = self.current_id(), decision.models.get(decision.candidate)
        if judged is not None and judged != digest:
            raise ReleaseError(
                f"the files are not those that were judged: {decision.candidate} hashes to {digest[:12]}, not {judged[:12]}",
                hint=JUDGE_AGAIN,
            )
        if current is None:
            return
        if judged is None:
            raise ReleaseError(f"the decision does not say which files of {decision.candidate} were judged", hint=JUDGE_AGAIN)
        if decision.baseline != current:
            raise ReleaseError(
                f"{decision.candidate} was judged against {decision.baseline}, but {current} is in use now",
                hint="run the cycle under a new key (such as its day with `-b`), which starts from the release in use and is "
                f"compared with it; or go back first: wow-flywheel release rollback --to {decision.baseline}",
            )

    def _check_no_canary(self, but: str | None = None) -> None:
        canary = self.canary()
        if canary is not None and canary.release != but:
            raise ReleaseError(
                f"{canary.release} is the canary, with {canary.share:.0%} of the conversations",
                hint="first `wow-flywheel release canary finish` or `wow-flywheel release canary stop`, then run this again",
            )

    def _introduce(self, release_id: str, share: float) -> None:
        if share < 1 and self.current_id() is not None:
            self._start_canary(Canary(release_id, share))
        else:
            self._move("promote", release_id)

    def _start_canary(self, canary: Canary) -> None:
        self._canary.write(canary)
        self._record("canary", canary.release, self.current_id(), canary.share)

    def _build(
        self, model_dir: Path, manifest: Mapping[str, Any], decision: Decision, cycle: str, digest: str, page: str | None
    ) -> Release:
        name = f"{max(map(_number, self.list()), default=0) + 1:04d}-{cycle}"
        release = Release(name, cycle, self.root / name, folder.now(), digest, manifest, decision)
        temporary = self.root / f"{TEMPORARY}{name}"
        temporary.mkdir()
        folder.build(temporary, release, model_dir, page)
        temporary.rename(release.path)
        sync_folder(self.root)
        return self.show(name)

    def _move(self, action: Literal["promote", "rollback"], release_id: str) -> None:
        came_from = self.current_id()
        write_atomic(self.root / "current", f"{release_id}\n".encode())
        self._record(action, release_id, came_from)
        canary = self._canary.read()
        if canary is not None and canary.release == release_id:
            self._canary.clear()

    def _record(self, action: Action, release_id: str, came_from: str | None, share: float | None = None) -> None:
        self.history.append(Move(folder.now(), action, release_id, came_from, share))

    def _settle(self) -> None:
        """Finish what a crash left: remove half-built folders, and write the history lines that moved pointers lack.

        A pointer to a release that was never promoted comes from a promotion; any other was a rollback.
        """
        for leftover in self.root.glob(f"{TEMPORARY}*"):
            shutil.rmtree(leftover)
        name, last = self.current_id(), self.history.last_current()
        if name is not None and name != last:
            self._record("rollback" if self.history.was_promoted(name) else "promote", name, last)
        self._settle_canary()

    def _settle_canary(self) -> None:
        canary, known = self._canary.read(), self.history.canary()
        if canary is not None and canary.release == self.current_id():
            self._canary.clear()
        elif canary is not None and (canary.release, canary.share) != known:
            self._record("canary", canary.release, self.current_id(), canary.share)
        elif canary is None and known is not None:
            self._record("canary stop", known[0], self.current_id())

    def _previous(self) -> str:
        line = self.history.line()
        if len(line) < 2:
            raise ReleaseError("there is no earlier release to go back to", hint="wow-flywheel release list shows the releases")
        return line[-2]

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One mover at a time; the lock goes with the process that holds it."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _number(release_id: str) -> int:
    return int(release_id.partition("-")[0])
