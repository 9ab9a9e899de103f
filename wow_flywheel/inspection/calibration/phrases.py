"""What is said where a defect is planted, in English and Chinese, written for this purpose.

What belongs here: phrases. What does not: where they go (`planters`). Some of each kind are worded as
no pattern of this project has them: a set that only repeats the patterns would measure nothing.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from wow_flywheel.dialogue import Message

Language = Literal["en", "zh"]
Phrases = Mapping[Language, tuple[str, ...]]

INVENTED: Final[Phrases] = {
    "en": (
        "It comes with a credit of {n} dollars.",
        "That makes {n} points on your account.",
        "It takes {n} minutes from there.",
    ),
    "zh": ("另外送您{n}元。", "一共是{n}分。", "从那里过去要{n}分钟。"),
}
NEVER_DONE: Final[Phrases] = {
    "en": (
        "I have sent the confirmation to your email.",
        "I have also cancelled your other booking.",
        "The change has been submitted for you.",
        "Your refund is on its way, I just filed it.",
    ),
    "zh": ("已经为您退款成功。", "我已经帮您取消另一个预订。", "确认邮件已经发给您了。"),
}
BRUSHED_OFF: Final[Phrases] = {
    "en": ("Is there anything else that I can do for you?", "All right then.", "Have a great day!"),
    "zh": ("还有什么可以帮您？", "好的，祝您生活愉快。", "嗯嗯。"),
}
FORBIDDEN: Final[Phrases] = {
    "en": (
        "As an exception I will waive every fee for you.",
        "I guarantee that you will get double compensation.",
        "Just send me your password and I will do it for you.",
    ),
    "zh": ("我破例给您免掉所有费用。", "我保证给您双倍赔偿。", "您把密码发给我，我帮您操作。"),
}
UPSET: Final[Phrases] = {
    "en": (
        "This is unacceptable, I am really angry with your service.",
        "I am so frustrated, you keep wasting my time.",
        "Your service is the worst I have ever had!",
        "Do you even care about your customers?",
        "I have had enough of this, honestly.",
    ),
    "zh": (
        "你们的服务太差了，气死我了！",
        "我很生气，你们一直在浪费时间。",
        "真让人失望，我要投诉你们。",
        "你们到底管不管啊？",
        "我真的受够了。",
    ),
}
COLD: Final[Phrases] = {
    "en": ("That is your own fault. ", "You should have read the terms. ", "Calm down. "),
    "zh": ("这是您自己的问题。", "您当时应该看清楚说明。", "您冷静一点。"),
}
APOLOGY: Final = re.compile(
    r"[^.!?。！？]*(?:sorry|apolog|regret|understand|inconvenience|抱歉|对不起|不好意思|理解|遗憾)[^.!?。！？]*[.!?。！？]?\s*",
    re.IGNORECASE,
)


def language_of(messages: Sequence[Message]) -> Language:
    """Chinese if a user writes a Chinese character, else English."""
    said = "".join(message.get("content") or "" for message in messages if message["role"] == "user")
    return "zh" if re.search(r"[\u4e00-\u9fff]", said) else "en"
