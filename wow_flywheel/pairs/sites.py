"""Where Bad Cases went wrong: the turns to rewrite.

What belongs here: choosing turns. What does not: what should have been said there (`candidates`).
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from wow_flywheel.dialogue import DialogueAction, Message, assistant_actions, tool_results

MAX_SITES_A_CONVERSATION = 3
CONVERSATION = ["dt", "conversation_id"]
"""Ids of conversations may come again on another day."""
PLACE = [*CONVERSATION, "turn"]


@dataclass(frozen=True, slots=True)
class Site:
    """One assistant output of a Bad Case with an accepted finding, or with a person's edit.

    Attributes:
        turn: Index of its message in the log.
        prompt: The messages before it; of parallel calls the earlier ones with their results count as before it.
        said: What the model said or did there; the rejected side.
        call: Which of the turn's parallel calls it is, from 0.
        rest: What followed in the log, from the turn itself on: it shows how the demand was solved, and is never shown to
            whoever writes or judges a rewrite.
        locale: As logged.
    """

    dt: dt.date
    conversation_id: str
    user_id: str
    scenario: str
    turn: int
    issue_type: str
    prompt: tuple[Message, ...]
    said: DialogueAction
    call: int = 0
    rest: tuple[Message, ...] = ()
    locale: str | None = None

    @property
    def pair_id(self) -> str:
        """Unique and stable: a rerun names the same pair the same."""
        return f"{self.conversation_id}#{self.turn}" + (f".{self.call}" if self.call else "")


def find_sites(
    cases: pl.DataFrame, conversations: pl.DataFrame, inspections: pl.DataFrame, edits: pl.DataFrame | None = None
) -> list[Site]:
    """The turns of Bad Cases that a person edited, and those with an accepted finding of severity major or above.

    Args:
        cases: Contract `cases`.
        conversations: Contract `conversations`.
        inspections: Contract `inspections`.
        edits: Contract `rewrite_edits`, one row a turn: see `edits.latest`.

    Returns:
        One site a turn, the earliest first; by findings at most three a conversation, and where findings compete for a turn,
        the most severe and surest names the issue and, by its quote, the call. An edit names the issue itself, and its call by
        the tool that it calls.
    """
    bad = cases.filter(pl.col("label") == "bad").select(CONVERSATION)
    claims = (
        inspections.filter(pl.col("decision") == "accepted", pl.col("severity").is_in(["major", "critical"]))
        .join(bad, on=CONVERSATION, how="semi")
        .sort(pl.col("severity") == "critical", "confidence", "issue_type", "quote", descending=[True, True, False, False])
        .unique(PLACE, keep="first", maintain_order=True)
        .sort(PLACE)
        .select(*PLACE, "issue_type", "quote")
    )
    found = claims.group_by(CONVERSATION, maintain_order=True).head(MAX_SITES_A_CONVERSATION)
    found = found.with_columns(chosen=pl.lit(None, dtype=pl.String))
    if edits is not None and edits.height:
        edited = edits.join(bad, on=CONVERSATION, how="semi").select(*PLACE, "issue_type", "chosen")
        edited = edited.join(claims.select(*PLACE, "quote"), on=PLACE, how="left").select(found.columns)
        found = pl.concat([edited, found.join(edited, on=PLACE, how="anti")])
    talks = conversations.select(*CONVERSATION, "user_id", "scenario", "locale", "messages")
    rows = found.join(talks, on=CONVERSATION).sort(PLACE)
    return [site for row in rows.iter_rows(named=True) if (site := _site(row)) is not None]


def outputs_at(messages: Sequence[Message], turn: int) -> list[tuple[tuple[Message, ...], DialogueAction]]:
    """Each output of an assistant turn with the messages before it: parallel calls in a row, as training shows them."""
    message = messages[turn]
    calls = message.get("tool_calls") or []
    results = tool_results(messages, turn) if len(calls) > 1 else {}
    prompt, found = list(messages[:turn]), []
    for index, output in enumerate(assistant_actions(message)):
        found.append((tuple(prompt), output))
        if len(calls) > 1:
            alone: Message = {**message, "content": output.reply, "tool_calls": [calls[index]]}
            place = results.get(calls[index]["id"])
            prompt += [alone] if place is None else [alone, messages[place]]
    return found


def _site(row: dict[str, Any]) -> Site | None:
    """A site, unless its turn is none that a model could have said otherwise (no assistant turn, or nothing before it)."""
    messages: list[Message] = row["messages"]
    turn: int = row["turn"]
    if not (0 < turn < len(messages) and messages[turn]["role"] == "assistant"):
        return None
    outputs = outputs_at(messages, turn)
    if not outputs or not any(m["role"] == "user" for m in messages[:turn]):
        return None
    call = _accused(messages[turn], row["quote"])
    if row["chosen"] is not None and (edited := DialogueAction.from_json(row["chosen"])) is not None:
        call = _edited([output for _, output in outputs], edited, call)
    prompt, said = outputs[call]
    site = Site(
        dt=row["dt"],
        conversation_id=row["conversation_id"],
        user_id=row["user_id"],
        scenario=row["scenario"],
        turn=turn,
        issue_type=row["issue_type"],
        prompt=prompt,
        said=said,
        call=call,
    )
    return replace(site, rest=tuple(messages[turn:]), locale=row["locale"])


def _accused(message: Message, quote: str | None) -> int:
    """Which of a turn's calls a finding quotes; the first where its text is quoted, or nothing."""
    calls = message.get("tool_calls") or []
    if not quote or quote in (message.get("content") or ""):
        return 0
    by_arguments = [i for i, call in enumerate(calls) if quote in call["arguments"]]
    by_name = [i for i, call in enumerate(calls) if quote in call["name"]]
    return next(iter([*by_arguments, *by_name]), 0)


def _edited(outputs: Sequence[DialogueAction], edited: DialogueAction, accused: int) -> int:
    """Which of a turn's outputs an edit replaces: one that calls the same tool with other arguments, the accused one first; the
    accused one where none does.
    """
    action = edited.action
    alike = [
        place
        for place, output in enumerate(outputs)
        if action and output.action and output.action.name == action.name and output.action != action
    ]
    return accused if accused in alike or not alike else alike[0]
