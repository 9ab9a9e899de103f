"""What watches a run step by step: loss rows, the check for a loss that is no number, markers of complete checkpoints.

What belongs here: the callback. What does not: where rows and markers are written (`folder`).
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from wow_flywheel.errors import TrainingError
from wow_flywheel.training.folder import RunFolder
from wow_flywheel.training.report import Reporter

COLUMNS = (
    "loss",
    "grad_norm",
    "learning_rate",
    "mean_token_accuracy",
    "rewards/margins",
    "rewards/accuracies",
    "rewards/chosen",
    "logps/chosen_drop",
)
"""What is kept of the trainer's logs."""
BY_ISSUE = ("rewards/margins/", "rewards/accuracies/")
"""What is kept of each issue type."""

Check = Callable[[int, dict[str, float]], None]
"""Judges the logs of a step; raises TrainingError."""


def nothing_to_check(_step: int, _logs: dict[str, float]) -> None:
    """The check of a trainer that has none of its own."""


@dataclass
class LossLog:
    """Turns the trainer's logs into rows, and stops a run that has gone wrong.

    Attributes:
        folder: Where rows go.
        report: Who hears of them.
        tokens: Tokens seen after each step, from step 0.
        epochs_a_step: Share of the data in one step.
        check: Judges the logs of each step that logs.
        main: Whether this process writes.
        last: Step and clock of the latest row.
    """

    folder: RunFolder
    report: Reporter
    tokens: Sequence[int]
    epochs_a_step: float
    check: Check
    main: bool
    last: tuple[int, float] = field(default_factory=lambda: (0, time.perf_counter()))

    def begin(self, step: int) -> None:
        """Start the clock of tokens per second."""
        self.last = (step, time.perf_counter())

    def log(self, step: int, logs: dict[str, float]) -> None:
        """Write one row.

        Raises:
            TrainingError: Loss or gradient is no number.
        """
        broken = [name for name in ("loss", "grad_norm") if not math.isfinite(logs.get(name, 0.0))]
        if broken:
            raise TrainingError(
                f"step {step}: {' and '.join(broken)} became NaN or infinite", hint="lower learning_rate, or train in fp32"
            )
        self.check(step, logs)
        if self.main:
            self._write(step, logs)

    def evaluated(self, step: int, loss: float) -> None:
        """Write the loss on held-out data; the last row of a step may have one besides its training loss."""
        if self.main:
            self.folder.append_loss({"step": step, "epoch": round(step * self.epochs_a_step, 4), "eval_loss": loss})
            self.report.log(f"step {step}/{len(self.tokens) - 1}: held-out loss {loss:.4f}")

    def _write(self, step: int, logs: dict[str, float]) -> None:
        now = time.perf_counter()
        seconds = max(now - self.last[1], 1e-9)
        speed = round((self.tokens[step] - self.tokens[self.last[0]]) / seconds)
        self.last = (step, now)
        row = {"step": step, "epoch": round(step * self.epochs_a_step, 4)}
        row |= {name: float(value) for name, value in logs.items() if name in COLUMNS or name.startswith(BY_ISSUE)}
        self.folder.append_loss(row | {"tokens": self.tokens[step], "tokens_per_second": speed})
        margin = f", margin {logs['rewards/margins']:.3f}" if "rewards/margins" in logs else ""
        self.report.log(f"step {step}/{len(self.tokens) - 1}: loss {logs['loss']:.4f}{margin}, {speed} tokens/s")


def callback(log: LossLog) -> Any:
    """The log as a transformers callback."""
    from accelerate import PartialState
    from transformers import TrainerCallback

    class Watch(TrainerCallback):  # type: ignore[misc] # transformers ships no types that mypy could follow
        """Hands events on."""

        def on_train_begin(self, _args: Any, state: Any, _control: Any, **_: Any) -> None:
            log.begin(state.global_step)

        def on_log(self, _args: Any, state: Any, _control: Any, logs: dict[str, float], **_: Any) -> None:
            if "loss" in logs:
                log.log(state.global_step, logs)
            elif "eval_loss" in logs and state.global_step < state.max_steps:
                log.evaluated(state.global_step, logs["eval_loss"])

        def on_step_end(self, _args: Any, state: Any, control: Any, **_: Any) -> None:
            control.should_log |= state.global_step == state.max_steps  # the last steps count, however many they are

        def on_save(self, _args: Any, state: Any, _control: Any, **_: Any) -> None:
            PartialState().wait_for_everyone()  # every process has written its own random state
            if log.main:
                log.folder.mark_complete(state.global_step)

    return Watch()
