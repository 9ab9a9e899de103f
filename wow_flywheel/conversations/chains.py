"""Calls put together to conversations where that is plain: each call repeats the one before it and goes on. No Python per call.

What belongs here: linking calls by hashes of what was said, and the rows of their conversations. What does not: reading calls
(`plain_calls`); retries, branches and calls that repeat nothing, whose whole scope is left to `readers.sessions`.

A call's `parent` is what was said up to the last reply that it repeats; the call whose `full` that is, is the one before it. A
scope is a session, or what one customer did of one scenario where the log names no session. It is plain if its calls follow one
another in time, none has two successors, and they make one conversation (a session) or several that begin with different words.
That is when `readers.sessions` would put together the same; a property test holds the two to that.
"""

from dataclasses import dataclass
from typing import Final

import polars as pl

from wow_flywheel.conversations.plain import SHAPE
from wow_flywheel.conversations.plain_calls import CALLS
from wow_flywheel.conversations.readers.calls import ANONYMOUS

LINE: Final = 2**20
"""Places of calls are this many apart from line to line."""
HEAVY: Final = ("system", "said")
LIGHT: Final = {name: kind for name, kind in CALLS.items() if name not in HEAVY}
"""What linking needs of a call; a place is unique among all calls of the day."""
WORDS: Final = ("thumb", "score", "comment")
"""What feedback has; of each the last one counts."""
UNCLEAR: Final = dict.fromkeys(("session", "customer", "scenario", "call_id", "trace"), pl.String)
"""What is known of a call that is not plain."""


@dataclass(frozen=True, slots=True)
class Linked:
    """Which calls make plain chains.

    Attributes:
        calls: One row a call of a plain chain, in the order of its chain: the columns of `LIGHT`, and `chain`, the place of the
            chain's last call.
        left: Places of the calls that go to the careful reader.
    """

    calls: pl.DataFrame
    left: pl.Series


def link(calls: pl.DataFrame, unclear: pl.DataFrame) -> Linked:
    """Find the plain chains.

    Args:
        calls: The plain calls, with the columns of `LIGHT`.
        unclear: One row a call that is not plain, with the columns of `UNCLEAR`: its scope is left, and so are those of calls
            with its id or of its trace.

    Returns:
        The chains, and the calls that are left.
    """
    scoped = calls.filter("plain").with_columns(scope=_scope(), line=pl.col("place") // LINE)
    touched = [scoped.join(unclear, on=name, how="semi").select("scope") for name in ("call_id", "trace")]
    tangled = pl.concat(
        [_tangled(scoped), _rated_elsewhere(scoped, unclear), unclear.select(scope=_scope()), *touched]
    ).unique()
    while (spread := _sharing_lines(scoped, tangled)).height > tangled.height:
        tangled = spread
    whole = scoped.join(tangled, on="scope", how="anti").sort("scope", "opening", "length")
    chained = whole.with_columns(chain=pl.col("place").last().over("scope", "opening")).select(*LIGHT, "chain")
    return Linked(chained, calls.join(chained, on="place", how="anti")["place"])


def _sharing_lines(scoped: pl.DataFrame, tangled: pl.DataFrame) -> pl.DataFrame:
    """The scopes that are left, and those with calls on the same lines: a line is read in one way."""
    lines = scoped.join(tangled, on="scope", how="semi").select("line").unique()
    return pl.concat([tangled, scoped.join(lines, on="line", how="semi").select("scope")]).unique()


def rows(calls: pl.DataFrame, linked: pl.DataFrame) -> pl.DataFrame:
    """The conversations whose last call is among some calls.

    Args:
        calls: place, system and said.
        linked: As in `Linked.calls`.

    Returns:
        place (of the last call), places (of all its calls, in order), the columns of `plain.SHAPE`, and `logged_ids`.
    """
    last = calls.join(linked.select(place="chain").unique(), on="place", how="semi")
    chains = linked.filter(pl.col("chain").is_in(last["place"].implode())).with_columns(pl.col("length").set_sorted())
    by = "chain"
    about = chains.group_by(by, maintain_order=True).agg(
        places=pl.col("place"),
        conversation_id=pl.coalesce(pl.col("session").first(), pl.col("call_id").first()),
        user_id=pl.col("customer").drop_nulls().first(),
        scenario=pl.col("scenario").drop_nulls().first().fill_null("unknown"),
        model=pl.col("model").drop_nulls().last(),
        started_at=pl.col("started").first(),
        ended_at=pl.coalesce("ended", "started").max(),
        feedback=pl.struct(pl.col("feedback").struct.field(name).drop_nulls().last() for name in WORDS),
    )
    about = about.with_columns(pl.when(pl.any_horizontal(pl.col("feedback").struct.unnest().is_not_null())).then("feedback"))
    about = about.join(_ids(last, chains), on=by, how="left", validate="1:1")
    found = about.join(_messages(last, chains), on=by, how="left", validate="1:1").with_columns(
        pl.col("user_id").fill_null(ANONYMOUS + pl.col("conversation_id"))
    )
    absent = [pl.lit(None, SHAPE[name]).alias(name) for name in SHAPE if name not in found.columns]
    return found.with_columns(absent).select(pl.col(by).alias("place"), "places", *SHAPE, "logged_ids").cast(pl.Schema(SHAPE))


def _scope() -> pl.Expr:
    """A session, or a customer with a scenario; the first letter keeps the two apart."""
    alone = pl.concat_str(pl.lit("u"), pl.col("customer").fill_null(""), pl.col("scenario").fill_null(""), separator="\x00")
    return pl.coalesce(pl.lit("s") + pl.col("session"), alone)


def _tangled(scoped: pl.DataFrame) -> pl.DataFrame:
    """The scopes that are not plain, each at least once."""
    before = scoped.select("scope", parent="full", earlier="started", instructions_before="instructions")
    followed = scoped.filter(pl.col("parent").is_not_null()).join(before, on=["scope", "parent"], how="left")
    roots = scoped.filter(pl.col("parent").is_null())
    in_session = pl.col("session").is_not_null()
    per_scope = scoped.group_by("scope").agg(
        twice=pl.col("full").is_duplicated().any(),
        forked=pl.col("parent").drop_nulls().is_duplicated().any(),
    )
    return pl.concat(
        [
            per_scope.filter(pl.col("twice") | pl.col("forked")).select("scope"),
            followed.filter(pl.col("earlier").is_null() | (pl.col("earlier") >= pl.col("started"))).select("scope"),
            followed.filter(pl.col("instructions") != pl.col("instructions_before")).select("scope"),
            roots.filter(in_session & pl.col("scope").is_duplicated()).select("scope"),
            roots.filter(pl.struct("scope", "opening").is_duplicated()).select("scope"),
            scoped.filter(pl.col("call_id").is_duplicated()).select("scope"),
            _with_traces_shared(scoped),
        ]
    )


def _with_traces_shared(scoped: pl.DataFrame) -> pl.DataFrame:
    """Scopes of which a trace also has calls in another one."""
    shared = scoped.filter(pl.col("trace").is_not_null()).group_by("trace").agg(pl.col("scope").unique())
    return shared.filter(pl.col("scope").list.len() > 1).select(pl.col("scope").explode())


def _rated_elsewhere(scoped: pl.DataFrame, unclear: pl.DataFrame) -> pl.DataFrame:
    """Scopes with a rated call whose id is also a session's or a trace's: what was said of it was said of those as well."""
    rated = scoped.filter(pl.col("feedback").is_not_null()).select("scope", name="call_id")
    named = [
        each.select(pl.col(kind).alias("name"), scope=pl.col("scope") if "scope" in each.columns else _scope())
        for each in (scoped, unclear)
        for kind in ("session", "trace")
    ]
    both = rated.join(pl.concat(named), on="name", suffix="_named")
    return pl.concat([both.select("scope"), both.select(scope="scope_named")])


def _messages(last: pl.DataFrame, chains: pl.DataFrame) -> pl.DataFrame:
    """chain, and the messages of its conversation, each with the time of the call that first had it."""
    said = (
        last.select(chain="place", message="said")
        .explode("message")
        .with_columns(length=pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("chain"))
    )
    calls = chains.select("chain", "length", "started", "ended", "usage", until="length")
    timed = said.sort("length").join_asof(
        calls.sort("length"), on="length", by="chain", strategy="forward", check_sortedness=False
    )
    is_reply = pl.col("length") == pl.col("until")
    spoken = timed.sort("chain", "length").select(
        "chain",
        _message(pl.when(is_reply).then(pl.coalesce("ended", "started")).otherwise("started"), pl.when(is_reply).then("usage")),
    )
    first = chains.group_by("chain").agg(pl.col("started").first())
    told = last.select(chain="place", message="system").explode("message", empty_as_null=False).join(first, on="chain")
    system = told.select("chain", _message(pl.col("started"), pl.lit(None, CALLS["usage"])))
    return pl.concat([system, spoken]).group_by("chain", maintain_order=True).agg("messages")


def _ids(last: pl.DataFrame, chains: pl.DataFrame) -> pl.DataFrame:
    """chain, and `logged_ids`: of each call and trace, with the index of the last message that it stands for."""
    named = pl.concat([chains.select("chain", "length", id=name) for name in ("call_id", "trace")])
    own = named.filter(pl.col("id").str.len_bytes() > 0)
    before = last.select(chain="place", system=pl.col("system").list.len().fill_null(0).cast(pl.Int64))
    turns = own.group_by("chain", "id").agg(pl.col("length").max()).join(before, on="chain")
    placed = turns.select("chain", "id", turn=pl.col("length") - 1 + pl.col("system")).sort("chain", "turn", "id")
    return placed.group_by("chain", maintain_order=True).agg(logged_ids=pl.struct("id", "turn"))


def _message(created: pl.Expr, usage: pl.Expr) -> pl.Expr:
    of = pl.col("message").struct.field
    return pl.struct(
        of("role"),
        of("content"),
        created.alias("created_at"),
        pl.lit(None, pl.String).alias("action"),
        of("tool_calls"),
        of("tool_call_id"),
        usage.alias("usage"),
    ).alias("messages")
