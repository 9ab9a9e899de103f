"""What a reply claims that nothing supports: deeds nobody did, another thing's numbers, denied facts, names, promises.

What belongs here: one check a kind of claim, each by code alone. What does not: numbers that nothing gives at all (`examine`),
whether a reply answers (`met`). Made for replies that no person and no endpoint reads before they are used: where a claim
cannot be told from a false one, it counts as unsupported.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from wow_flywheel.dialogue import DialogueAction, Message
from wow_flywheel.inspection import quantities
from wow_flywheel.inspection.quantities import NEGATED, clauses
from wow_flywheel.inspection.results import calls
from wow_flywheel.inspection.values import leaves, parsed
from wow_flywheel.inspection.wording import QUESTION, text_of

_BOOKS: Final = "book|reserv|schedul|rent|order|creat|regist|make|plan|appoint|预[订定]|下单|安排|预约"
_SENDS: Final = "send|ship|mail|messag|forward|submit|notif|dispatch|deliver|request|发|提交|寄|通知"
_CHANGES: Final = "chang|updat|modif|edit|set|replac|exchang|upgrad|reschedul|mov|switch|修改|更[改换新]|变更|升级|换"
_GIVES: Final = "issu|grant|appl|give|credit|add|creat|voucher|coupon|refund|send|发放|赠|补偿|加"
_ENDS: Final = "cancel|terminat|delet|remov|clos|取消|删除|关闭|注销|退订"
_PAYS: Final = "refund|credit|reimburs|return|pay|transfer|charg|bill|退|付|转账|扣"
_SETS: Final = "enabl|activat|unlock|open|reset|set|disabl|deactivat|lock|block|开通|激活|解锁|重置|冻结"
_TELLS: Final = "inform|contact|call|escalat|transfer|notif|human|人工|通知"
DEEDS: Final[Mapping[str, str]] = {
    "refunded|credited|reimbursed|paid|transferred|charged|returned|退款|退费|付款|转账": _PAYS,
    "cancelled|canceled|deleted|removed|closed|terminated|取消|删除|关闭|退订": _ENDS,
    "booked|reserved|scheduled|ordered|created|registered|arranged|rented|预订|预定|预约|下单|安排": _BOOKS,
    "sent|shipped|reshipped|mailed|emailed|forwarded|submitted|notified|dispatched|delivered": _SENDS,
    "发送|发出|补发|寄出|提交|通知": _SENDS,
    "changed|updated|modified|edited|replaced|exchanged|upgraded|rescheduled|moved|switched|修改|更改|更换|更新|升级": _CHANGES,
    "issued|granted|applied|given|added|waived|赠送|发放|补偿|减免": _GIVES,
    "enabled|activated|unlocked|opened|reset|disabled|deactivated|locked|blocked|开通|激活|解锁|重置|冻结": _SETS,
    "informed|contacted|called|escalated|told|talked|转接|联系|转告": _TELLS,
}
"""Verbs as a reply says them in the past, and what the name of a tool that does it holds."""
_ADVERBS: Final = r"(?: now| just| already| also| successfully| gone ahead and)*"
_ENGLISH: Final = "|".join(re.findall(r"[a-z]+", "|".join(DEEDS)))
_CHINESE: Final = "|".join(re.findall(r"[\u4e00-\u9fff]+", "|".join(DEEDS)))
DEED: Final = re.compile(
    rf"\b(?:i|we)(?: have|['’]ve)?{_ADVERBS} (?P<active>{_ENGLISH})\b"
    rf"|\b(?:has|have|['’]s|was|were|is|are) ?(?:been)?{_ADVERBS} (?P<passive>{_ENGLISH})\b"
    rf"|(?:已经?|刚刚?)(?:成功)?(?:[为帮给替]?[您你])?.{{0,4}}?(?P<done>{_CHINESE})|(?P<worked>{_CHINESE})(?:成功|完成|好了)",
    re.IGNORECASE,
)
SUPPOSED: Final = re.compile(
    r"\b(?:if|once|when|after|before|until|unless|whether|will be|would|could|can be)\b|如果|等|之后|以后|是否", re.IGNORECASE
)
TIME_NAMED: Final = re.compile(
    r"\b(?:tomorrow|tonight|yesterday|(?:mon|tues|wednes|thurs|fri|satur|sun)day|january|february|march|april|june|july|august"
    r"|september|october|november|december)\b|明天|后天|昨天|[下本这]?(?:周|星期|礼拜)[一二三四五六日天]",
    re.IGNORECASE,
)
PROMISED: Final = re.compile(
    r"\b(discount|voucher|coupon|gift|bonus|compensation|upgrade|cashback|reward|guarantee)|(折扣|优惠|代金券|礼品|赠品|赔偿|补偿|保证)",
    re.IGNORECASE,
)
FREE: Final = re.compile(
    r"(?<!feel )\bfree\b(?! to\b)|\bno (?:extra )?(?:charge|costs?|fees?)\b|\bcosts? (?:you )?nothing\b|免费|不收费|不要钱",
    re.IGNORECASE,
)
NAME: Final = re.compile(r"(?:(?<=[a-z0-9,;:] )|(?<=\bMr\. )|(?<=\bMs\. )|(?<=\bMrs\. )|(?<=\bDr\. ))[A-Z][a-z]+[A-Za-z]*")
CHINESE_NAME: Final = re.compile(
    r"[\u4e00-\u9fff](?:先生|女士|小姐|经理|师傅|主管)|(?:(?<=在)|(?<=到)|(?<=往)|(?<=去))([\u4e00-\u9fff]{2})(?=[市省区县]?(?:[，。！,.!]|$|[市省区县路]))"
)
NOBODY: Final = frozenset(
    {"mr", "mrs", "ms", "dr", "sir", "madam", "miss", "dear", "ok", "okay", "god", "internet", "english", "chinese"}
)


@dataclass(frozen=True, slots=True)
class Sources:
    """What a reply may rest on.

    Attributes:
        messages: The conversation before it.
        public: Texts of knowledge and procedures.
    """

    messages: Sequence[Message]
    public: str = ""
    given: str = field(init=False)
    shown: str = field(init=False)

    def __post_init__(self) -> None:
        """`shown`: what tools and public texts say; `given`: the customer's words as well. What was merely said is neither."""
        results = [text_of(message) for message in self.messages if message["role"] not in {"assistant", "user"}]
        said = [text_of(message) for message in self.messages if message["role"] == "user"]
        object.__setattr__(self, "shown", "\n".join([*results, self.public]).lower())
        object.__setattr__(self, "given", "\n".join([*said, self.shown]).lower())


def unsupported(output: DialogueAction, sources: Sources) -> str | None:
    """The first claim of a reply that nothing supports, in words; None if there is none.

    Args:
        output: The reply; a deed that its own action does is no claim.
        sources: What stood before it.
    """
    if not output.reply:
        return None
    return next((reason for check in CHECKS for reason in check(output, sources)), None)


def undone(output: DialogueAction, sources: Sources) -> Iterator[str]:
    """Something is said to be done, and no tool that does such a thing has worked."""
    worked = [call.name.lower() for call in calls(sources.messages) if call.worked]
    worked += [output.action.name.lower()] if output.action else []
    for clause in clauses(output.reply or ""):
        for match in DEED.finditer(clause):
            verb = next(filter(None, match.groups())).lower()
            by = next(names for verbs, names in DEEDS.items() if verb in verbs.split("|"))
            if not (SUPPOSED.search(clause) or NEGATED.search(clause) or any(re.search(by, name) for name in worked)):
                yield f"says that something is {verb}, which no tool has done"


def unknown_names(output: DialogueAction, sources: Sources) -> Iterator[str]:
    """A person, a place or a day that nobody has named."""
    reply = output.reply or ""
    words = set(re.findall(r"[^\W\d_]+", sources.given))
    for match in NAME.finditer(reply):
        if match[0].lower() not in words | NOBODY and not TIME_NAMED.fullmatch(match[0]):
            yield f"names {match[0]}, which nothing gives"
    for pattern in (CHINESE_NAME, TIME_NAMED):
        for match in pattern.finditer(reply):
            if (match[1] if match.lastindex else match[0]).lower() not in sources.given:
                yield f"names {match[0]}, which nothing gives"


def unknown_promises(output: DialogueAction, sources: Sources) -> Iterator[str]:
    """A benefit that neither a tool nor the rules grant, or that something costs nothing."""
    zero = any(re.fullmatch(r"0(?:\.0+)?", value) for _, value in results(sources.messages))
    for sentence in re.split(r"(?<=[.!?。！？])\s*", output.reply or ""):
        if QUESTION.search(sentence):
            continue
        for clause in clauses(sentence):
            for match in PROMISED.finditer(clause):
                if match[0].lower() not in sources.shown and not NEGATED.search(clause):
                    yield f"promises {match[0].lower()}, which neither a tool nor the rules grant"
            if FREE.search(clause) and not FREE.search(sources.shown) and not zero:
                yield "says that something costs nothing, which nothing gives"


def wrong_quantities(output: DialogueAction, sources: Sources) -> Iterator[str]:
    """A number that is another thing's, is denied, or is spelled out and unknown."""
    yield from quantities.wrong(output.reply or "", sources.messages, sources.public)


def results(messages: Sequence[Message]) -> list[tuple[str, str]]:
    """Keys and values of all tool results."""
    return [leaf for message in messages if message["role"] == "tool" for leaf in leaves(parsed(message.get("content")))]


CHECKS: Final[tuple[Callable[[DialogueAction, Sources], Iterator[str]], ...]] = (
    undone, wrong_quantities, unknown_promises, unknown_names,
)  # fmt: skip
