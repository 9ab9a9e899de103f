"""Every reply that a model gave offline, kept beside the outcomes: what judges and the results page read.

What belongs here: the frame's shape and making its rows. What does not: generating (`offline`, `repair`), judging.
The file is a Parquet file with `user_id`, so that forgetting a person finds their rows.
"""

from collections.abc import Sequence
from typing import Any, Final

import polars as pl

from wow_flywheel.evaluation.offline import Dialogue, Given, Scorer, named, respond_where_fits
from wow_flywheel.serving.protocol import Reply

REPLIES: Final = {
    "model": pl.String,
    "source": pl.String,
    "episode": pl.String,
    "turn": pl.Int64,
    "user_id": pl.String,
    "scenario": pl.String,
    "raw": pl.String,
    "prompt_tokens": pl.Int64,
    "completion_tokens": pl.Int64,
}
"""`source` is `dialogue` (a held-out Good Case) or `site` (the turn of a held-out Bad Case); `raw` is null where refused."""


def dialogue_replies(dialogues: Sequence[Dialogue], given: Sequence[Given], model: str) -> pl.DataFrame:
    """The replies at the turns of held-out dialogues; columns `REPLIES`."""
    rows = [
        {"model": model, "source": "dialogue", "turn": each.turn, **named(dialogues[each.dialogue], each.dialogue)}
        | _said(each.reply)
        for each in given
    ]
    return pl.DataFrame(rows, schema=REPLIES)


def site_replies(engine: Scorer, sites: pl.DataFrame, model: str) -> pl.DataFrame:
    """Let a model reply at the turns where held-out Bad Cases went wrong; columns `REPLIES`.

    Args:
        engine: The model.
        sites: As `repair.site_rows` gives them: site, user_id, scenario, turn, prompt, …
        model: Its name in the rows.
    """
    replies = respond_where_fits(engine, sites["prompt"].to_list())
    keys = sites.select("user_id", "scenario", "turn", episode="site").iter_rows(named=True)
    rows = [{"model": model, "source": "site", **key} | _said(reply) for key, reply in zip(keys, replies, strict=True)]
    return pl.DataFrame(rows, schema=REPLIES)


def _said(reply: Reply | None) -> dict[str, Any]:
    if reply is None:
        return {"raw": None, "prompt_tokens": None, "completion_tokens": None}
    return {"raw": reply.raw, "prompt_tokens": reply.prompt_tokens, "completion_tokens": reply.completion_tokens}
