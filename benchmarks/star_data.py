"""STAR as training and evaluation data for `star_smollm2`: labelled by the flywheel, split by customer and by task.

What belongs here: which conversations, sites and pairs, and their files. What does not: training and measuring. STAR is read
from `../shared/data` and never written into the project; labels, verification and planted defects are the flywheel's own.

The system message of a dialogue lists the steps of its task in the procedure's order, and an assistant turn names its step as
its knowledge unit, where the log says which reply it was: the next action can be predicted for a task never seen in training.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.labels_gold import SHARED, frames
from wow_flywheel.cases.label import label
from wow_flywheel.contracts import DECISIONS
from wow_flywheel.datasets.split import split_of
from wow_flywheel.dialogue import ChatMessage, DialogueAction, Message, assistant_actions, to_chat
from wow_flywheel.evaluation.owed import Owed
from wow_flywheel.evaluation.references import References
from wow_flywheel.inspection.calibration.plant import plant
from wow_flywheel.knowledge.load import load_knowledge, load_procedures
from wow_flywheel.pairs.build import build_pairs
from wow_flywheel.pairs.sites import Site, find_sites
from wow_flywheel.pairs.verify import Verifier

HELD_OUT_TASKS = ("bank_fraud_report", "hotel_service_request", "ride_change", "trip_directions")
"""Kept out of training whole, chosen for four different domains before anything was trained."""
SPLITS = ("customers", "tasks")


@dataclass(frozen=True, slots=True)
class Star:
    """STAR, labelled.

    Attributes:
        conversations: Contract `conversations`.
        cases: Contract `cases`.
        inspections: Contract `inspections`.
        procedures: Columns policy_id, scenario, reply_id, text, next_reply_id.
        knowledge: Columns unit_id, title, content.
        part: By conversation: `train`, or the split that it is held out for.
    """

    conversations: pl.DataFrame
    cases: pl.DataFrame
    inspections: pl.DataFrame
    procedures: pl.DataFrame
    knowledge: pl.DataFrame
    part: Mapping[str, str]

    def good(self, part: str) -> pl.DataFrame:
        """The Good Cases of a part that have one task with a procedure, in an order that hangs on their names alone."""
        good = self.cases.filter(pl.col("label") == "good").select("conversation_id")
        rows = self.conversations.join(good, on="conversation_id", how="semi")
        with_steps = rows.filter(pl.col("scenario").is_in(self.procedures["scenario"].unique().to_list()))
        mine = with_steps.filter(
            pl.col("conversation_id").map_elements(lambda key: self.part[key] == part, return_dtype=pl.Boolean)
        )
        return mine.sort(pl.col("conversation_id").map_elements(_drawn, return_dtype=pl.String))

    def steps(self, scenario: str) -> list[str]:
        """The replies of a task in the procedure's order, then those that no order is given for."""
        rows = self.procedures.filter(pl.col("scenario") == scenario)
        following = dict(rows.select("reply_id", "next_reply_id").drop_nulls().iter_rows())
        ordered = ["hello"]
        while (step := following.get(ordered[-1])) and step not in ordered:
            ordered.append(step)
        return [*ordered, *(step for step in rows["reply_id"].to_list() if step not in ordered)]

    def system(self, scenario: str) -> ChatMessage:
        """What a dialogue of a task begins with."""
        return {"role": "system", "content": f"Task: {scenario}. Steps: {', '.join(self.steps(scenario))}."}

    def references(self) -> References:
        """What is known to be right at a turn, by all Good Cases and the procedures."""
        good = self.cases.filter(pl.col("label") == "good").select("conversation_id")
        talks = self.conversations.join(good, on="conversation_id", how="semi")
        return References.of(talks, self.inspections, self.knowledge, self.procedures)

    def verifier(self) -> Verifier:
        """The blind inspectors."""
        return Verifier(self.conversations, self.knowledge, self.procedures)


def load() -> Star:
    """Read and label STAR.

    Raises:
        SystemExit: The data is not there.
    """
    if not (SHARED / "star").is_dir():
        raise SystemExit(f"STAR is not at {SHARED / 'star'}: this benchmark needs it")
    found = frames("star")
    conversations = found["conversations"]
    cases = label(conversations, found["satisfaction"], found["inspections"], found["verdicts"], DECISIONS.empty())
    parts = {row["conversation_id"]: _part(row) for row in conversations.iter_rows(named=True)}
    procedures = _spoken(load_procedures(str(SHARED / "star" / "policies.jsonl.gz")))
    return Star(
        conversations, cases, found["inspections"], procedures, load_knowledge(str(SHARED / "star" / "knowledge")), parts
    )


def chat(star: Star, scenario: str, messages: Sequence[Message]) -> list[ChatMessage]:
    """A dialogue as chat, each reply naming its step."""
    turns = iter(to_chat(messages))
    steps = [output for message in messages for output in _stepped(message)]
    named = iter(steps)
    done = [turn if turn["role"] != "assistant" else {**turn, "content": next(named).to_json()} for turn in turns]
    return [star.system(scenario), *done]


def dialogues(star: Star, part: str, count: int) -> list[dict[str, Any]]:
    """The first Good Cases of a part as dialogues that end with a reply."""
    rows = []
    for row in star.good(part).head(count).iter_rows(named=True):
        last = max((i for i, message in enumerate(row["messages"]) if message["role"] == "assistant"), default=-1)
        messages = chat(star, row["scenario"], row["messages"][: last + 1])
        gold = [
            message.get("action")
            for message in row["messages"][: last + 1]
            if message["role"] == "assistant"
            for _ in _stepped(message)
        ]
        keys = ("conversation_id", "user_id", "scenario")
        rows.append({"messages": messages, "steps": gold, **{key: row[key] for key in keys}})
    return rows


def pairs(star: Star, each: int) -> list[dict[str, Any]]:
    """Preference pairs of the training part: verified rewrites of its Bad Cases, and planted defects against what was said."""
    conversations, cases = (_of_part(star, frame, "train") for frame in (star.conversations, star.cases))
    built = build_pairs(cases, conversations, star.inspections, star.good("train"), star.knowledge, star.procedures).pairs
    rows = [
        {
            "prompt": chat(star, row["scenario"], row["prompt"]),
            "chosen": _answer(DialogueAction.model_validate_json(row["chosen"])),
            "rejected": _answer(DialogueAction.model_validate_json(row["rejected"])),
            "issue_type": row["issue_type"],
        }
        for row in built.iter_rows(named=True)
    ]
    return rows + [pair for site, said in planted(star, "train", each) if (pair := _planted_pair(star, site, said))]


def planted(star: Star, part: str, each: int) -> Iterator[tuple[Site, DialogueAction]]:
    """Sites of defects planted into a part's Good Cases, with what was really said there."""
    clean = star.good(part)
    found = plant(clean, knowledge=star.knowledge, procedures=star.procedures, each=each)
    messages = {row["conversation_id"]: row for row in found.conversations.iter_rows(named=True)}
    for defect in found.defects.iter_rows(named=True):
        row, original = messages[defect["conversation_id"]], messages[defect["original_id"]]
        turn = defect["turn"]
        same = row["messages"][:turn] == original["messages"][:turn] and turn < len(original["messages"])
        sides = [_stepped(side["messages"][turn]) for side in (row, original)] if same else [[], []]
        if all(sides) and any(message["role"] == "user" for message in row["messages"][:turn]):
            names = {key: original[key] for key in ("dt", "conversation_id", "user_id", "scenario")}
            prompt = tuple(row["messages"][:turn])
            yield Site(**names, turn=turn, issue_type=defect["issue_type"], prompt=prompt, said=sides[0][0]), sides[1][0]


def sites(star: Star, part: str, each: int) -> list[tuple[Site, Owed | None]]:
    """Where a part's conversations went wrong, and what was owed there: its own Bad Cases, and planted defects.

    At a planted defect what was really said there, in a Good Case, is what was owed; at a Bad Case's turn it is what log, Good
    Cases and procedure say; None where that is nothing certain.
    """
    references = star.references()
    own = find_sites(_of_part(star, star.cases, part), star.conversations, star.inspections)
    return [
        *((site, references.owed(site)) for site in own),
        *((site, references.owed_by(site, said, "planted")) for site, said in planted(star, part, each)),
    ]


def write_jsonl(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """A file of one JSON object a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


def _planted_pair(star: Star, site: Site, said: DialogueAction) -> dict[str, Any] | None:
    wrong = site.said.model_copy(update={"knowledge": site.said.knowledge or said.knowledge})
    if wrong.to_json() == said.to_json():
        return None
    prompt = chat(star, site.scenario, site.prompt)
    return {"prompt": prompt, "chosen": _answer(said), "rejected": _answer(wrong), "issue_type": site.issue_type}


def _stepped(message: Message) -> list[DialogueAction]:
    """A message's outputs, the first with the step that the log names."""
    outputs = assistant_actions(message) if message["role"] == "assistant" else []
    step = message.get("action")
    return [output.model_copy(update={"knowledge": [step]}) if step and not i else output for i, output in enumerate(outputs)]


def _answer(output: DialogueAction) -> list[ChatMessage]:
    return [{"role": "assistant", "content": output.to_json()}]


def _of_part(star: Star, frame: pl.DataFrame, part: str) -> pl.DataFrame:
    keys = [key for key, value in star.part.items() if value == part]
    return frame.filter(pl.col("conversation_id").is_in(keys))


def _spoken(procedures: pl.DataFrame) -> pl.DataFrame:
    """Without the texts of steps that STAR's agents do rather than say (`Query Check`, `Unavailable`): no reply is such."""
    done = pl.col("reply_id").str.starts_with("query") | pl.col("reply_id").is_in(["yes", "no", "available", "unavailable"])
    return procedures.with_columns(text=pl.when(done).then(None).otherwise("text"))


def _part(row: Mapping[str, Any]) -> str:
    if row["scenario"] in HELD_OUT_TASKS:
        return "tasks"
    return "train" if split_of(row["user_id"]) == "train" else "customers"


def _drawn(key: str) -> str:
    return sha256(key.encode()).hexdigest()
