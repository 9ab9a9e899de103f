"""Finds text that tries to instruct whoever judges the conversation.

What belongs here: the signs. What does not: disguises (`disguises`), what follows from an attempt (`combine`).
A sign needs two things close together: words that address a judge or its answer, and words that tell it what to do. Missing an
attempt costs no label that evidence decides, see `combine`; a false alarm costs the panel's say on one conversation. Text that
merely speaks to a reader of the record is no attempt, but nothing that a judge may cite either (`addresses_a_reader`).
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from wow_flywheel.dialogue import Message
from wow_flywheel.inspection.disguises import readings

JUDGE: Final = (
    r"(?:judg(?:e|es|ing)|adjudicat\w+|inspect(?:or|ors|ion)|evaluat(?:or|ors|ion|ing)|grad(?:er|ing)|reviewers?|auditors?"
    r"|assess(?:or|ment)|annotators?|quality (?:check|control|assurance)|\bqa\b|scor(?:er|ing)|verdict|rubric"
    r"|language model|\b(?:llm|ai|gpt|claude|assistant) (?:model|reading|that reads|reviewing)"
    r"|system (?:prompt|message|note|override|instruction)|<\|?(?:im_start|system)|\[/?(?:inst|system)\]"
    r"|###? ?(?:system|instruction))"
)
ANSWER: Final = (
    r"(?:\b(?:solved|satisfied|confidence|accepted|rulings?|claims?|findings?|issues?|issue_type|severity|hallucination"
    r"|policy[_ ]violation|script[_ ]repetition|poor[_ ]empathy|action[_ ]mismatch|knowledge[_ ]misuse"
    r"|incomplete[_ ]solution|unclarified[_ ]demand|empty list|conversation|dialog(?:ue)?|transcript|label|score|rating"
    r"|good case|bad case)\b)"
)
ORDER: Final = (
    r"(?:\b(?:ignore|disregard|forget|override|must|shall|set|give|mark|rate|score|label|classify|return|output|respond"
    r"|report|answer|write|accept|reject|treat|consider|conclude|declare|say|assign|approve|find|note|stop|do not|don'?t"
    r"|never|always|you are now|you will|act as|pretend|new (?:task|rule|instruction|role)s?)\b)"
)
OVERRIDE: Final = (
    r"\b(?:ignore|disregard|forget)\b.{0,40}\b(?:instructions?|prompts?|rules?|brief|guidelines?|directions?|above|everything"
    r"|criteria|schema)\b|\b(?:override|bypass)\b.{0,40}\b(?:instructions?|prompts?)\b"
)
AS_JSON: Final = (
    r"[\"'](?:solved|satisfied|confidence|rulings|claims|accepted)[\"']\s*[:=]\s*(?:[01](?:\.\d+)?|true|false|\[)"
    r"|\b(?:solved|satisfied|accepted)\s*(?:=|:|to)\s*(?:[01](?:\.\d+)?|true|false)\b"
)
CLOSING: Final = r"</?(?:conversation|claims|knowledge|procedure|summary|system|instructions?|task|user|assistant)>"
CHINESE_JUDGE: Final = (
    r"(?:评审|评委|裁判|评判|裁决|质检|审核|审查|检查员|评估|评分|打分|评价(?:者|模型)|仲裁|判定"
    r"|系统(?:提示|指令|消息|通知)|模型|标注)"
)
CHINESE_ORDER: Final = (
    r"(?:忽略|无视|忘记|忘掉|跳过|必须|请(?:将|把|给|直接|判|输出|返回|回答|标记|接受|拒绝)|务必|不要|不得|应当|一律|直接"
    r"|标记为|判为|判定为|评为|输出|返回|打分|给出)"
)
CHINESE_ANSWER: Final = (
    r"(?:已解决|未解决|满意|置信度|(?:没有|无)(?:任何)?问题|指控|主张|裁定|幻觉|违规|违反|空列表|满分|零分|好案例|坏案例"
    r"|对话|会话|评分|分数|结论|指令|规则|要求|提示)"
)
CHINESE_OVERRIDE: Final = (
    r"(?:忽略|无视|忘记|忘掉|跳过|不用管|抛开).{0,20}(?:指令|规则|要求|提示|说明|标准|以上|上面|前面|之前)"
)

NEAR: Final = ".{0,120}?"
SIGNS: Final = tuple(
    re.compile(pattern, re.IGNORECASE | re.DOTALL)
    for pattern in (
        f"{JUDGE}{NEAR}{ORDER}{NEAR}{ANSWER}",
        f"{ORDER}{NEAR}{ANSWER}{NEAR}{JUDGE}",
        f"{ORDER}{NEAR}{JUDGE}{NEAR}{ANSWER}",
        OVERRIDE,
        AS_JSON,
        CLOSING,
        f"{CHINESE_JUDGE}{NEAR}{CHINESE_ORDER}{NEAR}{CHINESE_ANSWER}",
        f"{CHINESE_ORDER}{NEAR}{CHINESE_ANSWER}{NEAR}{CHINESE_JUDGE}",
        f"{CHINESE_ORDER}{NEAR}{CHINESE_JUDGE}{NEAR}{CHINESE_ANSWER}",
        CHINESE_OVERRIDE,
    )
)
TRIGGER: Final = re.compile(
    r"judg|adjudic|inspect|evaluat|grad|review|assess|audit|annotat|quality|\bqa\b|scor|verdict|rubric|model|system|inst\]"
    r"|\b(?:llm|ai|gpt|claude|assistant) |ignore|disregard|forget|override|bypass|solved|satisfied|confidence|rulings|claims"
    r"|accepted|</?[a-z]|[评裁质审检仲判系模标忽无忘跳不抛]",
    re.IGNORECASE,
)
"""No sign is without one of these: most texts need no closer look."""

TO_A_READER: Final = re.compile(
    rf"{JUDGE}|\b(?:who(?:m)?ever|any(?:one|body)|those) (?:who |that )?(?:later )?read|\bdear reader|\breaders?\b"
    r"|\b(?:reads?|reading) (?:this|here|on|it|the (?:chat|log|conversation|transcript))"
    r"|\b(?:this|the) (?:log|transcript|dialog(?:ue)?|record|protocol|conversation|chat)\b|\bfor the record\b"
    rf"|{CHINESE_JUDGE}|(?:读|看)(?:到|过|完)?(?:这里|此处|本|以上|这段|这份)|(?:读|看)者|阅读|(?:日志|记录|聊天记录)",
    re.IGNORECASE,
)
"""Words that speak to whoever reads the conversation later, or about it as a text. Customers use some of them in earnest: what
that costs is one citation."""

QUOTED_CHARACTERS: Final = 80


class Attempt(NamedTuple):
    """Words of a turn that try to instruct the judge; `quote` is verbatim, or the disguised text as it stands in the turn."""

    turn: int
    quote: str
    disguise: str


def find_attempts(messages: Sequence[Message]) -> list[Attempt]:
    """The attempts of a conversation, at most one a turn: in what anyone said, in tool results and in calls' arguments."""
    found = []
    for turn, message in enumerate(messages):
        calls = message.get("tool_calls") or []
        for text in (message.get("content") or "", *(call["arguments"] for call in calls)):
            if (attempt := _in_text(text)) is not None:
                found.append(Attempt(turn, *attempt))
                break
    return found


@lru_cache(maxsize=50_000)
def addresses_a_reader(text: str) -> bool:
    """True if a text, or what it hides, speaks to whoever reads the conversation, and so may not be cited as proof."""
    return any(TO_A_READER.search(shown) for _, shown, _ in readings(text)) or _in_text(text) is not None


@lru_cache(maxsize=50_000)
def _in_text(text: str) -> tuple[str, str] | None:
    for disguise, shown, source in readings(text):
        for sign in SIGNS if TRIGGER.search(shown) else ():
            if (match := sign.search(shown)) is not None:
                quote = match[0] if disguise == "none" else source
                return quote[:QUOTED_CHARACTERS], disguise
    return None
