"""What a run needs: estimates against numbers worked out by hand."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from wow_flywheel.errors import TrainingError
from wow_flywheel.training import memory

SMALL = memory.Shape(parameters=1000, trained=1000, layers=2, hidden=8, attention=16, feed_forward=32, vocabulary=50)


def test_bytes_of_full_tuning_are_those_of_the_formula() -> None:
    layer = 2 * (3 * 8 + 16 + 4 * 32) + 16 * 8
    assert layer == 464
    assert SMALL.bytes_needed(10, bf16=True, checkpointed=False) == 16_000 + 10 * (2 * 464 + 50 * 10)
    assert SMALL.bytes_needed(10, bf16=True, checkpointed=True) == 16_000 + 10 * (464 + 4 * 8 * 2 + 50 * 10)


def test_adapters_alone_have_gradients_and_moments() -> None:
    import torch

    config = SimpleNamespace(hidden_size=8, num_attention_heads=2, num_key_value_heads=1, intermediate_size=32,
                             num_hidden_layers=2, vocab_size=50)  # fmt: skip
    config.get_text_config = lambda: config
    weights = {"embed.weight": torch.zeros(50, 8), "layers.0.q_proj.weight": torch.zeros(8, 8), "norm.weight": torch.zeros(8)}
    model = SimpleNamespace(config=config, parameters=weights.values, named_parameters=weights.items)
    full, adapted = (memory.Shape.of(model, lora_rank=rank) for rank in (0, 4))
    assert (full.parameters, full.trained, full.attention) == (472, 472, 16)
    assert (adapted.parameters, adapted.trained) == (472 + 64, 64)


@pytest.mark.parametrize(("length", "batch", "expected"), [(100, 8, 8), (300, 8, 2), (600, 8, 1), (5000, 8, 1), (200, 6, 3)])
def test_as_many_examples_go_through_at_once_as_keep_the_row_short(length: int, batch: int, expected: int) -> None:
    assert memory.micro_batch([length, length], batch, "cpu") == expected


def test_activations_are_recomputed_by_need() -> None:
    assert memory.needs_checkpointing("auto", needed=95, available=100)
    assert not memory.needs_checkpointing("auto", needed=85, available=100)
    assert memory.needs_checkpointing("always", needed=1, available=100)
    assert not memory.needs_checkpointing("never", needed=1000, available=100)


def test_free_memory_is_what_the_machine_or_the_container_leaves(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 200 kB\nMemAvailable: 100 kB\n")
    assert memory._free_of_machine(meminfo, tmp_path) == 102_400
    (tmp_path / "memory.max").write_text("max\n")
    assert memory._free_of_machine(meminfo, tmp_path) == 102_400
    (tmp_path / "memory.max").write_text("50000\n")
    (tmp_path / "memory.current").write_text("20000\n")
    assert memory._free_of_machine(meminfo, tmp_path) == 30_000
    assert memory._free_of_machine(tmp_path / "none", tmp_path / "none") == 1 << 62
    assert memory.available_memory(2.5) == 2_500_000_000


def test_a_disk_that_is_too_full_is_noticed_before_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=3 * memory.GIB))
    weights = memory.GIB // 16
    memory.check_disk(tmp_path / "not" / "yet", weights, weights, 3)
    with pytest.raises(TrainingError, match=r"3\.0 GiB free, and this run writes up to 3\.2 GiB: its model and 4 checkpoints"):
        memory.check_disk(tmp_path, weights, weights, 4)
