"""What only knowledge and procedures can say of a reply: whether it takes the procedure's next step, and R_kn.

What belongs here: both metrics, on replies that were given at turns of held-out dialogues. What does not: generating them
(`offline`), judging by an endpoint (`pairwise`).

*Exact step.* At a turn where the held-out dialogue itself takes the procedure's next step, does the model take it too? A step
is recognised by its tool's name or its template's text; the values in a template are not compared.

*R_kn*, knowledge-reference correctness: a turn that cites knowledge units is supported if all of them exist, each shares words
with the reply, and every number that the reply states stands in them or was established in the conversation. What a reply
claims without numbers is judged by shared words alone: a reader would find more errors, so this is an upper bound.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from wow_flywheel.dialogue import ChatMessage, DialogueAction
from wow_flywheel.evaluation.offline import Dialogue, named
from wow_flywheel.inspection.grounding import Grounds, numbers, plain, stated

SLOT = re.compile(r"\\\{\w+(?::[sd])?\\\}")
WORDS = re.compile(r"[a-z]{4,}")
CHINESE_PAIRS = re.compile(r"(?=([\u4e00-\u9fff]{2}))")
SHARED_WORDS = 2


@dataclass(frozen=True, slots=True)
class Procedure:
    """A scenario's procedure: the text of each step (None for a tool's), and what comes after it."""

    texts: Mapping[str, str | None]
    following: Mapping[str, str]

    @classmethod
    def of(cls, steps: pl.DataFrame) -> "Procedure":
        """From rows with reply_id, text, next_reply_id."""
        rows = steps.select("reply_id", "text", "next_reply_id").rows()
        return cls({step: text for step, text, _ in rows}, {step: after for step, _, after in rows if after})

    def step(self, output: DialogueAction | None) -> str | None:
        """The step that an output is; None if it is none of the procedure's."""
        if output is None:
            return None
        if output.action is not None:
            return output.action.name if output.action.name in self.texts else None
        reply = output.reply or ""
        return next((step for step, text in self.texts.items() if text and _is_template(text, reply)), None)

    def expected(self, history: Sequence[ChatMessage]) -> str | None:
        """The step after the last one that the history takes."""
        taken = [self.step(DialogueAction.from_json(m["content"])) for m in history if m["role"] == "assistant"]
        done = [step for step in taken if step is not None]
        return self.following.get(done[-1]) if done else None


def add_judged(
    outcomes: pl.DataFrame,
    dialogues: Sequence[Dialogue],
    replies: pl.DataFrame,
    knowledge: pl.DataFrame,
    procedures: pl.DataFrame,
) -> pl.DataFrame:
    """Offline outcomes with the columns step_accuracy and r_kn, null where nothing could be counted.

    Args:
        outcomes: As `offline` gives them, of any number of models.
        dialogues: The held-out dialogues.
        replies: Rows of `replies.REPLIES` whose source is `dialogue`.
        knowledge: Columns unit_id, title, content.
        procedures: Columns policy_id, scenario, reply_id, text, next_reply_id.
    """
    found = {named(dialogue, place)["episode"]: dialogue for place, dialogue in enumerate(dialogues)}
    paths = {scenario: Procedure.of(steps) for (scenario,), steps in procedures.group_by("scenario")}
    units = {row["unit_id"]: f"{row['title']} {row['content']}" for row in knowledge.iter_rows(named=True)}
    counted: dict[tuple[str, str], dict[str, list[bool]]] = {}
    for row in replies.drop_nulls("raw").iter_rows(named=True):
        messages = found[row["episode"]]["messages"]
        output = DialogueAction.from_json(row["raw"])
        marks = counted.setdefault((row["model"], row["episode"]), {"step_accuracy": [], "r_kn": []})
        _mark(marks["step_accuracy"], exact_step(paths.get(row["scenario"]), messages, row["turn"], output))
        _mark(marks["r_kn"], supported(output, messages[: row["turn"]], units))
    rows = [{"model": m, "episode": e} | {k: _share(v) for k, v in marks.items()} for (m, e), marks in counted.items()]
    schema = {"model": pl.String, "episode": pl.String, "step_accuracy": pl.Float64, "r_kn": pl.Float64}
    return outcomes.join(pl.DataFrame(rows, schema=schema), on=["model", "episode"], how="left", maintain_order="left")


def exact_step(
    procedure: Procedure | None, messages: Sequence[ChatMessage], turn: int, output: DialogueAction | None
) -> bool | None:
    """Whether an output takes the procedure's next step; None where the held-out dialogue does not take it either."""
    expected = procedure.expected(messages[:turn]) if procedure else None
    if procedure is None or expected is None or procedure.step(DialogueAction.from_json(messages[turn]["content"])) != expected:
        return None
    return procedure.step(output) == expected


def supported(output: DialogueAction | None, history: Sequence[ChatMessage], units: Mapping[str, str]) -> bool | None:
    """Whether the knowledge that an output cites supports it; None if it cites none."""
    if output is None or not output.knowledge:
        return None
    cited = [units.get(unit) for unit in output.knowledge]
    known = [text for text in cited if text is not None]
    if len(known) < len(cited):
        return False
    reply = output.reply or ""
    established = Grounds([dict(m) for m in history], frozenset()).before(len(history))  # type: ignore[misc]
    given = established.union(*map(numbers, known))
    return all(_shares(reply, text) for text in known) and all(plain(number) in given for number in stated(reply))


def _mark(marks: list[bool], value: bool | None) -> None:
    if value is not None:
        marks.append(value)


def _shares(reply: str, unit: str) -> bool:
    one, other = ({*WORDS.findall(text.lower()), *CHINESE_PAIRS.findall(text)} for text in (reply, unit))
    return len(one & other) >= SHARED_WORDS or bool(numbers(reply) & numbers(unit))


def _share(values: Sequence[Any]) -> float | None:
    return sum(values) / len(values) if values else None


def _is_template(template: str, reply: str) -> bool:
    return re.fullmatch(SLOT.sub(".+?", re.escape(template)), reply.strip(), re.DOTALL) is not None
