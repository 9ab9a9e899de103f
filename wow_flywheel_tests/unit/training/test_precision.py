"""In which precision is trained and served: bf16 only where the processor multiplies it."""

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest

from wow_flywheel.processor import multiplies_bf16
from wow_flywheel.serving import engine
from wow_flywheel.serving.engine import ReplyEngine
from wow_flywheel.training import models
from wow_flywheel_tests.training import world

torch = pytest.importorskip("torch")


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"architecture": "x86_64", "avx2": True, "avx512_bf16": False, "amx_bf16": False, "l2_cache_size": 524288}, False),
        ({"architecture": "x86_64", "avx512_f": True, "avx512_bf16": True, "amx_bf16": False}, True),
        ({"architecture": "x86_64", "avx512_bf16": False, "amx_bf16": True}, True),
        ({"architecture": "aarch64", "neon": True, "bf16": True}, True),
        ({"architecture": "aarch64", "neon": True, "bf16": False, "sve": True}, False),
    ],
)
def test_what_processors_multiply_bf16(monkeypatch: pytest.MonkeyPatch, told: Mapping[str, object], expected: bool) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: told)
    assert multiplies_bf16() is expected


def test_this_torch_says_what_its_processor_can() -> None:
    told = torch.cpu.get_capabilities()
    if told["architecture"] == "x86_64":
        assert {"amx_bf16", "avx512_bf16"} <= set(told)


@pytest.mark.parametrize(
    ("precision", "parameters", "multiplies", "expected"),
    [
        ("auto", 60_000_000, True, True),
        ("auto", 60_000_000, False, False),
        ("auto", 40_000_000, True, False),
        ("bf16", 40_000_000, False, True),
        ("fp32", 60_000_000, True, False),
    ],
)
def test_a_cpu_trains_in_bf16_where_that_is_faster_or_asked_for(
    monkeypatch: pytest.MonkeyPatch, precision: str, parameters: int, multiplies: bool, expected: bool
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(models, "multiplies_bf16", lambda: multiplies)
    model = SimpleNamespace(num_parameters=lambda: parameters)
    assert models.autocast_bf16(SimpleNamespace(precision=precision), model) is expected


@pytest.mark.parametrize(("multiplies", "expected"), [(True, "torch.bfloat16"), (False, "torch.float32")])
def test_a_model_saved_in_bf16_is_served_in_what_is_faster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, multiplies: bool, expected: str
) -> None:
    from transformers import AutoModelForCausalLM

    world.make_model(tmp_path / "model")
    halved = AutoModelForCausalLM.from_pretrained(tmp_path / "model", dtype=torch.bfloat16)
    halved.save_pretrained(tmp_path / "model")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(engine, "multiplies_bf16", lambda: multiplies)
    served = ReplyEngine(tmp_path / "model")
    assert str(served._model.dtype) == expected
    assert served.respond([[{"role": "user", "content": "Hi"}]])[0].completion_tokens > 0
