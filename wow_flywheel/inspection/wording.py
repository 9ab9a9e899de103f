"""What people say when something goes well or wrong, in English and Chinese.

What belongs here: patterns over one turn's text that more than one inspector reads. What does not: decisions.
"""

import re

from wow_flywheel.dialogue import Message

QUESTION = re.compile(
    r"[?？]|(?:吗|呢|多少|怎么|什么|哪[里儿个些])|^\s*(?:what|when|where|which|who|why|how|can|could|do|does|is|are|will)\b",
    re.IGNORECASE,
)
PUSHBACK = re.compile(
    r"(?:does|did)(?:n'?t| not) (?:help|answer|work)|not what i|\b(?:wrong|incorrect|not (?:right|true|correct))\b"
    r"|i (?:already |just )?(?:asked|told|said|gave)|you (?:did not|didn't) (?:answer|listen)|(?:do not|don't) understand"
    r"|you said before|\bagain\b"
    r"|没有?(?:回答|解决)|答非所问|不是(?:这个|我问的|我要的)|我(?:问的是|说过|已经说)|听不懂|不对|错了|又是",
    re.IGNORECASE,
)
UPSET = re.compile(
    r"\b(?:angry|terrible|awful|unacceptable|ridiculous|frustrat\w+|annoy\w+|worst|useless|fed up|disappoint\w+|upset|horrible"
    r"|stupid|waste of (?:my )?time|unhelpful|hate)\b|气死|生气|太差|差劲|垃圾|投诉|失望|离谱|受不了|浪费时间|没用",
    re.IGNORECASE,
)
NOT_UPSET = re.compile(
    r"\b(?:not|never|n't) (?:at all |really |too |so )?(?:angry|annoyed|upset|disappointed|terrible|useless|frustrated|bad)"
    r"|[不没]有?(?:生气|失望)",
    re.IGNORECASE,
)
AT_SERVICE = re.compile(
    r"\b(?:unacceptable|ridiculous|useless|unhelpful|fed up|frustrat\w+|annoy\w+|waste of (?:my )?time|complain\w*)\b"
    r"|\b(?:your?|you['’]?re|this (?:is|was)|(?:customer )?service|support|company|assistant|agent|representative|bot)\b"
    r"|[你您]|服务|客服|态度|商家|平台|气死|投诉|没用|离谱|受不了|浪费时间",
    re.IGNORECASE,
)
ACKNOWLEDGED = re.compile(
    r"sorry|apolog|understand|regret|my bad|inconvenience|抱歉|对不起|不好意思|理解|遗憾|添麻烦|歉意", re.IGNORECASE
)
THANKS = re.compile(
    r"\b(?:thanks?|thank you|thx|appreciate|great|perfect|awesome|wonderful|excellent|amazing)\b|谢|太好了|棒", re.IGNORECASE
)
HUMAN = re.compile(
    r"(?:talk|speak|connect|transfer).{0,20}(?:human|person|agent|representative|manager)|(?:real|human) (?:person|agent|being)"
    r"|[转找要换].{0,4}(?:人工|真人|经理)|人工(?:客服|服务)",
    re.IGNORECASE,
)
UNMET = re.compile(
    r"not what i|(?:does|did) ?n[o']t help|still (?:not|no|have)|never ?mind|forget it|give up|too bad|\bno help\b"
    r"|算了|没解决|不用了",
    re.IGNORECASE,
)
RESIGNED = re.compile(r"^\W*(?:fine|okay|ok|whatever|alright|i guess)\b(?!.*thank)|^\W*(?:好吧|行吧|随便)", re.IGNORECASE)
DONE = re.compile(
    r"\b(?:i|we)(?: have|'ve)? (?:now |just |already |also |successfully )*(?:refunded|cancell?ed|booked|sent|changed|reserved"
    r"|scheduled|submitted|updated)\b|(?:has|have) been (?:successfully )?(?:refunded|cancell?ed|booked|sent|changed|reserved"
    r"|scheduled|submitted|updated)\b|已经?(?:成功)?[为帮给][您你].{0,4}(?:退款|取消|预[订定]|修改|下单|安排|提交)"
    r"|(?:退款|取消|预[订定]|修改|下单)成功",
    re.IGNORECASE,
)
DEEDS = {
    "refund or cancel": re.compile(r"refund|cancel|退款|取消", re.IGNORECASE),
    "book": re.compile(r"booked|reserved|预[订定约]|下单", re.IGNORECASE),
}
"""Kinds of deeds that a reply may claim and that a tool shows; others (a mail that a booking sends) may have no call."""

DOES = {
    "refund or cancel": re.compile(
        r"refund|reimburs|money[_ ]?back|cancel|return|exchange|updat|modif|chang|edit|退|取消|改|换", re.IGNORECASE
    ),
    "book": re.compile(r"book|reserv|(?<!re)schedul|appointment|order|updat|modif|chang|预[订定约]|下单|改", re.IGNORECASE),
}
"""What a call's name, arguments or result says of each kind; a change may refund a difference, or book another thing."""

WRAPPED_UP = re.compile(
    r"anything else|have a (?:nice|great|good|wonderful)|good ?bye|glad (?:to|i could)|you(?:'| a)re welcome|is there more"
    r"|还有(?:什么|其他)|祝您|不客气|再见",
    re.IGNORECASE,
)
REFUSED = re.compile(
    r"\b(?:can ?not|can't|could ?n(?:ot|'t)|could not|(?:wasn't|was not|am not|not) able to|unable to|no longer available"
    r"|unavailable|not available|unfortunately|nothing (?:was )?found|fail(?:ed|ure)|not successful|declined?)\b"
    r"|无法|不能|没有(?:找|查)到|失败|不支持",
    re.IGNORECASE,
)
HANDED_OVER = re.compile(r"transfer|human agent|representative|转接?人工|人工客服", re.IGNORECASE)


def text_of(message: Message) -> str:
    """A message's text; empty where it has none."""
    return message.get("content") or ""


def deeds(text: str) -> set[str]:
    """The kinds of deeds that a reply names; see `DEEDS`."""
    return {name for name, pattern in DEEDS.items() if pattern.search(text)}


def done_by(text: str) -> set[str]:
    """The kinds of deeds that a call may have done, by its name, arguments and result; see `DOES`."""
    return {name for name, pattern in DOES.items() if pattern.search(text)}


def upset_at_service(text: str) -> bool:
    """True if a sentence that sounds upset is about the service or its answers, not about the weather or the customer's day."""
    sentences = re.split(r"[.!?\n。！？]", text)
    return any(UPSET.search(sentence) and AT_SERVICE.search(sentence) for sentence in sentences)


def folded(text: str) -> str:
    """Lower-case words with single spaces: what a listener hears as the same compares equal."""
    return " ".join(re.findall(r"\w+", text.lower()))
