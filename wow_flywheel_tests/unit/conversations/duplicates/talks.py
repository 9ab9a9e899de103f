"""Conversations that repeat each other, and days of them in a lake."""

import datetime as dt
from typing import Any

import polars as pl

from wow_flywheel.contracts import CONVERSATIONS
from wow_flywheel.conversations.duplicates.find import Found, find_duplicates
from wow_flywheel.conversations.duplicates.fingerprints import fingerprints
from wow_flywheel.dialogue import Message
from wow_flywheel.lake import Lake
from wow_flywheel_tests.unit.cases.rows import DAY, NOON, frame
from wow_flywheel_tests.unit.inspection.talk import agent, user

ENGLISH = [
    user("Hello, I bought a blue kettle from you on Monday and it leaks at the handle whenever I pour out hot water."),
    agent("I am sorry about that. Could you tell me the number of your order, so that I can look into it for you?"),
    user("It is order number 4711, and I would rather have my money back than another kettle of the same kind."),
    agent("Thank you. I have sent the refund of your order on its way; it arrives within three to five working days."),
    user("That is all I wanted, thank you for the quick help, and have a nice weekend when it comes."),
]
CHINESE = [
    user("你好，我星期一在你们店里买了一个蓝色的水壶，倒热水的时候把手那里一直漏水，已经没办法再用了。"),
    agent("非常抱歉给您带来不便。请您告诉我订单号，我马上为您查询并处理这件事情，请稍等一下。"),
    user("订单号是4711，我不想换同样的水壶，只想把钱退回来，请尽快帮我办理一下退款，谢谢你。"),
    agent("好的，退款已经为您提交，三到五个工作日之内会原路退回到您的账户，请注意查收，祝您生活愉快。"),
]


def changed(talk: list[Message], *replaced: tuple[str, str]) -> list[Message]:
    """The talk with some words replaced."""
    texts = [str(message["content"]) for message in talk]
    for old, new in replaced:
        assert any(old in text for text in texts), old
        texts = [text.replace(old, new) for text in texts]
    return [{**message, "content": text} for message, text in zip(talk, texts, strict=True)]


def talks(day: int = 0, **messages: list[Message]) -> pl.DataFrame:
    """Conversations of one day by id, a minute apart, in the order given."""
    rows: list[dict[str, Any]] = [
        {
            "dt": DAY + dt.timedelta(days=day), "conversation_id": name, "user_id": f"u-{name}", "scenario": "refund",
            "started_at": NOON + dt.timedelta(minutes=minute), "ended_at": NOON + dt.timedelta(hours=1), "messages": said,
        }
        for minute, (name, said) in enumerate(messages.items())
    ]  # fmt: skip
    return frame(CONVERSATIONS, *rows)


def store(lake: Lake, day: int, **messages: list[Message]) -> None:
    """Write the fingerprints of a day."""
    date = DAY + dt.timedelta(days=day)
    lake.replace("fingerprints", fingerprints(talks(day, **messages)), date)


def found(lake: Lake, day: int, threshold: float = 0.9, window_days: int = 90) -> Found:
    """The duplicates of a day."""
    return find_duplicates(lake, DAY + dt.timedelta(days=day), threshold=threshold, window_days=window_days)


def pairs(lake: Lake, day: int, **rules: Any) -> list[tuple[str, str, int, str]]:
    """The duplicates of a day: id, kind, day of the first (0 is the first day), id of the first."""
    rows = found(lake, day, **rules).duplicates
    return [(r["conversation_id"], r["kind"], (r["of_dt"] - DAY).days, r["of_conversation_id"]) for r in rows.to_dicts()]
