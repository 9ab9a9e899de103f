"""Writes what is served as native log records: the logs that the next turn of the wheel reads.

What belongs here: when a conversation is written, and exactly-once delivery to its file. What does not: HTTP (`app`), the
journal's file (`journal`).

Each turn goes to the journal before the customer sees it. A conversation becomes one line of
`dt=<business day it began>/<journal's name>.jsonl` when it is closed, idle for long, or the server stops. After a crash the
next process takes over: open conversations stay open, and a record that was being written is written once. A record that a
full disk refused is written once there is room.
"""

import datetime as dt
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from wow_flywheel.errors import SettingsError
from wow_flywheel.serving.conversation import About, Closing, Conversation, Event, LoggedMessage, State, rfc3339
from wow_flywheel.serving.journal import abandoned, claim
from wow_flywheel.storage import append_durable, is_s3, storage_errors, sync_folder

JOURNAL_LIMIT: Final = 16 * 1024 * 1024


def utc_now() -> dt.datetime:
    """The time."""
    return dt.datetime.now(dt.UTC)


class LogWriter:
    """Keeps conversations until they end, then logs them. Its methods may be called from several threads.

    Args:
        logs_uri: `WOW_LOGS_URI`, a local or mounted folder.
        timezone: `WOW_TIMEZONE`, in which a business day is counted.
        clock: Tells the time.
        pid: The process; names its files.

    Raises:
        SettingsError: The logs are in S3, whose objects cannot be appended to.
    """

    def __init__(
        self, logs_uri: str, *, timezone: str = "UTC", clock: Callable[[], dt.datetime] = utc_now, pid: int | None = None
    ) -> None:
        if is_s3(logs_uri):
            raise SettingsError(
                f"serving cannot append its logs to {logs_uri}",
                hint="set WOW_LOGS_URI to a local or mounted folder for serving, and copy its dt= folders to the bucket",
            )
        self._root = Path(logs_uri)
        self._timezone = timezone
        self._clock = clock
        self._guard = threading.Lock()
        self._journal = claim(self._root, pid or os.getpid())
        self._state = State()
        self._recover()

    def conversation_of(self, user_id: str, history: list[LoggedMessage]) -> str | None:
        """The open conversation of a customer that a history continues, if there is one."""
        with self._guard:
            found = (each for each in self._state.open.values() if each.about.user_id == user_id and each.begins(history))
            return next((each.conversation_id for each in found), None)

    def turn(
        self, conversation_id: str, about: About, history: list[LoggedMessage], reply: LoggedMessage, received: dt.datetime
    ) -> None:
        """Keep one turn durably.

        Args:
            conversation_id: The conversation; a new one is opened.
            about: Whose it is.
            history: The whole conversation as the client sent it, oldest first, in the log's form.
            reply: The assistant's answer in the log's form, with `usage`.
            received: When the request came: the time of its new messages.

        Raises:
            StorageUnavailable: The disk is full or fails; the turn is not kept.
        """
        with self._changed():
            known = self._state.open.get(conversation_id) or Conversation(conversation_id, about)
            known = Conversation(conversation_id, about, known.messages)
            messages = [*known.dated(history, received), {**reply, "created_at": rfc3339(self._clock())}]
            self._keep(known.turn_event(messages))

    def close(self, conversation_id: str, feedback: dict[str, Any] | None = None) -> Path | None:
        """Log a conversation; returns its file, or None if no such conversation is open.

        Raises:
            StorageUnavailable: The disk is full or fails; the conversation is logged later.
        """
        with self._changed():
            return self._close(conversation_id, feedback) if conversation_id in self._state.open else None

    def close_idle(self, idle: dt.timedelta) -> int:
        """Log every conversation whose last message is at least `idle` old, and what the disk refused; returns how many.

        Raises:
            StorageUnavailable: The disk is full or fails; the next call goes on.
        """
        with self._changed():
            settled = self._settle()
            latest = self._clock() - idle
            ended = [name for name, each in self._state.open.items() if each.ended_at <= latest]
            for name in ended:
                self._close(name, None)
            return settled + len(ended)

    def stop(self) -> None:
        """Log every open conversation, and leave no journal behind.

        Raises:
            StorageUnavailable: The disk is full or fails; the journal stays for the next process.
        """
        with self._changed():
            self._settle()
            for name in list(self._state.open):
                self._close(name, None)
            self._journal.remove()

    @contextmanager
    def _changed(self) -> Iterator[None]:
        with self._guard, storage_errors(str(self._root), "WOW_LOGS_URI"):
            yield

    def _recover(self) -> None:
        """Take over what this process id and dead processes left; only then their journals go."""
        left = abandoned(self._root, self._journal)
        for journal in (self._journal, *left):
            state = State.of(journal.events())
            for closing in state.closing.values():
                self._finish(closing)
            self._state.adopt(state)
        self._journal.replace(self._state.snapshot())
        for journal in left:
            journal.remove()

    def _close(self, conversation_id: str, feedback: dict[str, Any] | None) -> Path:
        self._settle()
        conversation = self._state.open[conversation_id]
        closing = Closing(conversation, feedback, f"dt={conversation.day(self._timezone)}/{self._journal.name}.jsonl")
        self._keep(closing.event())
        self._write(closing)
        self._keep({"event": "written", "conversation_id": conversation_id})
        if not self._state.open or self._journal.size > JOURNAL_LIMIT:
            self._journal.replace(self._state.snapshot())
        return self._root / closing.file

    def _settle(self) -> int:
        """Log what is closed and not in its file because the disk refused it; returns how many."""
        refused = list(self._state.closing.items())
        for name, closing in refused:
            self._finish(closing)
            self._keep({"event": "written", "conversation_id": name})
        return len(refused)

    def _keep(self, event: Event) -> None:
        self._journal.append(event)
        self._state.apply(event)

    def _write(self, closing: Closing) -> None:
        path = self._root / closing.file
        path.parent.mkdir(parents=True, exist_ok=True)
        append_durable(path, _line(closing))
        sync_folder(path.parent)

    def _finish(self, closing: Closing) -> None:
        """Write a record unless it is there: the crash may have come before, within or after its write."""
        path = self._root / closing.file
        content = path.read_bytes() if path.is_file() else b""
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            os.truncate(path, len(whole))
        if _line(closing) not in whole.splitlines(keepends=True):
            self._write(closing)


def _line(closing: Closing) -> bytes:
    return json.dumps(closing.conversation.record(closing.feedback), ensure_ascii=False).encode() + b"\n"
