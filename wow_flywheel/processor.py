"""What the processor here can do.

What belongs here: instructions that decide how a model is computed. What does not: GPUs, whose answer torch has itself.
"""


def multiplies_bf16() -> bool:
    """Whether this processor has instructions for products of bf16 numbers (AVX512-BF16, AMX, Arm's BF16).

    PyTorch computes in bf16 without them too, and is some seven times slower than in fp32 then.
    """
    import torch

    return any(bool(has) for name, has in torch.cpu.get_capabilities().items() if name.endswith("bf16"))
