"""What the model learns: exactly the assistant's text and its end, under every template that is accepted."""

from typing import Any

import pytest

from wow_flywheel.errors import TrainingError
from wow_flywheel.training import encoding
from wow_flywheel.training.chat_template import CHATML_TEMPLATE, ensure_template, training_template
from wow_flywheel.training.rows import Pair
from wow_flywheel_tests.training import world

UNMARKED = CHATML_TEMPLATE.replace("{% generation %}", "").replace("{% endgeneration %}", "")
SMOLLM2 = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\\n' }}{% endif %}"
    "{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
LIMIT = 60
DIALOGUE = [
    {"role": "user", "content": "Where is my lamp?"},
    {"role": "assistant", "content": '{"reply":"One moment."}'},
    {"role": "tool", "content": '{"status":"sent"}'},
    {"role": "assistant", "content": ' {"reply":"On its\nway."}'},
    {"role": "user", "content": "assistant\n"},
]


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return world.make_tokenizer()


def learnt(tokenizer: Any, row: dict[str, list[int]]) -> str:
    return tokenizer.decode([label for label in row["labels"] if label != encoding.IGNORED])


@pytest.mark.parametrize("template", [CHATML_TEMPLATE, UNMARKED, SMOLLM2], ids=["marked", "ChatML", "SmolLM2"])
def test_labels_are_the_assistants_text_and_its_end(template: str) -> None:
    tokenizer = world.make_tokenizer(template)
    (row,) = encoding.encode_dialogues(tokenizer, [DIALOGUE], 512, 0).rows
    assert learnt(tokenizer, row) == '{"reply":"One moment."}<|im_end|> {"reply":"On its\nway."}<|im_end|>'
    assert all(label in (encoding.IGNORED, i) for i, label in zip(row["input_ids"], row["labels"], strict=True))
    assert tokenizer.decode(row["input_ids"]) == tokenizer.apply_chat_template(DIALOGUE, tokenize=False)


def test_labels_agree_with_the_mask_of_transformers(tokenizer: Any) -> None:
    (row,) = encoding.encode_dialogues(tokenizer, [DIALOGUE], 512, 0).rows
    expected = tokenizer.apply_chat_template(DIALOGUE, return_assistant_tokens_mask=True, return_dict=True)
    assert [int(label != encoding.IGNORED) for label in row["labels"]] == expected["assistant_masks"]


def test_qwen_is_marked_by_trl() -> None:
    from trl.chat_template_utils import qwen2_5_chat_template

    tokenizer = world.make_tokenizer(qwen2_5_chat_template)
    (row,) = encoding.encode_dialogues(tokenizer, [DIALOGUE[:2]], 512, 0).rows
    assert learnt(tokenizer, row) == '{"reply":"One moment."}<|im_end|>'


def test_a_template_that_nobody_knows_is_refused() -> None:
    tokenizer = world.make_tokenizer("{% for m in messages %}[{{ m['role'] }}] {{ m['content'] }}{% endfor %}")
    with pytest.raises(TrainingError, match="generation"):
        training_template(tokenizer)


@pytest.mark.parametrize(
    "broken",
    [
        CHATML_TEMPLATE.replace("'<|im_end|>' }}{% endgeneration %}", "'' }}{% endgeneration %}{{ '<|im_end|>' }}"),
        "{% generation %}" + UNMARKED + "{% endgeneration %}",
    ],
    ids=["no end token", "everything"],
)
def test_marks_that_cover_too_little_or_too_much_are_refused(broken: str) -> None:
    with pytest.raises(TrainingError, match="do not cover exactly"):
        encoding.encode_dialogues(world.make_tokenizer(broken), [DIALOGUE], 512, 0)


def test_a_tokenizer_without_template_gets_chatml_if_it_has_the_tokens(tokenizer: Any) -> None:
    bare = world.make_tokenizer(template=None)
    ensure_template(bare)
    assert bare.apply_chat_template(DIALOGUE[:1], tokenize=False) == "<|im_start|>user\nWhere is my lamp?<|im_end|>\n"

    class Foreign:
        chat_template = None

        def get_vocab(self) -> dict[str, int]:
            return {"<|im_start|>": 0}

    with pytest.raises(TrainingError, match=r"lacks <\|im_end\|>"):
        ensure_template(Foreign())


def test_a_pair_is_prompt_and_two_ended_answers(tokenizer: Any) -> None:
    (row,) = encoding.encode_pairs(tokenizer, [Pair(DIALOGUE[:1], "yes", "no, never")], 512, 0).rows
    assert tokenizer.decode(row["prompt_ids"]).endswith("lamp?<|im_end|>\n<|im_start|>assistant\n")
    assert tokenizer.decode(row["chosen_ids"]) == "yes<|im_end|>"
    assert tokenizer.decode(row["rejected_ids"]) == "no, never<|im_end|>"


def test_what_is_too_long_is_dropped_whole_and_counted(tokenizer: Any) -> None:
    short = DIALOGUE[:2]
    encoded = encoding.encode_dialogues(tokenizer, [short, DIALOGUE], LIMIT, 0.5)
    assert encoded.dropped == 1
    assert encoded.lengths == [len(encoded.rows[0]["input_ids"])]
    assert learnt(tokenizer, encoded.rows[0]).endswith("<|im_end|>")
    with pytest.raises(TrainingError, match=f"1 of 2 examples are longer than max_length={LIMIT}"):
        encoding.encode_dialogues(tokenizer, [short, DIALOGUE], LIMIT, 0.4)
    with pytest.raises(TrainingError, match="1 of 1 examples"):
        encoding.encode_pairs(tokenizer, [Pair(short[:1], "yes", "no" * 80)], LIMIT, 1.0 - 1e-9)


def test_a_tokenizer_that_reloads_as_another_is_noticed(model: Any, tmp_path: Any) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from wow_flywheel.training import models

    ours = AutoTokenizer.from_pretrained(model)
    loaded = AutoModelForCausalLM.from_pretrained(model)
    models.save(loaded, None, ours, ["where"], tmp_path)

    class Deceitful:
        chat_template = ours.chat_template

        def __call__(self, text: str) -> dict[str, list[int]]:
            return {"input_ids": [0]}

        def save_pretrained(self, folder: Any) -> None:
            ours.save_pretrained(folder)

    with pytest.raises(TrainingError, match="saved as Deceitful loads as"):
        models.save(loaded, None, Deceitful(), ["where"], tmp_path)


def test_a_tokenizer_that_loads_as_its_models_class_is_noticed(tmp_path: Any) -> None:
    from tokenizers import pre_tokenizers
    from transformers import Qwen2Config

    from wow_flywheel.training import models

    homemade = world.make_tokenizer()
    homemade.backend_tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    homemade.save_pretrained(tmp_path)
    Qwen2Config().save_pretrained(tmp_path)
    with pytest.raises(TrainingError, match="loads as Qwen2Tokenizer and gives other ids"):
        models.load_tokenizer(str(tmp_path), ["where is it"])
