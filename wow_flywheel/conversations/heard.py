"""What people said on lines of its own, or of what is not here, while a day is read: rows of the table `feedback`.

What belongs here: redacting such a word, and dropping those on conversations of forgotten people. What does not: reading words
(`record`, `readers`), and which conversation they speak of (`feedback`).
"""

import datetime as dt
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import polars as pl

from wow_flywheel.contracts import FEEDBACK_LINES
from wow_flywheel.conversations.feedback import ORDER
from wow_flywheel.conversations.fields import Row
from wow_flywheel.conversations.readers.records import linked
from wow_flywheel.conversations.readers.values import Message
from wow_flywheel.conversations.redaction.json_text import redact_content, redact_json
from wow_flywheel.conversations.redaction.names import as_personal
from wow_flywheel.conversations.redaction.placeholders import Redactor, pseudonym
from wow_flywheel.conversations.words import Word
from wow_flywheel.forget.tombstones import Forgotten


@dataclass(slots=True)
class Heard:
    """The words of a day.

    Args:
        day: The day.
        forgotten: Whose conversations nothing is kept of.
    """

    day: dt.date
    forgotten: Forgotten
    redactions: int = 0
    _rows: list[Row] = field(default_factory=list)

    def add(self, file: str, line: int, word: Word, user: str | None = None) -> bool:
        """Take in a word; False, and nothing is kept, if it is on a conversation of somebody forgotten.

        Args:
            file: Where it was said.
            line: The line there.
            word: What was said.
            user: The one customer whom the line names, as stored.
        """
        ids = [_stored(each) for each in word.ids]
        if any(self.forgotten.had(each) for each in ids):
            return False
        redactor = Redactor.knowing(found for text in word.personal if (found := as_personal(text)))
        comment, score = word.feedback.get("comment"), word.feedback.get("score")
        self._rows.append(
            {
                "dt": self.day,
                "rated_conversation_id": word.conversation and _stored(word.conversation),
                "rated_message_id": word.message and _stored(word.message),
                "rated_ids": ids,
                "user_id": user,
                "thumb": word.feedback.get("thumb"),
                "score": None if score is None else float(score),
                "comment": redactor.redact(_storable(comment)) if comment else None,
                "correction": _redacted(redactor, word.reply) if word.reply else None,
                "source_file": file,
                "source_line": line,
            }
        )
        self.redactions += redactor.count
        return True

    def lines(self, theirs: Collection[str]) -> pl.DataFrame:
        """The words in the order of arrival, without those that name an id of somebody forgotten; `joined` is not known yet.

        Args:
            theirs: Ids of conversations, calls and traces that were read today and left out.
        """
        rows = [row for row in self._rows if not set(theirs) & set(row["rated_ids"])]
        part = pl.int_range(1, pl.len() + 1).over("source_file", "source_line")
        frame = pl.DataFrame(rows, schema=pl.Schema(FEEDBACK_LINES.columns)).with_columns(part=part)
        return FEEDBACK_LINES.conform(frame.sort(*ORDER))


def _redacted(redactor: Redactor, reply: Sequence[Message]) -> str:
    """A reply as JSON messages in the shape of the table `conversations`."""
    said = []
    for each in linked(reply):
        calls = [
            {"id": call["id"], "name": call["name"], "arguments": redact_json(redactor, call["arguments"])}
            for call in each.get("tool_calls") or ()
        ]
        text, tool = each.get("content"), each["role"] == "tool"
        content = (redact_json if tool else redact_content)(redactor, text) if text else None
        said.append(
            {"role": each["role"], "content": content, "tool_calls": calls or None, "tool_call_id": each.get("tool_call_id")}
        )
    return _storable(json.dumps(said, ensure_ascii=False))


def _stored(name: str) -> str:
    return pseudonym(Redactor(), _storable(name))


def _storable(text: str) -> str:
    """A text without lone surrogates, which JSON escapes can smuggle in and UTF-8 cannot hold."""
    return text.encode(errors="replace").decode()
