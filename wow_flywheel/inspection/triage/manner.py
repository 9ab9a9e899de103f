"""How customers and assistants talk, whatever they talk about, in English and Chinese.

What belongs here: patterns that only the triage reads, as weak hints to be weighed by a fit. What does not: patterns that
decide something by themselves (`inspection.wording`).
"""

import re
from collections.abc import Mapping
from typing import Final


def _any(english: str, chinese: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{english})\b|{chinese}", re.IGNORECASE)


CUSTOMER: Final[Mapping[str, re.Pattern[str]]] = {
    "polite": _any(r"please|pls|thanks?|thank you|thx|appreciate|kindly|sorry|excuse me", r"请|谢|麻烦|劳驾|不好意思"),
    "greets": _any(r"hi|hello|hey|good (?:morning|afternoon|evening|day)", r"你好|您好|在吗"),
    "impatient": _any(
        r"hurry|already|jee+z|come on|seriously|finally|asap|quick(?:ly)?|wait(?:ing|ed)?|slow|so long"
        r"|how (?:long|many times)"
        r"|ugh+|sigh|wtf|omg|really\?+|hello\?+|are you (?:there|even|sure|kidding)",
        r"快点|赶紧|怎么还|多久|到底|磨蹭|等了",
    ),
    "rude": _any(
        r"stupid|idiot|dumb|moron|rude|shut up|suck(?:s|ed)?|damn|hell|crap|freaking|f\W*u\W*c\W*k\w*|shit\w*|lazy"
        r"|incompetent"
        r"|liar|joke|screw|messed up|whatever|duh|lame|bother(?:ed|ing)?|worst|terrible|horrible|awful",
        r"蠢|傻|笨|废物|骗|什么玩意|滚|有病",
    ),
    "let_down": _any(
        r"bummer|dang|darn|shame|too bad|unfortunate(?:ly)?|surprise surprise|great\.\.\.|oh (?:no|well|man)"
        r"|disappoint\w*|sad"
        r"|figures|unbelievable|can'?t believe",
        r"可惜|遗憾|失望|唉|哎",
    ),
    "refuses": _any(r"no|nope|nah|not|never|don'?t|won'?t|can'?t|isn'?t|doesn'?t|didn'?t", r"不|没有?|别"),
    "corrects": _any(
        r"i (?:said|meant|mean|told|asked|wanted)|not that|instead|actually|wrong|incorrect|that'?s not"
        r"|no,? (?:i|the|it)|but i",
        r"我说的?是|我要的是|不是这|错了|不对",
    ),
    "confused": _any(
        r"what do you mean|confus\w+|don'?t (?:understand|get|know)|not sure|huh|why|what\?+|makes? no sense",
        r"什么意思|不明白|为什么|怎么回事",
    ),
    "withdraws": _any(
        r"changed? my mind|never ?mind|forget (?:it|about)|no longer|don'?t need|don'?t want|cancel|instead|anymore"
        r"|any ?way|elsewhere",
        r"算了|不用了|不要了|不需要了|改主意",
    ),
    "chooses": _any(
        r"i'?ll take|i will take|book (?:it|that|me)|go (?:with|ahead)|sounds (?:good|great|perfect)|that works"
        r"|works for me|let'?s do"
        r"|that one|perfect|i'?d like that|yes",
        r"就(?:这个|它|要)|可以|好的|行|定了",
    ),
    "content": _any(
        r"great|perfect|awesome|wonderful|excellent|amazing|nice|cool|good|love|helpful|fun|happy|glad|yay",
        r"太好了|不错|很好|满意|棒|喜欢",
    ),
}
ASSISTANT: Final[Mapping[str, re.Pattern[str]]] = {
    "lost": _any(
        r"(?:don'?t|do not|didn'?t|did not) (?:quite )?(?:understand|get)|not sure (?:what|i)|only able to"
        r"|out of scope|rephrase|unclear"
        r"|what do you mean|beg your pardon|(?:can'?t|cannot|unable to) help",
        r"不(?:太)?明白|没听懂|没理解|只能(?:为您|帮您)?",
    ),
    "curt": re.compile(r"^\W*\w{0,12}\W*$"),
    "scolds": _any(
        r"i (?:just |already )?(?:said|told you|asked)|pay attention|as i said|listen|calm down|rude"
        r"|you (?:need to|must|have to|should)"
        r"|watch your|your (?:fault|problem|mistake)|not my",
        r"我(?:说过|已经说)|您?应该|冷静|您?自己|注意",
    ),
    "waits": _any(
        r"one (?:moment|sec\w*|minute)|hold on|please wait|bear with|let me (?:check|see|look)|checking",
        r"稍等|请等|查一下|正在",
    ),
    "errs": _any(
        r"my (?:mistake|bad|apologies)|i (?:was wrong|misread|made a mistake|mixed)|oops|error|glitch",
        r"我弄错|是我的错|搞错|出错",
    ),
    "warm": _any(r"happy to|glad|pleasure|of course|certainly|sure|great|enjoy|have a", r"很高兴|乐意|当然|祝您|好的"),
}
