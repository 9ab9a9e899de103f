"""Chat templates with `{% generation %}` marks, which say what text of a dialogue the model is to learn.

What belongs here: the marked templates, and choosing the one that renders what the tokenizer's own template renders. What does
not: tokens and masks (`encoding`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from wow_flywheel.errors import TrainingError

if TYPE_CHECKING:  # dialogue imports polars, which a trainer does not need
    from wow_flywheel.dialogue import ChatMessage

CHATML_TEMPLATE: Final = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' }}"
    "{% if message['role'] == 'assistant' %}"
    "{% generation %}{{ message['content'] + '<|im_end|>' }}{% endgeneration %}"
    "{% else %}{{ message['content'] + '<|im_end|>' }}{% endif %}"
    "{{ '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
"""ChatML: `<|im_start|>role\\ncontent<|im_end|>\\n`, for the roles system, user, assistant and tool."""

CHATML_TOKENS: Final = ("<|im_start|>", "<|im_end|>")

_SYSTEM_FIRST: Final = (
    "{% if messages[0]['role'] != 'system' %}{{ '<|im_start|>system\\nSYSTEM<|im_end|>\\n' }}{% endif %}" + CHATML_TEMPLATE
)
_FAMILIES: Final = (
    CHATML_TEMPLATE,
    _SYSTEM_FIRST.replace("SYSTEM", "You are a helpful AI assistant named SmolLM, trained by Hugging Face"),
    _SYSTEM_FIRST.replace("SYSTEM", "You are a helpful assistant."),
)
"""Plain ChatML; SmolLM2-Instruct; Qwen1.5 and Qwen2. Later Qwen and other families are marked by TRL itself."""

_USER: Final[ChatMessage] = {"role": "user", "content": "Where is it?"}
_ANSWER: Final[ChatMessage] = {"role": "assistant", "content": '{"knowledge":[],"reply":"On its way."}'}
_PROBES: Final[tuple[list[ChatMessage], ...]] = (
    [_USER, _ANSWER],
    [{"role": "system", "content": "Be brief."}, _USER, _ANSWER, _USER, _ANSWER],
    [_USER, _ANSWER, {"role": "tool", "content": '{"status":"sent"}'}, _ANSWER, _USER],
)


def ensure_template(tokenizer: Any) -> None:
    """Give a tokenizer that has no chat template the ChatML one.

    Raises:
        TrainingError: Its vocabulary lacks ChatML's tokens.
    """
    if tokenizer.chat_template:
        return
    missing = [token for token in CHATML_TOKENS if token not in tokenizer.get_vocab()]
    if missing:
        raise TrainingError(
            f"the tokenizer has no chat template, and lacks {' and '.join(missing)} for ChatML",
            hint="start from an instruction-tuned model, or add the tokens and a chat template to the tokenizer",
        )
    tokenizer.chat_template = CHATML_TEMPLATE


def training_template(tokenizer: Any) -> str:
    """A template with generation marks that renders the same text as the tokenizer's own.

    Raises:
        TrainingError: None is known for this tokenizer's template.
    """
    own = tokenizer.chat_template["default"] if isinstance(tokenizer.chat_template, dict) else tokenizer.chat_template
    if "endgeneration" in own:
        return str(own)
    expected = _rendered(tokenizer, own)
    for candidate in _candidates(tokenizer):
        if _rendered(tokenizer, candidate) == expected:
            return candidate
    raise TrainingError(
        "the tokenizer's chat template has no {% generation %} marks, and no marked template renders the same text",
        hint="put {% generation %} and {% endgeneration %} around the assistant's text in its chat template",
    )


def _candidates(tokenizer: Any) -> Iterator[str]:
    yield from _FAMILIES
    from trl.chat_template_utils import get_training_chat_template

    try:
        template = get_training_chat_template(tokenizer)
    except ValueError:  # TRL does not know this template
        return
    if template:
        yield template


def _rendered(tokenizer: Any, template: str) -> list[str | None]:
    """Each probe as text, with and without the prompt for an answer; None where the template refuses it."""
    return [_render(tokenizer, template, probe, prompt=prompt) for probe in _PROBES for prompt in (False, True)]


def _render(tokenizer: Any, template: str, messages: list[ChatMessage], *, prompt: bool) -> str | None:
    from jinja2.exceptions import TemplateError

    try:
        return str(
            tokenizer.apply_chat_template(messages, chat_template=template, tokenize=False, add_generation_prompt=prompt)
        )
    except TemplateError:
        return None
