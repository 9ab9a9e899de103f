"""Dialogues made from knowledge units and procedures, so that a model can tell them also where nothing is retrieved.

What belongs here: the wording of these dialogues. What does not: how many a dataset takes (`mixing`). The report calls it
dialogue-based internalisation. Nothing is invented: every answer is the unit's own text.

Each unit gives two dialogues. In the first it lies before the model, as retrieved, and the answer cites it; in the second it
does not, and the answer comes from memory and cites nothing. A procedure gives its steps in order, in the same two ways.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import polars as pl

from wow_flywheel.contracts import SFT_DATASET
from wow_flywheel.datasets.rows import written_language
from wow_flywheel.dialogue import ChatMessage, DialogueAction, knowledge_message

LONGEST: Final = 2_000
"""Characters of a unit: a longer one is a document, which no customer is told in one reply."""
ASKED: Final = {"zh": "请介绍一下：{}", "und": "What should I know about {}?"}
HANDLED: Final = {"zh": "“{}”该如何处理？", "und": "How is a case of {} handled, step by step?"}


def knowledge_rows(knowledge: pl.DataFrame, procedures: pl.DataFrame, cycle: str) -> pl.DataFrame:
    """Dialogues from knowledge; contract `sft_dataset`, all for training.

    Args:
        knowledge: Columns unit_id, title, content.
        procedures: Columns policy_id, scenario, reply_id, text, next_reply_id.
        cycle: The cycle's name.
    """
    short = knowledge.filter(pl.col("content").str.len_chars() <= LONGEST)
    units = pl.concat([_of_units(short), _of_procedures(procedures)])
    rows = [row for unit in units.iter_rows(named=True) for row in _dialogues(unit)]
    schema = {name: SFT_DATASET.columns[name] for name in ("conversation_id", "scenario", "language", "messages")}
    constant = {"cycle": cycle, "source": "knowledge", "split": "train"}
    return SFT_DATASET.conform(
        pl.DataFrame(rows, schema=schema).with_columns(pl.lit(value).alias(name) for name, value in constant.items())
    )


def _of_units(knowledge: pl.DataFrame) -> pl.DataFrame:
    return knowledge.select(
        "unit_id", "title", "content", scenario=pl.lit("knowledge"), asked=pl.lit("unit"),
        language=written_language(pl.col("content")),
    )  # fmt: skip


def _of_procedures(procedures: pl.DataFrame) -> pl.DataFrame:
    """One row a procedure: its steps in the order in which they lead to each other, those off the path last."""
    rows = []
    for (policy_id, scenario), steps in procedures.partition_by(
        "policy_id", "scenario", as_dict=True, maintain_order=True
    ).items():
        said = [f"{number}. {text}" for number, text in enumerate(_in_order(steps), 1)]
        rows.append({"unit_id": policy_id, "title": scenario, "content": "\n".join(said), "scenario": scenario})
    schema = dict.fromkeys(("unit_id", "title", "content", "scenario"), pl.String)
    found = pl.DataFrame(rows, schema=schema).filter(pl.col("content").str.len_chars().is_between(1, LONGEST))
    return found.with_columns(asked=pl.lit("procedure"), language=written_language(pl.col("content")))


def _in_order(steps: pl.DataFrame) -> Iterator[str]:
    """What each step says, or its name where it is an action; only steps that the flow names."""
    following: Mapping[str, str | None] = dict(steps.select("reply_id", "next_reply_id").iter_rows())
    text: Mapping[str, str | None] = dict(steps.select("reply_id", "text").iter_rows())
    named = {step for step, after in following.items() if after} | {after for after in following.values() if after}
    later = {after for after in following.values() if after}
    seen: set[str] = set()
    for start in [step for step in following if step in named and step not in later] or [s for s in following if s in named][
        :1
    ]:
        step: str | None = start
        while step is not None and step not in seen:
            seen.add(step)
            yield text.get(step) or step
            step = following.get(step)


def _dialogues(unit: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    words = ASKED if unit["asked"] == "unit" else HANDLED
    question: ChatMessage = {"role": "user", "content": words.get(unit["language"], words["und"]).format(unit["title"])}
    shared = {"scenario": unit["scenario"], "language": unit["language"]}
    shown = knowledge_message(unit["unit_id"], unit["title"], unit["content"])
    for name, before, cited in (("retrieved", [shown], [unit["unit_id"]]), ("recalled", [], [])):
        answer = DialogueAction(knowledge=cited, reply=unit["content"]).to_json()
        chat = [*before, question, {"role": "assistant", "content": answer}]
        yield {"conversation_id": f"knowledge/{unit['unit_id']}/{name}", "messages": chat, **shared}
