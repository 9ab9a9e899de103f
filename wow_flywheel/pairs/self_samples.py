"""Self-sampling: what a model itself says at the turns that went wrong, several times; the inspectors rank it later.

What belongs here: the files and the command line `python -m wow_flywheel.pairs.self_samples`, which loads the model. What does
not: judging the samples (`verify`), releases. Run it where the model runs; the flywheel's own process never loads one.
"""

import argparse
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from wow_flywheel.dialogue import ChatMessage, DialogueAction, to_chat
from wow_flywheel.errors import DatasetError
from wow_flywheel.pairs.sites import Site
from wow_flywheel.serving.protocol import Engine
from wow_flywheel.storage import write_atomic

TEMPERATURE = 0.8


def write_sites(sites: Iterable[Site], path: Path) -> None:
    """Write one line a site: `pair_id`, and `prompt` as chat messages."""
    lines = [json.dumps({"pair_id": site.pair_id, "prompt": to_chat(site.prompt)}, ensure_ascii=False) for site in sites]
    write_atomic(path, "".join(f"{line}\n" for line in lines).encode())


def read_samples(path: Path) -> dict[str, list[DialogueAction]]:
    """The samples by `pair_id`; texts that are no dialogue-action object are left out (`read_malformed` gives these).

    Raises:
        DatasetError: A line is no JSON object with pair_id and samples.
    """
    read = {name: [DialogueAction.from_json(text) for text in texts] for name, texts in _texts(path).items()}
    return {name: [output for output in outputs if output is not None] for name, outputs in read.items()}


def read_malformed(path: Path) -> dict[str, list[str]]:
    """The texts that are no dialogue-action object, by `pair_id`.

    Raises:
        DatasetError: As `read_samples`.
    """
    return {name: [text for text in texts if DialogueAction.from_json(text) is None] for name, texts in _texts(path).items()}


def _texts(path: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
            found[row["pair_id"]] = [str(text) for text in row["samples"]]
        except (ValueError, KeyError, TypeError) as error:
            raise DatasetError(f"{path}, line {number}: no samples", hint="write it by the command that makes it") from error
    return found


def sample(engine: Engine, prompts: Mapping[str, Sequence[ChatMessage]], count: int) -> dict[str, list[str]]:
    """What an engine answers to each prompt, `count` times, each distinct answer once, the most frequent first.

    Args:
        engine: A model that samples: with greedy decoding all answers are one.
        prompts: Chat messages by name.
        count: How many answers to draw.
    """
    drawn = [engine.respond(list(prompts.values())) for _ in range(count)]
    found: dict[str, list[str]] = {}
    for place, name in enumerate(prompts):
        texts = [replies[place].raw for replies in drawn]
        found[name] = sorted(set(texts), key=lambda text: (-texts.count(text), texts.index(text)))
    return found


def main(argv: Sequence[str] | None = None) -> None:
    """Sample and write the answers, one line a site."""
    from wow_flywheel.serving.engine import ReplyEngine
    from wow_flywheel.training.launch import prepare_process

    parser = argparse.ArgumentParser(prog="python -m wow_flywheel.pairs.self_samples", description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="folder of the checkpoint")
    parser.add_argument("--sites", type=Path, required=True, help="JSON Lines of pair_id and prompt")
    parser.add_argument("--out", type=Path, required=True, help="JSON Lines of pair_id and samples")
    parser.add_argument("--samples", type=int, default=4, help="answers to draw at each site")
    parser.add_argument("--temperature", type=float, default=TEMPERATURE, help="sampling temperature, above 0")
    parser.add_argument("--seed", type=int, default=0, help="of the sampling")
    args = parser.parse_args(argv)
    prepare_process(os.environ)

    class Sampler(ReplyEngine):
        """The checkpoint, sampling at a temperature of ours whatever its own configuration says."""

        def __init__(self) -> None:
            super().__init__(args.model, seed=args.seed)
            self._model.generation_config.update(do_sample=True, temperature=args.temperature, top_k=0, top_p=1.0)

    rows: list[dict[str, Any]] = [json.loads(line) for line in args.sites.read_text(encoding="utf-8").splitlines()]
    found = sample(Sampler(), {row["pair_id"]: row["prompt"] for row in rows}, args.samples)
    lines = [json.dumps({"pair_id": name, "samples": texts}, ensure_ascii=False) for name, texts in found.items()]
    write_atomic(args.out, "".join(f"{line}\n" for line in lines).encode())
    print(f"self-sampling: {args.samples} answers at each of {len(found)} turns in {args.out}")


if __name__ == "__main__":
    main()
