"""Redaction of many conversations at once: Python sees only the texts in which something may be found.

What belongs here: taking the texts out of nested columns and putting the redacted ones back. What does not: what is found in a
text (`rows` does the same for one conversation, and a test holds the two together), which texts may hold something (`screen`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Final

import polars as pl
import pyarrow as pa

from wow_flywheel.contracts import FEEDBACK, MESSAGE, TOOL_CALL
from wow_flywheel.conversations.redaction.asked import ANSWERS, CUE_WORDS, SPEAKERS, may_answer
from wow_flywheel.conversations.redaction.columns import OF_CALLS, OF_CONVERSATIONS, OF_MESSAGES, PROSE, redact_label
from wow_flywheel.conversations.redaction.json_text import redact_content, redact_json
from wow_flywheel.conversations.redaction.known_names import Known, people, replaced_together, told
from wow_flywheel.conversations.redaction.placeholders import Redactor, pseudonym
from wow_flywheel.conversations.redaction.rows import Keep
from wow_flywheel.conversations.redaction.screen import hidden, naming, suspicious

PERSONAL: Final = "personal"
"""The optional column of names that a record gives in fields of its own: a list of texts."""
_IDS: Final = ("conversation_id", "user_id")
_LABELS: Final = (*OF_CONVERSATIONS, *OF_MESSAGES, *OF_CALLS)
_CALL_IDS: Final = ("id", "tool_call_id")
_CONTENT, _ARGUMENTS, _COMMENT, _LABEL = 0, 1, 2, 3
_CALL_ID: Final = _LABEL + len(_LABELS)
_ID: Final = _CALL_ID + len(_CALL_IDS)
"""Kinds of texts: one of `_LABEL` for each of `_LABELS`, then those of ids, which are replaced as a whole."""
_NUMBER: Final = pl.int_range(pl.len(), dtype=pl.Int64)
_LAST: Final = 2**62
_MANY: Final = 20
_LOOKS_LIKE_JSON: Final = r"^[\s\x1c-\x1f]*[{\[]"

Text = tuple[int, int, int, str, str, str | None, bool]
"""Row, kind, place, role, text, the question that it may answer, suspicious."""


def redact_frame(frame: pl.DataFrame, *, keep: Keep | None = None) -> pl.DataFrame:
    """Conversations with every free text redacted: what `redact_row` gives for each of them.

    Args:
        frame: Rows with at least conversation_id, user_id, messages and feedback of the table `conversations`, none of the
            first three null, and optionally `personal`: List(String), the texts at `personal_paths`.
        keep: What is given the originals, if they are kept at all.

    Returns:
        The same rows and columns without `personal`, and `redactions` (Int64), how many values were replaced.
    """
    given = frame[PERSONAL] if PERSONAL in frame.columns else pl.Series([None] * len(frame), dtype=pl.List(pl.String))
    plain = frame.drop(PERSONAL, "redactions", strict=False).with_columns(redactions=pl.lit(0, pl.Int64))
    messages = _messages(plain)
    calls = _calls(messages)
    texts = _texts(plain, messages, calls)
    known = told(_in_order(texts.filter(pl.col("naming") & (pl.col("kind") != _COMMENT))), given)
    changes = _Changes()
    if keep is None:
        known = _replace_together(texts, known, changes)
    ids = plain.select(_IDS)
    for row, said in groupby(_to_look_at(texts, known).iter_rows(), key=itemgetter(0)):
        changes.redact(Redactor.knowing(known.get(row, ())), row, ids.row(row), list(said), keep)
    return _put_back(plain, messages, calls, changes)


def _messages(frame: pl.DataFrame) -> pl.DataFrame:
    """One row a message, with the place of its conversation in `row`."""
    kept = frame.select(pl.col("messages").cast(pl.List(MESSAGE)), row=_NUMBER)
    return kept.filter(pl.col("messages").list.len() > 0).explode("messages").unnest("messages")


def _calls(messages: pl.DataFrame) -> pl.DataFrame:
    """One row a tool call, with the place of its conversation in `row` and of its message in `message`."""
    kept = messages.select("row", "tool_calls", message=_NUMBER)
    return kept.filter(pl.col("tool_calls").list.len() > 0).explode("tool_calls").unnest("tool_calls")


def _texts(frame: pl.DataFrame, messages: pl.DataFrame, calls: pl.DataFrame) -> pl.DataFrame:
    """All texts, each with its place in `_Changes.texts` and what the screen says of it."""
    contents = messages.select(
        "row", message=_NUMBER, kind=_CONTENT, place=_NUMBER, role="role", text="content", question=_questions(messages)
    )
    arguments = calls.select("row", "message", kind=_ARGUMENTS, place=_NUMBER, role=pl.lit("tool"), text="arguments")
    comments = frame.select(
        row=_NUMBER, message=_LAST, kind=_COMMENT, place=_NUMBER, role=pl.lit("user"),
        text=pl.col("feedback").cast(FEEDBACK).struct.field("comment"),
    )  # fmt: skip
    ids = [frame.select(row=_NUMBER, message=_LAST, kind=_ID, place=_NUMBER, role=pl.lit(""), text=name) for name in _IDS]
    others = pl.concat([arguments, comments, *_labels(frame, messages, calls), *ids], how="vertical_relaxed")
    said = pl.concat([contents, others], how="diagonal_relaxed")
    return _marked(said.filter(pl.col("text").str.len_bytes() > 0))


def _questions(messages: pl.DataFrame) -> pl.Series:
    """For each message the turns of the other side before it, if they may ask for a number and it may give one."""
    found = pl.repeat(None, len(messages), dtype=pl.String, eager=True)
    spoken = messages.select("row", "role", "content", place=_NUMBER).filter(
        pl.col("role").is_in(SPEAKERS), pl.col("content").str.len_bytes() > 0
    )
    cue = spoken["content"].str.contains_any(list(CUE_WORDS), ascii_case_insensitive=True)
    if not cue.any():
        return found
    begins = pl.struct("row", "role") != pl.struct("row", "role").shift()
    turns = spoken.with_columns(turn=begins.fill_null(value=True).cum_sum())
    asking = turns.join(turns.filter(cue).select("turn").unique(), on="turn", how="semi", maintain_order="left")
    asked = asking.group_by("row", pl.col("turn") + 1, maintain_order=True).agg(question=pl.col("content").str.join("\n"))
    promising = pl.col("content").str.contains(ANSWERS) | hidden(pl.col("content"))
    given = turns.join(asked, on=["row", "turn"]).filter(promising).select("place", "content", "question")
    kept = {place: question for place, text, question in given.iter_rows() if may_answer(text, question)}
    return found.scatter(list(kept), list(kept.values())) if kept else found


def _labels(frame: pl.DataFrame, messages: pl.DataFrame, calls: pl.DataFrame) -> list[pl.DataFrame]:
    """Labels and ids of calls in which something may be found: of labels only distinct ones are looked at."""
    rows = frame.select(row=_NUMBER).with_columns(frame.select(name for name in OF_CONVERSATIONS if name in frame.columns))
    labelled: list[tuple[pl.DataFrame, str]] = [(rows, name) for name in rows.columns if name != "row"]
    labelled += [(messages, name) for name in OF_MESSAGES] + [(calls, name) for name in OF_CALLS]
    looked = _worth_a_look(pl.concat([holders[name].drop_nulls().unique() for holders, name in labelled]).unique()).implode()
    found = [_texts_of(holders, name, _LABEL + _LABELS.index(name), holders[name].is_in(looked)) for holders, name in labelled]
    for place, (holders, name) in enumerate(((calls, "id"), (messages, "tool_call_id"))):
        found.append(_texts_of(holders, name, _CALL_ID + place, suspicious(holders[name])))
    return found


def _worth_a_look(labels: pl.Series) -> pl.Series:
    """The labels in which something may be found; a word in which nothing is found once (`agent@human`) is left out for all.

    Otherwise one such word, which all conversations have, has all of their texts looked at one by one.
    """
    prose = labels.str.contains(PROSE)
    words = labels.filter(suspicious(labels) & ~prose)
    telling = [word for word in words if redact_label(Redactor(), word) != word]
    return pl.concat([labels.filter(prose), pl.Series(labels.name, telling, dtype=pl.String)])


def _texts_of(holders: pl.DataFrame, name: str, kind: int, wanted: pl.Series) -> pl.DataFrame:
    """Some of a column's texts, after all that was said in their conversation."""
    placed = holders.select("row", message=_LAST, kind=kind, place=_NUMBER, role=pl.lit(""), text=name)
    return placed.filter(wanted)


def _in_order(texts: pl.DataFrame) -> pl.DataFrame:
    """Texts in the order of their conversations."""
    return texts.sort("row", "message", "kind", "place")


def _replace_together(texts: pl.DataFrame, known: Known, changes: "_Changes") -> Known:
    """Redact the conversations in which nothing but easy names is found; returns who is known of the others."""
    suspected = texts.filter("suspicious").select("row").unique()
    candidates = pl.Series("row", list(known), dtype=pl.Int64).to_frame().join(suspected, on="row", how="anti")
    told_of = texts.filter(pl.col("kind") < _CALL_ID).join(candidates, on="row", how="semi")
    replaced, counts, done = replaced_together(_in_order(told_of), {row: known[row] for row in candidates["row"]})
    for kind, place, text in replaced.iter_rows():
        changes.texts[kind][place] = text
    changes.counts.update(counts)
    return {row: names for row, names in known.items() if row not in done}


def _to_look_at(texts: pl.DataFrame, known: Known) -> pl.DataFrame:
    """The texts that may hold something, as `Text`, in the order of the conversation, its ids last."""
    needles = [(row, needle) for row, names in known.items() for needle in people(names).needles]
    wanted = pl.DataFrame(needles, schema={"row": pl.Int64, "needle": pl.String}, orient="row").unique()
    others = texts.filter(~pl.col("suspicious") & (pl.col("kind") < _CALL_ID)).join(
        wanted.select("row").unique(), on="row", how="semi"
    )
    lowered = others.select("row", "kind", "place", hidden=hidden(pl.col("text")), lowered=pl.col("text").str.to_lowercase())
    named = lowered.join(wanted, on="row").filter(
        pl.col("hidden") | pl.col("lowered").str.contains(pl.col("needle"), literal=True)
    )
    naming = others.join(named.select("kind", "place").unique(), on=["kind", "place"], how="semi")
    looked = pl.concat([texts.filter("suspicious"), naming], how="vertical_relaxed")
    return _in_order(looked).select("row", "kind", "place", "role", "text", "question", "suspicious")


def _marked(said: pl.DataFrame) -> pl.DataFrame:
    """All at once: each look costs some milliseconds before the first text."""
    tool = said.select((pl.col("role") == "tool") | pl.col("text").str.contains(_LOOKS_LIKE_JSON)).to_series().arg_true()
    names = pl.zeros(len(said), pl.Boolean, eager=True).scatter(tool, naming(said["text"].gather(tool)))
    marked = said.with_columns(suspicious(said["text"]).alias("suspicious"), names.alias("naming"))
    given = marked.filter(pl.col("question").is_not_null()).select("row", "text")
    return marked if given.is_empty() else _with_repeats(marked, given)


def _with_repeats(marked: pl.DataFrame, given: pl.DataFrame) -> pl.DataFrame:
    """Mark the texts in which an answer may be said again: those with one of its runs of digits, in its conversation.

    An answer begins and ends with no part of a longer number, so all of its runs of digits are there wherever it is said again.
    Where it may be hidden, or its conversation has many, every text with a digit is marked: a run costs a search of each text.
    """
    text, run = pl.col("text"), pl.col("run")
    runs = pl.when(hidden(text)).then(pl.concat_list(pl.lit(""))).otherwise(text.str.extract_all(f"{ANSWERS}+"))
    told = given.select("row", run=runs).explode("run").drop_nulls().unique()
    told = told.with_columns(pl.when(pl.len().over("row") > _MANY).then(pl.lit("")).otherwise(run).alias("run")).unique()
    may = marked.filter(pl.col("kind") < _LABEL, ~pl.col("suspicious")).join(told, on="row")
    again = may.filter(hidden(text) | (text.str.contains(ANSWERS) & text.str.contains(run, literal=True)))
    places = again.select("kind", "place", again=True).unique()
    joined = marked.join(places, on=["kind", "place"], how="left", maintain_order="left")
    return joined.with_columns(suspicious=pl.col("suspicious") | pl.col("again").fill_null(value=False)).drop("again")


@dataclass(slots=True)
class _Changes:
    """What redaction changed: new texts by their place."""

    texts: tuple[dict[int, str], ...] = field(default_factory=lambda: tuple({} for _ in range(_ID)))
    ids: dict[int, tuple[str, str]] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)

    def redact(self, redactor: Redactor, row: int, ids: tuple[str, str], texts: list[Text], keep: Keep | None) -> None:
        """Redact one conversation: the same steps in the same order as `redact_row`."""
        redactor.kinds = True
        stored = (pseudonym(redactor, ids[0]), pseudonym(redactor, ids[1])) if texts[-1][1] == _ID else ids
        for _, kind, place, role, text, question, odd in texts:
            if kind == _ID:
                break
            if kind >= _CALL_ID:
                self.texts[kind][place] = pseudonym(redactor, text)
                continue
            redactor.kinds = odd
            redacted = _redacted(redactor, kind, role, text, question or "")
            if redacted != text:
                self.texts[kind][place] = redacted
        if stored != ids:
            self.ids[row] = stored
        if redactor.count:
            self.counts[row] = redactor.count
        if keep is not None and redactor.originals:
            keep(stored[0], redactor.originals)


def _redacted(redactor: Redactor, kind: int, role: str, text: str, question: str) -> str:
    if kind == _COMMENT:
        return redactor.redact(text)
    if kind >= _LABEL:
        return redact_label(redactor, text)
    return redact_json(redactor, text) if role == "tool" else redact_content(redactor, text, question)


def _put_back(frame: pl.DataFrame, messages: pl.DataFrame, calls: pl.DataFrame, changes: _Changes) -> pl.DataFrame:
    texts = dict(zip(("content", "arguments", "comment", *_LABELS, *_CALL_IDS), changes.texts, strict=True))
    changed_calls = _all_with(calls, ("arguments", *OF_CALLS, "id"), texts)
    if changed_calls is not calls:
        messages = messages.with_columns(_nested(changed_calls.select(*TOOL_CALL.to_schema()), messages["tool_calls"]))
    changed = _all_with(messages, ("content", *OF_MESSAGES, "tool_call_id"), texts)
    if changed is not messages or changed_calls is not calls:
        frame = frame.with_columns(_nested(changed.select(*MESSAGE.to_schema()), frame["messages"]))
    if texts["comment"]:
        comment = _with(frame["feedback"].struct.field("comment"), texts["comment"])
        frame = frame.with_columns(pl.col("feedback").struct.with_fields(comment.alias("comment")))
    frame = _all_with(frame, OF_CONVERSATIONS, texts)
    for place, name in enumerate(_IDS):
        frame = frame.with_columns(_with(frame[name], {row: stored[place] for row, stored in changes.ids.items()}))
    return frame.with_columns(_with(frame["redactions"], changes.counts))


def _all_with(frame: pl.DataFrame, names: tuple[str, ...], texts: Mapping[str, Mapping[int, str]]) -> pl.DataFrame:
    """A frame with the new texts of some of its columns; itself if there are none."""
    changed = [_with(frame[name], texts[name]) for name in names if texts[name]]
    return frame.with_columns(changed) if changed else frame


def _with(column: pl.Series, values: Mapping[int, str | int]) -> pl.Series:
    """A column with some of its values replaced, by their place."""
    return column.scatter(list(values), list(values.values())) if values else column


def _nested(elements: pl.DataFrame, like: pl.Series) -> pl.Series:
    """A column of lists that has the given elements, and the lengths and nulls of another column."""
    lengths = like.list.len().fill_null(0).cast(pl.Int64)
    offsets = pl.concat([pl.Series([0], dtype=pl.Int64), lengths.cum_sum()]).to_arrow()
    values = elements.to_struct().to_arrow(compat_level=pl.CompatLevel.newest())
    lists = pa.LargeListArray.from_arrays(offsets, values, mask=like.is_null().to_arrow() if like.null_count() else None)
    return pl.Series(like.name, pl.from_arrow(lists)).cast(pl.List(elements.to_struct().dtype))
