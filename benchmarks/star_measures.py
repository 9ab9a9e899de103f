"""What `star_smollm2` measures of a model on held-out STAR: next action, reply loss, RR, format, repair rate by issue type.

What belongs here: the measurements. What does not: the data (`star_data`), training, the table (`star_smollm2`).

Next action: at each held-out turn whose log names the reply that the agent chose, the steps of the task are ranked by the
likelihood of the model's output beginning with that step; accuracy is the share of turns whose own step comes first. Ranking
asks nothing of the format, so that the untrained model is measured too; chance is one in the number of steps.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.star_data import Star
from wow_flywheel.dialogue import ChatMessage, DialogueAction, to_chat
from wow_flywheel.evaluation.offline import evaluate_offline
from wow_flywheel.evaluation.owed import Owed
from wow_flywheel.evaluation.repair import CONSTANTS
from wow_flywheel.pairs.candidates import Candidate
from wow_flywheel.pairs.sites import Site
from wow_flywheel.serving.engine import ReplyEngine

REPLIES = ("reply_loss", "rr", "action_accuracy", "slot_f1", "format_validity")
LONGEST_REPLY = 96
"""Tokens; the untrained model would otherwise chat on to the engine's limit."""


class StepRanker:
    """Ranks a task's steps as the next action.

    Args:
        folder: The model.
    """

    def __init__(self, folder: Path) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self._tokenizer: Any = AutoTokenizer.from_pretrained(folder)
        self._model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16).eval()

    def best(self, prompt: Sequence[ChatMessage], steps: Sequence[str]) -> str:
        """The likeliest step after a prompt; ties go to the earlier one."""
        scores = self.scores(prompt, steps)
        return max(zip(scores, steps, strict=True), key=lambda pair: pair[0])[1]

    def scores(self, prompt: Sequence[ChatMessage], steps: Sequence[str]) -> list[float]:
        """Log-probability of an output that begins by naming each step, in nats.

        All steps go through the model in one row after the one prompt, each seeing the prompt and itself alone.
        """
        import torch

        text: str = self._tokenizer.apply_chat_template(list(prompt), tokenize=False, add_generation_prompt=True)
        before = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        named = [self._tokenizer(f'{{"knowledge":["{step}"]', add_special_tokens=False)["input_ids"] for step in steps]
        opening, shared = before[-1:], before[:-1]
        branches = [opening + ids for ids in named]
        row, positions, mask = _tree(shared, branches)
        with torch.inference_mode():
            logits = self._model(
                input_ids=row, position_ids=positions, attention_mask=mask, logits_to_keep=sum(map(len, branches))
            ).logits
        found, at = [], 0
        for branch in branches:
            scored = logits[0, at : at + len(branch) - 1].float().log_softmax(-1)
            found.append(float(scored.gather(1, torch.tensor(branch[1:])[:, None]).sum()))
            at += len(branch)
        return found


def _tree(shared: Sequence[int], branches: Sequence[Sequence[int]]) -> tuple[Any, Any, Any]:
    import torch

    ids = torch.tensor([[*shared, *(token for branch in branches for token in branch)]])
    owner = torch.tensor([0] * len(shared) + [number for number, branch in enumerate(branches, 1) for _ in branch])
    positions = torch.tensor([*range(len(shared)), *(len(shared) + at for branch in branches for at in range(len(branch)))])
    seen = (owner[None] == 0) | (owner[:, None] == owner[None])
    return ids, positions[None], (seen & (positions[None] <= positions[:, None]))[None, None]


def next_action(star: Star, folder: Path, dialogues: Sequence[Mapping[str, Any]], most: int) -> tuple[int, int, float]:
    """Turns whose step is ranked first, turns, and the accuracy of guessing.

    Args:
        star: For the tasks' steps.
        folder: The model.
        dialogues: As `star_data.dialogues` gives them.
        most: Turns at most, taken evenly.
    """
    points = [point for dialogue in dialogues for point in _points(star, dialogue)]
    points = points[:: max(1, len(points) // most)][:most]
    ranker = StepRanker(folder)
    right = sum(ranker.best(prompt, steps) == gold for prompt, steps, gold in points)
    return right, len(points), sum(1 / len(steps) for _, steps, _ in points) / len(points)


def _points(star: Star, dialogue: Mapping[str, Any]) -> list[tuple[list[ChatMessage], list[str], str]]:
    steps = star.steps(dialogue["scenario"])
    turns = [at for at, message in enumerate(dialogue["messages"]) if message["role"] == "assistant"]
    named = [(at, step) for at, step in zip(turns, dialogue["steps"], strict=True) if step in steps]
    return [(dialogue["messages"][:at], steps, step) for at, step in named]


def replies(folder: Path, dialogues: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    """reply_loss, rr, action_accuracy and slot_f1 (tool calls), format_validity: means over held-out dialogues."""
    outcomes = evaluate_offline(engine(folder), [dict(each) for each in dialogues], model="model")
    means = {name: outcomes[name].mean() for name in REPLIES}
    return {name: None if value is None else float(value) for name, value in means.items()}  # type: ignore[arg-type]


def repairs(star: Star, folder: Path, sites: Sequence[tuple[Site, Owed | None]]) -> dict[str, tuple[int, int]]:
    """By issue type: turns at which the model's own reply gives what was owed and passes blind inspection, and turns judged."""
    judged = [(site, owed) for site, owed in sites if owed is not None]
    prompts = [[star.system(site.scenario), *to_chat(site.prompt)] for site, _ in judged]
    outputs = [reply.output for reply in engine(folder).respond(prompts)]
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for (site, _), fixed in zip(judged, _repaired(star, judged, outputs), strict=True):
        counts[site.issue_type][0] += fixed
        counts[site.issue_type][1] += 1
    return {issue: (fixed, total) for issue, (fixed, total) in sorted(counts.items())}


def constants(star: Star, sites: Sequence[tuple[Site, Owed | None]]) -> dict[str, tuple[int, int]]:
    """By constant reply: turns that it repairs, and turns judged."""
    found: dict[str, tuple[int, int]] = {}
    for name, reply in CONSTANTS.items():
        said = [(site, owed, text) for site, owed in sites if owed is not None and (text := reply(site))]
        fixed = _repaired(star, [(site, owed) for site, owed, _ in said], [DialogueAction(reply=text) for *_, text in said])
        found[name] = (sum(fixed), len(fixed))
    return found


def _repaired(star: Star, judged: Sequence[tuple[Site, Owed]], outputs: Sequence[DialogueAction | None]) -> list[bool]:
    """Whether each output gives what its turn owed, and passes the inspectors; one that is no valid object does not."""
    meeting = [
        (at, site, output)
        for at, ((site, owed), output) in enumerate(zip(judged, outputs, strict=True))
        if output is not None and owed.unmet(output) is None
    ]
    reasons = _verdicts(star, [(site, Candidate(output, "model", "")) for _, site, output in meeting])
    passed = {at for (at, *_), reason in zip(meeting, reasons, strict=True) if reason is None}
    return [at in passed for at in range(len(judged))]


def _verdicts(star: Star, rewrites: Sequence[tuple[Site, Candidate]]) -> list[str | None]:
    """The inspectors take a pair id once; a turn with two defects of different types comes to them in two rounds."""
    rounds: list[dict[str, int]] = []
    for at, (site, _) in enumerate(rewrites):
        free = next((each for each in rounds if site.pair_id not in each), None)
        if free is None:
            rounds.append(free := {})
        free[site.pair_id] = at
    found: list[str | None] = [None] * len(rewrites)
    for each in rounds:
        verdicts = star.verifier().verdicts([rewrites[at] for at in each.values()])
        for at, reason in zip(each.values(), verdicts, strict=True):
            found[at] = reason
    return found


def in_bf16(folder: Path, copy: Path) -> Path:
    """A copy of a trained model in the precision that the untrained one comes in: all are measured alike."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    if not (copy / "config.json").exists():
        AutoTokenizer.from_pretrained(folder).save_pretrained(copy)
        AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16).save_pretrained(copy)
    return copy


def engine(folder: Path) -> ReplyEngine:
    """The model with greedy, short replies: its folder says so, since decoding belongs to a release."""
    path = folder / "generation_config.json"
    settings = json.loads(path.read_text("utf-8")) if path.exists() else {}
    path.write_text(json.dumps(settings | {"do_sample": False, "max_new_tokens": LONGEST_REPLY}), "utf-8")
    return ReplyEngine(folder)
