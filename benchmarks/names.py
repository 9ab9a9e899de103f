"""What one step of Python a conversation costs in redaction, beside a search without it: `python -m benchmarks.names`.

What belongs here: the evidence of docs/decisions/0013. What does not: the whole of an ingest (`ingest`).

Redaction replaces the names of a conversation in all of its texts together, in a loop over conversations. Without a loop, all
parts of all names of a block would be searched at once (Aho-Corasick, as Polars has it), matches of another conversation's
names dropped by a join, and their neighbours looked at; what would then still be left is to replace them. Both are timed on
the blocks of an ingest, after it; so is its whole redaction. Prints Markdown.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from benchmarks.ingest_data import DAY, STAR, as_it_is, build
from benchmarks.ingest_sides import ingest, time_stage
from wow_flywheel.conversations import account
from wow_flywheel.conversations.redaction import frame
from wow_flywheel.conversations.redaction.known_names import PARTING, Known, people, replaced_names


def main(argv: Sequence[str] | None = None) -> None:
    """Ingest some conversations and print where the time of their names went."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.names", description=__doc__)
    parser.add_argument("--conversations", type=int, default=20_000, help="how many (default: %(default)s)")
    args = parser.parse_args(argv)
    seconds: dict[str, float] = {}
    blocks: list[tuple[pl.DataFrame, Known]] = []
    replaced = frame.replaced_together

    def together(texts: pl.DataFrame, known: Known) -> Any:
        blocks.append(_joined(texts, known))
        return replaced(texts, known)

    vars(frame)["replaced_together"] = together
    time_stage(seconds, "redaction", account.__name__, "redact_frame")
    time_stage(seconds, "search of all names at once, which redaction does not do", __name__, "_searched")
    time_stage(seconds, "loop over conversations, which it does", __name__, "_replaced")
    with TemporaryDirectory() as folder:
        build(STAR, args.conversations, Path(folder) / "logs" / f"dt={DAY}" / "a.jsonl", as_it_is)
        ingest(Path(folder) / "logs", Path(folder))()
    for joined, names in blocks:
        _replaced(joined, names)
        _searched(joined, names)
    print(f"| {args.conversations:,} conversations | seconds |\n|---|---:|")
    print("\n".join(f"| {name} | {taken:.2f} |" for name, taken in seconds.items()))


def _replaced(joined: pl.DataFrame, names: Known) -> None:
    """The loop of `replaced_together`."""
    for row, text in joined.iter_rows():
        replaced_names(people(names[row]), text)


def _joined(texts: pl.DataFrame, known: Known) -> tuple[pl.DataFrame, Known]:
    """All texts of each conversation with easy names, as `replaced_together` joins them, and those names."""
    names = {row: each for row, each in known.items() if people(each).easy}
    kept = texts.filter(pl.col("row").is_in(list(names)))
    return kept.group_by("row", maintain_order=True).agg(pl.col("text").str.join(PARTING)), names


def _searched(joined: pl.DataFrame, names: Known) -> pl.DataFrame:
    """Where any part of a conversation's names stands, with the characters beside it."""
    pairs = [(row, needle) for row, each in names.items() for needle in people(each).needles]
    wanted = pl.DataFrame(pairs, schema={"row": pl.Int64, "what": pl.String}, orient="row")
    parts, text, at = wanted["what"].unique().to_list(), pl.col("text"), pl.col("at").cast(pl.Int64)
    matches = joined.select(
        "row",
        at=text.str.find_many(parts, ascii_case_insensitive=True, overlapping=True),
        what=text.str.to_lowercase().str.extract_many(parts, overlapping=True),
    ).explode("at", "what", empty_as_null=False)
    return (
        matches.join(wanted, on=["row", "what"])
        .join(joined, on="row")
        .select("row", at, before=text.str.slice(at - 1, 1), after=text.str.slice(at + pl.col("what").str.len_bytes(), 1))
    )


if __name__ == "__main__":
    main()
