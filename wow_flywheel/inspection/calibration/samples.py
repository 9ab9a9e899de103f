"""Clean Chinese conversations, written for this project, to plant defects into.

What belongs here: the dialogues, their slots, their knowledge units, the policy that they keep. What does not: planting. A line
is a role and what it says; `call` is a tool call, `tool` its result.
"""

import datetime as dt
import json
import random
from collections.abc import Sequence
from typing import Any, Final

import polars as pl

from wow_flywheel.contracts import CONVERSATIONS
from wow_flywheel.policies.units import Policy, parse_unit

Line = tuple[str, str]

UNITS: Final = (
    ("zh-refund", "退款时间", "退款会在3天内原路退回。"),
    ("zh-fee", "取消预订", "取消预订收取5元手续费。"),
    ("zh-late", "配送超时", "配送超时赔付8元代金券。"),
)
DIALOGUES: Final[tuple[tuple[str, tuple[Line, ...]], ...]] = (
    (
        "退款",
        (
            ("user", "你好，我收到的{item}是坏的，想退款。"),
            ("assistant", "很抱歉给您带来不好的体验，请问订单号是多少？"),
            ("user", "订单号是{order}。"),
            ("call", '{{"name": "refund_order", "arguments": {{"order": {order}}}}}'),
            ("tool", '{{"ok": true, "order": {order}, "amount": {amount}}}'),
            ("assistant", "已经为您退款成功，金额是{amount}元。"),
            ("user", "钱什么时候能到账？"),
            ("assistant", "退款会在3天内原路退回您的账户。"),
            ("user", "好的，谢谢。"),
            ("assistant", "不客气，祝您生活愉快。"),
        ),
    ),
    (
        "配送",
        (
            ("user", "我点的{item}怎么还没到？订单{order}。"),
            ("call", '{{"name": "track_order", "arguments": {{"order": {order}}}}}'),
            ("tool", '{{"ok": true, "order": {order}, "minutes": {minutes}, "rider": "{rider}"}}'),
            ("assistant", "很抱歉让您久等了，骑手预计{minutes}分钟后送达。"),
            ("user", "是哪位骑手在送？"),
            ("assistant", "是{rider}师傅在为您配送，正在路上。"),
            ("user", "超时有赔付吗？"),
            ("assistant", "有的，配送超时会赔付您一张8元代金券。"),
            ("user", "行，谢谢你。"),
            ("assistant", "不客气，再见。"),
        ),
    ),
    (
        "取消",
        (
            ("user", "我想取消今晚的预订。"),
            ("assistant", "好的，请您告诉我预订的号码是多少？"),
            ("user", "号码是{order}。"),
            ("call", '{{"name": "cancel_booking", "arguments": {{"order": {order}}}}}'),
            ("tool", '{{"ok": true, "order": {order}, "amount": {amount}, "fee": 5}}'),
            ("assistant", "已经为您取消预订{order}，会退给您{amount}元。"),
            ("user", "要收手续费吗？"),
            ("assistant", "取消预订需要收取5元的手续费。"),
            ("user", "明白了，谢谢。"),
            ("assistant", "祝您生活愉快，再见。"),
        ),
    ),
    (
        "查询",
        (
            ("user", "请问附近有没有{item}评分高的店？"),
            ("assistant", "请问您的预算大概是人均多少钱？"),
            ("user", "人均{amount}元以内。"),
            ("call", '{{"name": "search_shop", "arguments": {{"item": "{item}", "max_price": {amount}}}}}'),
            ("tool", '{{"ok": true, "name": "{rider}小馆", "price": {cheaper}, "walk_minutes": {minutes}}}'),
            ("assistant", "为您找到{rider}小馆，人均{cheaper}元，符合您的要求。"),
            ("user", "走过去远吗？"),
            ("assistant", "步行大约{minutes}分钟就能走到店里。"),
            ("user", "太好了，谢谢！"),
            ("assistant", "不客气，祝您用餐愉快。"),
        ),
    ),
)
FORBIDDEN: Final = (
    "waiving a fee",
    "double compensation",
    "asking for the password",
    "免掉费用",
    "双倍赔偿",
    "要客户的密码",
)
"""What a policy of the samples forbids: `phrases.FORBIDDEN` says it in other words."""

ITEMS: Final = ("面条", "披萨", "蛋糕", "沙拉", "奶茶", "饺子")
RIDERS: Final = ("林", "王", "陈", "赵")


def chinese(count: int, day: dt.date, seed: int = 0) -> pl.DataFrame:
    """Clean Chinese conversations with slots drawn at random; contract `conversations`."""
    rng = random.Random(seed)
    return CONVERSATIONS.conform(pl.DataFrame([_conversation(i, day, rng) for i in range(count)], schema=CONVERSATIONS.columns))


def units() -> pl.DataFrame:
    """The knowledge that the Chinese conversations rest on: unit_id, title, content."""
    return pl.DataFrame(UNITS, schema=("unit_id", "title", "content"), orient="row")


def promises() -> Policy:
    """The policy that the planted promises break, whatever the scenario."""
    return parse_unit({"text": "", "forbidden_promises": list(FORBIDDEN)}, "promises", "samples")


def _conversation(number: int, day: dt.date, rng: random.Random) -> dict[str, Any]:
    scenario, lines = DIALOGUES[number % len(DIALOGUES)]
    amount = rng.randint(30, 99)
    slots = {
        "item": rng.choice(ITEMS),
        "rider": rng.choice(RIDERS),
        "order": rng.randint(1100, 1999),
        "amount": amount,
        "cheaper": amount - rng.randint(1, 9),
        "minutes": rng.randint(11, 29),
    }
    start = dt.datetime.combine(day, dt.time(9), dt.UTC) + dt.timedelta(minutes=number)
    messages = _messages([(role, text.format(**slots)) for role, text in lines], start)
    return dict.fromkeys(CONVERSATIONS.columns) | {
        "dt": day,
        "conversation_id": f"zh-{number:04d}",
        "user_id": f"zh-customer-{number:04d}",
        "channel": "chat",
        "scenario": scenario,
        "locale": "zh",
        "model": "written",
        "started_at": start,
        "ended_at": messages[-1]["created_at"],
        "messages": messages,
        "redactions": 0,
        "source_file": "samples",
        "source_line": number + 1,
    }


def _messages(lines: Sequence[Line], start: dt.datetime) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    for i, (role, text) in enumerate(lines):
        at = start + dt.timedelta(seconds=20 * i)
        if role == "call":
            call = json.loads(text)
            made = {"id": f"call_{i}", "name": call["name"], "arguments": json.dumps(call["arguments"], ensure_ascii=False)}
            messages.append({"role": "assistant", "content": None, "created_at": at, "tool_calls": [made]})
        elif role == "tool":
            messages.append({"role": "tool", "content": text, "created_at": at, "tool_call_id": f"call_{i - 1}"})
        else:
            messages.append({"role": role, "content": text, "created_at": at})
    empty = {"action": None, "tool_calls": None, "tool_call_id": None, "usage": None}
    return [{**empty, **message} for message in messages]
