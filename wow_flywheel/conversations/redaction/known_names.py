"""The names that the conversations of a frame tell, and their replacement in many texts at once.

What belongs here: who is known of a conversation, and conversations in which nothing but easy names (`people.People.easy`) is
to be replaced, as most. What does not: the others, which `frame` redacts text by text. Both give the same; a property test
holds them together.

All texts of a conversation are joined, searched and replaced together, and parted again: the work grows with conversations and
names, not with texts.
"""

from functools import lru_cache
from typing import Final

import polars as pl

from wow_flywheel.conversations.redaction.names import NAMED_BY_KEY, Personal, as_personal, names_in_json
from wow_flywheel.conversations.redaction.people import People
from wow_flywheel.conversations.redaction.screen import hidden

PARTING: Final = "\x00"
"""Between the texts of a conversation: no part of a name, and nothing that may stand between two parts of one."""
_NOT_TOGETHER: Final = r"[^\x01-\x7f]"
_KEPT_PARTS: Final = 50_000
_KEPT_PEOPLE: Final = 5_000

Known = dict[int, tuple[Personal, ...]]
"""By row, whom its conversation names, in the order in which they are told."""


def told(telling: pl.DataFrame, given: pl.Series) -> Known:
    """Whom each conversation names, in fields of its own or in JSON.

    Args:
        telling: row and text: texts in which JSON tells a name, in the order of the conversation.
        given: For each row the texts of the record's own fields, or null.
    """
    known: dict[int, list[Personal]] = {}
    if given.null_count() < len(given):
        for row, names in enumerate(given.to_list()):
            if found := [personal for name in names or () if name and (personal := as_personal(name))]:
                known[row] = found
    for row, text in _parts(telling).iter_rows():
        if told_here := _named_by(text):
            known.setdefault(row, []).extend(told_here)
    return {row: tuple(dict.fromkeys(names)) for row, names in known.items()}


def _parts(telling: pl.DataFrame) -> pl.DataFrame:
    """Row and text: the parts of JSON that tell a name, each once a conversation.

    A text with escapes is given whole, because a name may be hidden behind them.
    """
    text = pl.col("text")
    parts = (
        pl.when(text.str.contains("\\u", literal=True)).then(pl.concat_list(text)).otherwise(text.str.extract_all(NAMED_BY_KEY))
    )
    return telling.select("row", text=parts).explode("text", empty_as_null=False).unique(maintain_order=True)


def _named_by(text: str) -> list[Personal] | tuple[Personal, ...]:
    """Most parts are short, and the same in many conversations."""
    return _named_by_part(text) if len(text) < 200 else names_in_json(text)


@lru_cache(_KEPT_PARTS)
def _named_by_part(text: str) -> tuple[Personal, ...]:
    return tuple(names_in_json(text))


@lru_cache(_KEPT_PEOPLE)
def people(names: tuple[Personal, ...]) -> People:
    """Those people, to be looked for and not to be added to: many conversations name the same."""
    found = People()
    for each in names:
        found.add(each)
    return found


def replaced_together(texts: pl.DataFrame, known: Known) -> tuple[pl.DataFrame, dict[int, int], set[int]]:
    """Replace the names in all conversations in which that can be done together.

    Args:
        texts: row, kind, place, text and suspicious, in the order of each conversation, without ids.
        known: Whom they name.

    Returns:
        kind, place and text of those that changed; how many names were replaced, by row; and the rows that are done, which are
        those of `known` but for conversations with a text that has to be looked at by itself.
    """
    names = {row: people(each) for row, each in known.items()}
    easy = pl.Series([row for row, each in names.items() if each.easy], dtype=pl.Int64)
    of_easy = texts.join(easy.alias("row").to_frame(), on="row", how="semi", maintain_order="left")
    marked = of_easy.with_columns(apart=_apart())
    left = _left(marked, names)
    together = marked.filter(~pl.col("apart")).join(left, on="row", how="anti", maintain_order="left")
    joined = together.group_by("row", maintain_order=True).agg(pl.col("text").str.join(PARTING))
    counts: dict[int, int] = {}
    done: list[str | None] = []
    for row, text in joined.iter_rows():
        replaced, count = replaced_names(names[row], text)
        done.append(replaced if count else None)
        if count:
            counts[row] = count
    parted = joined.with_columns(pl.Series("text", done, dtype=pl.String)).drop_nulls()
    before = together.join(parted.select("row"), on="row", how="semi", maintain_order="left")
    after = parted.select(pl.col("text").str.split(PARTING)).explode("text").to_series()
    changed = before.select("kind", "place", text=after).filter(before["text"] != after)
    return changed, counts, set(easy) - set(left["row"])


def replaced_names(found: People, text: str) -> tuple[str, int]:
    """A text with all easy names replaced, and how many were: what `Redactor.redact` makes of each of its parts."""
    spans = found.easy_spans(text.lower())
    if not spans:
        return text, 0
    placeholders: dict[Personal, str] = {}
    pieces: list[str] = []
    position = 0
    for start, end, person in spans:
        name = placeholders.setdefault(person, f"<NAME_{len(placeholders) + 1}>")
        pieces += (text[position:start], name)
        position = end
    return "".join([*pieces, text[position:]]), len(spans)


def _apart() -> pl.Expr:
    """Texts in which a name may not be there in so many ASCII letters, or stand where it must not be replaced."""
    text = pl.col("text")
    escapes = text.str.count_matches("\\", literal=True) != text.str.count_matches('\\"', literal=True)
    return text.str.contains(_NOT_TOGETHER) | escapes


def _left(marked: pl.DataFrame, names: dict[int, People]) -> pl.DataFrame:
    """Rows with a text that has to be looked at by itself: something else may be in it, or a name in one that is apart."""
    apart = marked.filter(pl.col("apart") & ~pl.col("suspicious"))
    needles = [(row, needle) for row in apart["row"].unique() for needle in names[row].needles]
    wanted = pl.DataFrame(needles, schema={"row": pl.Int64, "needle": pl.String}, orient="row")
    lowered = apart.select("row", hidden=hidden(pl.col("text")), lowered=pl.col("text").str.to_lowercase())
    found = lowered.join(wanted, on="row").filter(
        pl.col("hidden") | pl.col("lowered").str.contains(pl.col("needle"), literal=True)
    )
    return pl.concat([marked.filter("suspicious").select("row"), found.select("row")]).unique()
