"""Model FLOPs, counted by hand for a small model, and their share of a device's peak."""

from typing import Any

import pytest

from wow_flywheel.training.utilisation import Arithmetic, peak, sequences, utilisation

HIDDEN, LAYERS, WORDS, INSIDE = 8, 2, 50, 16
BLOCK = 4 * HIDDEN * HIDDEN + 3 * HIDDEN * INSIDE + 2 * HIDDEN
"""Queries, keys, values and output; the gated feed-forward block; two norms."""
WITHOUT_TABLE = LAYERS * BLOCK + HIDDEN


@pytest.mark.parametrize(("tied", "weights"), [(True, WITHOUT_TABLE + WORDS * HIDDEN), (False, WITHOUT_TABLE + WORDS * HIDDEN)])
def test_the_table_of_input_embeddings_multiplies_nothing_unless_it_is_the_head(tied: bool, weights: int) -> None:
    found = Arithmetic.of(small(tied=tied))
    assert found == Arithmetic(weights=weights, trained=weights, attention=LAYERS * HIDDEN)


def test_frozen_weights_need_no_gradient_of_their_own() -> None:
    model = small(tied=True)
    for name, weights in model.named_parameters():
        weights.requires_grad = "q_proj" in name
    assert Arithmetic.of(model).trained == LAYERS * HIDDEN * HIDDEN


def test_six_a_weight_and_token_and_twelve_a_layer_width_token_and_position() -> None:
    assert Arithmetic(weights=100, trained=100, attention=0).of_training([10]) == 6 * 100 * 10
    assert Arithmetic(weights=100, trained=30, attention=0).of_training([10]) == 4 * 100 * 10 + 2 * 30 * 10
    assert Arithmetic(weights=0, trained=0, attention=16).of_training([10, 3]) == 12 * 16 * (100 + 9)


def test_a_pair_is_two_sequences_and_its_prompt_counts_in_both() -> None:
    assert sequences({"input_ids": [1, 2, 3], "labels": [1, 2, 3]}) == [3]
    assert sequences({"prompt_ids": [1, 2], "chosen_ids": [3], "rejected_ids": [4, 5, 6]}) == [3, 5]
    assert sequences({"prompt_ids": [1, 2], "completion_ids": [3]}) == [3]


def test_the_share_of_a_known_device_s_peak() -> None:
    assert peak("NVIDIA H100 PCIe") == 756e12
    assert peak("NVIDIA H100 80GB HBM3") == 989e12
    assert utilisation(989e12 * 3, 6.0, 1, "NVIDIA H200") == pytest.approx(0.5)
    assert utilisation(989e12 * 3, 6.0, 2, "NVIDIA H200") == pytest.approx(0.25)
    assert utilisation(1e12, 1.0, 1, "CPU, 2 threads") is None


def small(*, tied: bool) -> Any:
    """A model of two layers."""
    from transformers import LlamaConfig, LlamaForCausalLM

    return LlamaForCausalLM(
        LlamaConfig(
            hidden_size=HIDDEN,
            num_hidden_layers=LAYERS,
            num_attention_heads=2,
            num_key_value_heads=2,
            intermediate_size=INSIDE,
            vocab_size=WORDS,
            tie_word_embeddings=tied,
        )
    )
