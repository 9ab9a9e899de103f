"""What a person says the assistant should have said: checking it and adding it.

What belongs here: the table `rewrite_edits`. What does not: what becomes of it (`wow_flywheel.pairs` prefers it to every other
rewrite), decisions about labels and findings. The latest of a turn wins; none is ever rewritten.
"""

import datetime as dt
import json
from typing import Final, TypeVar

import polars as pl
from pydantic import BaseModel, ValidationError

from wow_flywheel.cases.decisions import case, conversation
from wow_flywheel.cases.typed import clean, redacted, who
from wow_flywheel.cases.typed import note as as_note
from wow_flywheel.contracts import ISSUE_TYPES, REWRITE_EDITS
from wow_flywheel.dialogue import Action, DialogueAction, Message, assistant_actions
from wow_flywheel.errors import DecisionError
from wow_flywheel.lake import Lake

LONGEST: Final = 20_000
Shape = TypeVar("Shape", bound=BaseModel)


def edit(
    lake: Lake,
    day: dt.date,
    conversation_id: str,
    place: tuple[int, str],
    chosen: DialogueAction,
    by: str,
    note: str,
    now: dt.datetime,
) -> pl.DataFrame:
    """Add what should have been said at one turn; see `rewrite_edit`."""
    row = rewrite_edit(lake, day, conversation_id, place, chosen, by, note, now)
    lake.append("rewrite_edits", row)
    return row


def rewrite_edit(
    lake: Lake,
    day: dt.date,
    conversation_id: str,
    place: tuple[int, str],
    chosen: DialogueAction,
    by: str,
    note: str,
    now: dt.datetime,
) -> pl.DataFrame:
    """What should have been said at one turn, checked and not yet added.

    Args:
        lake: The tables.
        day: The conversation's day.
        conversation_id: The conversation; it must have a case on that day.
        place: The assistant's turn that is replaced, and the issue type of what was said there.
        chosen: What should have been said and done; stored with personal values replaced.
        by: Who says so.
        note: Why; may be empty.
        now: When, with a timezone.

    Returns:
        The row for `rewrite_edits`.

    Raises:
        DecisionError: The turn is no assistant's turn after a customer's, the issue type is unknown, or it was said so already.
    """
    case(lake, day, conversation_id)
    turn, issue_type = place
    messages = conversation(lake, day, conversation_id)
    if issue_type not in ISSUE_TYPES:
        raise DecisionError(f"{issue_type!r} is no issue type", hint=f"use one of {list(ISSUE_TYPES)}")
    checked = differing(redacted(chosen, messages), said_at(messages, turn))
    row = {
        "dt": day,
        "conversation_id": conversation_id,
        "turn": turn,
        "issue_type": issue_type,
        "chosen": checked.to_json(),
        "decided_by": who(by),
        "decided_at": now,
        "note": as_note(note, messages),
    }
    return pl.DataFrame([row], schema=REWRITE_EDITS.columns)


def said_at(messages: list[Message], turn: int) -> DialogueAction:
    """What the assistant said or did at a turn that can be rewritten.

    Raises:
        DecisionError: It cannot: it is no turn of the assistant, an empty one, or the customer has said nothing before it.
    """
    within = 0 < turn < len(messages)
    outputs = assistant_actions(messages[turn]) if within and messages[turn]["role"] == "assistant" else []
    if not outputs or not any(message["role"] == "user" for message in messages[:turn]):
        raise DecisionError(f"turn {turn} cannot be rewritten", hint="choose a turn of the assistant that answers the customer")
    return outputs[0]


def differing(chosen: DialogueAction, said: DialogueAction) -> DialogueAction:
    """What should have been said, if it differs from what was.

    Raises:
        DecisionError: It says and does the same.
    """
    if (_words(chosen.reply), chosen.action) == (_words(said.reply), said.action):
        raise DecisionError("this is what was said", hint="change the reply or the action, or leave the turn as it is")
    return chosen


def parse(text: str, action: str = "") -> DialogueAction:
    """What a person typed: a unified dialogue-action as JSON, or a reply in plain words with an action beside it.

    Args:
        text: A JSON object with `reply` or `action`, or plain words; may be empty if there is an action.
        action: A JSON object with `name` and `arguments`; may be empty.

    Raises:
        DecisionError: It is neither; the message says what is wrong with it, without what was typed.
    """
    plain = clean(text).strip()
    if len(plain) + len(action) > LONGEST:
        raise DecisionError(f"the rewrite has {len(plain) + len(action)} characters", hint=f"use at most {LONGEST}")
    if plain.startswith("{") and not action.strip():
        whole = _checked(DialogueAction, plain, "the rewrite")
    else:
        done = _checked(Action, action, "the action") if action.strip() else None
        whole = DialogueAction(reply=plain or None, action=done)
    if not (whole.reply or "").strip() and whole.action is None:
        raise DecisionError("the rewrite neither says nor does anything", hint="write a reply, or an action")
    return whole


def _checked(shape: type[Shape], text: str, what: str) -> Shape:
    try:
        parsed = shape.model_validate_json(text)
        json.dumps(parsed.model_dump(), allow_nan=False, ensure_ascii=False).encode()
        return parsed
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"]))
        fault = f"{where}: {first['msg']}" if where else first["msg"]
    except ValueError:
        fault = "it holds a number or a character that JSON cannot carry"
    hint = f"{what} is a JSON object with {' and '.join(shape.model_fields)}, or leave the braces out and write plain words"
    raise DecisionError(f"{what} cannot be read: {fault}", hint=hint)


def _words(reply: str | None) -> str:
    return " ".join((reply or "").split())
