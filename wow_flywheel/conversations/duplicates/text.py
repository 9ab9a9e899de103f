"""What two conversations are compared by: one text each, with who said what, and the assistant's side with its values masked.

What belongs here: which parts of a conversation count. What does not: hashing (`fingerprints`), shingles (`shingles`).

Times, ids of tool calls, token counts and the log's own ids do not count: a log written again has others.
"""

from typing import Final

import polars as pl

MARKS: Final = {"system": "\x02", "user": "\x03", "assistant": "\x04", "tool": "\x05"}
"""A control character before each message says who speaks; it is in no word, so it parts words of different messages."""
CALL, ARGUMENTS = "\x06", "\x07"


def full_text(messages: pl.Expr) -> pl.Expr:
    """All messages in order as one text: role, content, and the name and arguments of every tool call.

    Args:
        messages: Column of the type `List(MESSAGE)`.
    """
    element = pl.element().struct
    turn = pl.concat_str(_mark(), element.field("content").fill_null(""), _calls(with_arguments=True))
    return messages.list.eval(turn).list.join("").fill_null("")


def assistant_template(messages: pl.Expr) -> pl.Expr:
    """The assistant's side with what differs from customer to customer masked: one text for all uses of one script.

    Masked are numbers, placeholders of redaction and capitalised words after a small one, which are mostly names; of tool calls
    only the names count.

    Args:
        messages: Column of the type `List(MESSAGE)`.
    """
    element = pl.element().struct
    turn = pl.concat_str(_mark(), element.field("content").fill_null(""), _calls(with_arguments=False))
    said = messages.list.eval(turn.filter(element.field("role") == "assistant")).list.join("").fill_null("")
    return (
        said.str.replace_all(r"<[A-Z_]+_\d+>", "<>")
        .str.replace_all(r"\d+(?:[.,:/-]\d+)*", "0")
        .str.replace_all(r"(\p{Ll},? )\p{Lu}\p{Ll}[\p{L}'-]*(?: \p{Lu}\p{Ll}[\p{L}'-]*)*", "${1}<>")
    )


def _mark() -> pl.Expr:
    role = pl.element().struct.field("role")
    return role.replace_strict(list(MARKS), list(MARKS.values()), default="\x01", return_dtype=pl.String)


def _calls(*, with_arguments: bool) -> pl.Expr:
    call = pl.element().struct
    parts = [pl.lit(CALL), call.field("name").fill_null("")]
    if with_arguments:
        parts += [pl.lit(ARGUMENTS), call.field("arguments").fill_null("")]
    return pl.element().struct.field("tool_calls").list.eval(pl.concat_str(parts)).list.join("").fill_null("")
