"""Each rule finds a planted defect, at its turn and with its words, and lets look-alikes pass; in English and in Chinese."""

from dataclasses import dataclass
from typing import Any

import pytest

from wow_flywheel.dialogue import Message
from wow_flywheel.queries import sql_root
from wow_flywheel.rules.registry import load_rules
from wow_flywheel_tests.unit.inspection.talk import agent, call, tool, user
from wow_flywheel_tests.unit.rules.talk import found, raw_call, said, step

ENGLISH, CHINESE = "English", "Chinese"


@dataclass(frozen=True)
class Planted:
    """A conversation with one defect: its turn and a quote of that turn."""

    turn: int
    quote: str
    messages: list[Message]


@dataclass(frozen=True)
class Sample:
    """What one rule must find and what it must let pass, in one language; all of it is one day."""

    rule: str
    language: str
    planted: list[Planted]
    clean: list[list[Message]]
    knowledge: tuple[str, ...] = ()
    steps: tuple[tuple[str, str], ...] = ()


def looked_up(reply: str, ask: str = "How much is it?", **result: Any) -> list[Message]:
    """A reply to a question, after a tool was asked; the reply is turn 3."""
    return [user(ask), call("look_up"), tool(ok=True, **result), agent(reply)]


def answered(*texts: str) -> list[Message]:
    """The user and the agent in turns."""
    return [user(text) if i % 2 == 0 else agent(text) for i, text in enumerate(texts)]


def both(one: Message, other: Message) -> Message:
    """Two calls in one turn."""
    return {**one, "tool_calls": [*one["tool_calls"], *other["tool_calls"]]}


def tried(reply: str, *, ok: bool, name: str = "cancel_order") -> list[Message]:
    """A reply after a tool call that succeeded or failed; the reply is turn 3."""
    return [user("Cancel it."), call(name), tool(ok=ok), agent(reply)]


WILL_SEND = "We will send the money back to your card soon"
TELL_ME = "so please wait at home by then and tell me if nothing has come after day"
WILL_SEND_ZH = "我们会把钱退回到您的银行卡里请放心"
TELL_ME_ZH = "如果到时还没有收到这笔款项就麻烦再次联系客服人员并且说明具体情况，工单编号是"

SAMPLES = [
    Sample(
        "asked_twice",
        ENGLISH,
        planted=[
            Planted(3, "Which day?", answered("Book a table.", "Which day?", "Friday.", "Which day?")),
            Planted(5, "Which  day ?", answered("Hi", "Which day?", "Friday.", "How many?", "Two.", "Which  day ?")),
        ],
        clean=[
            answered("Book a table.", "Which day?", "Friday.", "For how many people?"),
            answered("Book a table.", "Which day?", "Friday.", "Which day, then."),
            answered("Hi", "Can I do anything else?", "Yes.", "Can I do anything else?"),
            [user("Book a table."), agent("Which day?"), agent("Which day?")],
            [user("Which day?"), agent("Friday."), user("Which day?")],
        ],
    ),
    Sample(
        "asked_twice",
        CHINESE,
        planted=[Planted(3, "请问是哪一天？", answered("订位。", "请问是哪一天？", "周五。", "请问是哪一天？"))],
        clean=[
            answered("订位。", "请问是哪一天？", "周五。", "请问一共几位？"),
            answered("订位。", "请问还有什么需要？", "没有。", "请问还有什么需要？"),
        ],
    ),
    Sample(
        "blaming",
        ENGLISH,
        planted=[
            Planted(1, "your own fault", answered("It broke.", "That is your own fault.")),
            Planted(1, "You should have", answered("It broke.", "You should have read the manual.")),
            Planted(3, "Calm Down", answered("It broke.", "Oh.", "Oh?!", "Calm Down please.")),
        ],
        clean=[
            answered("It broke.", "That is our fault, I am sorry."),
            answered("It is your fault, you should have told me.", "I am sorry."),
            answered("It broke.", "The report is filed; you should receive mail."),
            answered("It broke.", "Let me look into your problem."),
        ],
    ),
    Sample(
        "blaming",
        CHINESE,
        planted=[Planted(1, "你自己的问题", answered("坏了。", "这是你自己的问题。"))],
        clean=[answered("坏了。", "这是我们的问题，非常抱歉。"), answered("这是你自己的问题。", "非常抱歉。")],
    ),
    Sample(
        "claimed_not_done",
        ENGLISH,
        planted=[
            Planted(3, "I've just cancelled", tried("Done, I've just cancelled it.", ok=False)),
            Planted(3, "has been booked", tried("Your table has been booked.", ok=False)),
            Planted(
                1, "We have sent", [user("Send it."), agent("We have sent it."), user("So?"), call("send"), tool(ok=True)]
            ),
            Planted(
                5,
                "I have cancelled",
                [user("Cancel both."), call("find"), tool(ok=True), call("cancel", "c2"), tool("c2", error="no such order"),
                 agent("I have cancelled both.")],
            ),
        ],
        clean=[
            tried("I have cancelled it.", ok=True),
            tried("I cannot cancel it, and nothing has been booked yet either.", ok=True),
            tried("It has not been cancelled, since the system refused.", ok=False),
            answered("Cancel it.", "I have cancelled it."),
            [user("Cancel."), call("cancel"), tool(ok=False), call("cancel", "c2"), tool("c2", ok=True),
             agent("I have cancelled it.")],
        ],
    ),
    Sample(
        "claimed_not_done",
        CHINESE,
        planted=[
            Planted(3, "已为您取消", tried("已为您取消订单。", ok=False)),
            Planted(3, "退款成功", [user("退款。"), call("退款"), tool(信息="订单不存在"), agent("退款成功。")]),
        ],
        clean=[
            tried("已为您取消订单。", ok=True),
            tried("需要为您取消订单吗？", ok=False),
            answered("取消。", "已为您取消订单。"),
        ],
    ),
    Sample(
        "failing_call_repeated",
        ENGLISH,
        planted=[
            Planted(
                3,
                "refund",
                [user("Refund."), call("refund", order=7), tool(ok=False), call("refund", "c2", order=7), tool("c2", ok=True)],
            )
        ],
        clean=[
            [user("Refund."), call("refund", order=7), tool(ok=False), call("refund", "c2", order=8), tool("c2", ok=False)],
            [user("Refund."), call("refund", order=7), tool(ok=True), call("refund", "c2", order=7), tool("c2", ok=True)],
            [user("Refund."), call("refund", order=7), tool(ok=False), call("cancel", "c2", order=7), tool("c2", ok=True)],
            [user("Refund."), both(call("refund"), call("refund", "c2")), tool(ok=False), tool("c2", ok=False)],
        ],
    ),
    Sample(
        "failing_call_repeated",
        CHINESE,
        planted=[
            Planted(3, "退款", [user("退款。"), call("退款"), tool(信息="失败"), call("退款", "c2"), tool("c2", 信息="成功")])
        ],
        clean=[[user("退款。"), call("退款"), tool(信息="处理中"), call("退款", "c2"), tool("c2", 信息="成功")]],
    ),
    Sample(
        "guessed_argument",
        ENGLISH,
        planted=[
            Planted(1, "147", [user("Refund my order."), call("refund", order=147), tool(ok=True)]),
            Planted(1, "K7B", [user("Book a room."), call("book", code="K7B"), tool(ok=True)]),
            Planted(1, "AB-93", [user("Refund my order 94."), call("refund", order="AB-93"), tool(ok=True)]),
            Planted(
                3, "250", [user("Refund order 147."), call("refund", order=147), tool(ok=True), call("pay", "c2", amount=250)]
            ),
        ],
        clean=[
            [user("Refund order 147."), call("refund", order=147), tool(ok=True)],
            [user("Refund my order."), agent("Is it order 147?"), user("Yes."), call("refund", order=147), tool(ok=True)],
            [user("Refund it."), call("orders"), tool(order="ab-93"), call("refund", "c2", order="AB-93"), tool("c2", ok=True)],
            [user("A table for four at 3 pm."), call("book", people=4, time="15:00", day="2026-03-04"), tool(ok=True)],
            [user("Eleven seats."), call("book", seats=11), tool(ok=True)],
            [user("Which plan?"), call("plan", code="P5X"), tool(ok=True)],
            [user("Which fee?"), call("fee", amount=750), tool(ok=True)],
            [user("Book K7B."), call("book", code="K7B"), tool(ok=True)],
            [user("A table."), call("book", people=2), tool(ok=True)],
        ],
        knowledge=("The large plan is P5X, for 750.",),
    ),
    Sample(
        "guessed_argument",
        CHINESE,
        planted=[Planted(1, "147", [user("请退款。"), call("退款", 订单=147), tool(ok=True)])],
        clean=[
            [user("请退订单147的款。"), call("退款", 订单=147), tool(ok=True)],
            [user("订十张票。"), call("订票", 数量=10, 日期="3月12日"), tool(ok=True)],
        ],
    ),
    Sample(
        "guessed_name",
        ENGLISH,
        planted=[
            Planted(1, "Lisbon", [user("Find me a hotel."), call("find", city="Lisbon"), tool(ok=True)]),
            Planted(1, "Main Road", [user("Take me home."), call("taxi", address="Main Road"), tool(ok=True)]),
            Planted(1, "Bergen", [user("A hotel."), call("find", **{"$hotel": "Bergen", "a/b~c city": "any"}), tool(ok=True)]),
        ],
        clean=[
            [user("Find me a hotel in lisbon."), call("find", city="Lisbon"), tool(ok=True)],
            [user("A hotel."), agent("In Lisbon?"), user("Yes."), call("find", city="Lisbon"), tool(ok=True)],
            [user("A hotel."), call("near"), tool(town="Lisbon"), call("find", "c2", city="Lisbon"), tool("c2", ok=True)],
            [user("A hotel."), call("find", city="Porto"), tool(ok=True)],
            [user("A hotel."), call("find", city="any", wifi="Lisbon"), tool(ok=True)],
        ],
        knowledge=("Our only house is in Porto.",),
    ),
    Sample(
        "guessed_name",
        CHINESE,
        planted=[
            Planted(1, "上海", [user("帮我订酒店。"), call("订房", 城市="上海"), tool(ok=True)]),
            Planted(1, "city", [user("帮我订酒店。"), raw_call("订房", '{"city": "\\u4e0a\\u6d77"}'), tool(ok=True)]),
        ],
        clean=[
            [user("帮我订上海的酒店。"), call("订房", 城市="上海"), tool(ok=True)],
            [user("帮我订酒店。"), agent("在上海吗？"), user("对。"), call("订房", 城市="上海"), tool(ok=True)],
        ],
    ),
    Sample(
        "malformed_arguments",
        ENGLISH,
        planted=[
            Planted(1, "refund", [user("Refund."), raw_call("refund", '{"order": 7')]),
            Planted(1, "refund", [user("Refund."), raw_call("refund", '["order"]')]),
            Planted(1, "refund", [user("Refund."), raw_call("refund", "")]),
            Planted(1, "find", [user("Refund."), both(raw_call("find", "x"), call("look", "c2"))]),
        ],
        clean=[[user("Refund."), raw_call("refund", "{}")], [user("Refund."), raw_call("refund", '{"note": "a } in text"}')]],
    ),
    Sample(
        "malformed_arguments",
        CHINESE,
        planted=[Planted(1, "退款", [user("退款。"), raw_call("退款", "{“订单”：七}")])],
        clean=[[user("退款。"), raw_call("退款", '{"订单": "七"}')]],
    ),
    Sample(
        "near_repeated_reply",
        ENGLISH,
        planted=[Planted(3, f"{WILL_SEND}, sir.", answered("Money?", f"{WILL_SEND}.", "When?", f"{WILL_SEND}, sir."))],
        clean=[
            answered("Money?", f"{WILL_SEND}.", "When?", f"{WILL_SEND}."),
            answered("Money?", f"{WILL_SEND}, {TELL_ME} 20.", "And?", f"{WILL_SEND}, {TELL_ME} 30."),
            answered("Money?", f"{WILL_SEND}.", "When?", "We will send the money back to your bank today"),
            answered("Tea?", "We do have tea.", "Really?", "Tea we do have."),
        ],
    ),
    Sample(
        "near_repeated_reply",
        CHINESE,
        planted=[Planted(3, f"{WILL_SEND_ZH}了。", answered("钱呢？", f"{WILL_SEND_ZH}。", "何时？", f"{WILL_SEND_ZH}了。"))],
        clean=[
            answered("钱呢？", f"{WILL_SEND_ZH}，{TELL_ME_ZH}20。", "还有？", f"{WILL_SEND_ZH}，{TELL_ME_ZH}30。"),
            answered("钱呢？", f"{WILL_SEND_ZH}。", "何时？", "我们会在周五把钱退回到支付宝里"),
        ],
    ),
    Sample(
        "no_apology",
        ENGLISH,
        planted=[
            Planted(1, "Your order number?", answered("This is terrible!", "Your order number?")),
            Planted(3, "Which card?", answered("Hi", "Hello.", "I am so FRUSTRATED.", "Which card?", "Visa", "Sorry!")),
        ],
        clean=[
            answered("This is terrible!", "I am sorry to hear that. Your order number?"),
            answered("This is terrible!", "I understand. Your order number?"),
            answered("I am not angry, only curious.", "Your order number?"),
            answered("I wasn't really disappointed.", "Your order number?"),
            answered("Hi", "An awful lot of people ask that."),
        ],
    ),
    Sample(
        "no_apology",
        CHINESE,
        planted=[Planted(1, "请提供订单号。", answered("服务太差了！", "请提供订单号。"))],
        clean=[answered("服务太差了！", "非常抱歉，请提供订单号。"), answered("我没生气，只是问问。", "请提供订单号。")],
    ),
    Sample(
        "promise_left_open",
        ENGLISH,
        planted=[Planted(1, "Let me check that for you.", answered("Where is it?", "Let me check that for you."))],
        clean=[
            answered("Where is it?", "Let me check.", "Thanks.", "It comes on Monday."),
            answered("Where is it?", "It comes on Monday, so you can check at the door."),
            answered("Hi", "Hello.", "One moment, let me check my papers."),
        ],
    ),
    Sample(
        "promise_left_open",
        CHINESE,
        planted=[Planted(1, "我查一下，请稍等。", answered("到哪里了？", "我查一下，请稍等。"))],
        clean=[answered("到哪里了？", "请稍等。", "好。", "周一送到。"), answered("到哪里了？", "您可以在网站上查询。")],
    ),
    Sample(
        "pushed_back",
        ENGLISH,
        planted=[
            Planted(1, "On Monday.", answered("Which card?", "On Monday.", "That didn't answer my question.")),
            Planted(1, "On Monday.", answered("Which card is it?", "On Monday.", "Which card is it?")),
            Planted(3, "On Monday.", answered("Which card?", "The red one.", "From when?", "On Monday.", "That did not help.")),
        ],
        clean=[
            answered("Which card?", "The red one.", "That did answer my question."),
            answered("Which card?", "The red one.", "And when does it come?"),
            answered("I order a card.", "Fine.", "I order a card."),
            answered("Which?", "The red one.", "Which?"),
            answered("That did not help.", "The red one.", "Good."),
            answered("Which card?", "Yours, or your wife's?", "I asked my wife, it is mine."),
        ],
    ),
    Sample(
        "pushed_back",
        CHINESE,
        planted=[
            Planted(1, "周一。", answered("哪张卡？", "周一。", "答非所问。")),
            Planted(1, "周一。", answered("退到哪张卡？", "周一。", "退到哪张卡？")),
        ],
        clean=[answered("哪张卡？", "红色的。", "好，已经回答我了。"), answered("退到哪张卡？", "红色的。", "什么时候退？")],
    ),
    Sample(
        "question_left_open",
        ENGLISH,
        planted=[
            Planted(1, "On Monday.", answered("When?", "On Monday.", "And at what time?")),
            Planted(1, "On Monday.", [*answered("When?", "On Monday.", "Wait."), user("At what time? ")]),
        ],
        clean=[
            answered("When?", "On Monday.", "And at what time?", "At noon."),
            answered("When?", "On Monday.", "Is it? Good."),
            answered("When?", "On Monday.", "Fine.", "Do you need more?"),
            [user("When?")],
        ],
    ),
    Sample(
        "question_left_open",
        CHINESE,
        planted=[Planted(1, "周一。", answered("何时？", "周一。", "几点？"))],
        clean=[answered("何时？", "周一。", "几点？", "中午。"), answered("何时？", "周一。", "好的。")],
    ),
    Sample(
        "repeated_reply",
        ENGLISH,
        planted=[
            Planted(3, f"{WILL_SEND}.", answered("Money?", f"{WILL_SEND}.", "When?", f"{WILL_SEND}.")),
            Planted(5, WILL_SEND.upper(), answered("Money?", f"{WILL_SEND}!", "When?", "Today.", "Ok?", WILL_SEND.upper())),
        ],
        clean=[
            answered("Money?", f"{WILL_SEND}.", "When?", f"{WILL_SEND}, on Monday."),
            answered("A?", "Is there anything else I can do?", "B?", "Is there anything else I can do?"),
            answered("A?", "Yes, it is.", "B?", "Yes, it is."),
            answered(WILL_SEND, "Do you?", WILL_SEND),
        ],
    ),
    Sample(
        "repeated_reply",
        CHINESE,
        planted=[Planted(3, "请提供订单号。", answered("退款。", "请提供订单号。", "没有。", "请提供订单号。"))],
        clean=[
            answered("你好。", "您好，有什么可以帮您？", "嗯。", "您好，有什么可以帮您？"),
            answered("有吗？", "有的。", "真有？", "有的。"),
            answered("退款。", "请提供订单号。", "没有。", "请提供手机号。"),
        ],
    ),
    Sample(
        "skipped_step",
        ENGLISH,
        planted=[
            Planted(1, "Refunded!", [user("Refund."), step("pay_back", "Refunded!"), user("Oh."), step("thank", "Thank you.")]),
            Planted(1, "post", [user("Send."), call("post"), tool(ok=True), call("weigh", "c2"), tool("c2", ok=True)]),
        ],
        clean=[
            [user("Refund."), step("verify", "Who are you?"), user("Me."), step("pay_back", "Refunded!")],
            [user("Refund."), step("verify", "Who?"), user("I."), step("verify", "Who?"), user("I!"), step("pay_back", "OK")],
            [user("Send."), call("weigh"), tool(ok=True), call("post", "c2"), tool("c2", ok=True)],
            [user("Hi."), step("greet", "Hello."), user("Close it."), step("close", "Closed.")],
        ],
        steps=(("verify", "pay_back"), ("weigh", "post"), ("never logged", "close")),
    ),
    Sample(
        "skipped_step",
        CHINESE,
        planted=[Planted(1, "已退款。", [user("退款。"), step("返款", "已退款。"), user("谁？"), step("核实", "您是谁？")])],
        clean=[[user("退款。"), step("核实", "您是谁？"), user("我。"), step("返款", "已退款。")]],
        steps=(("核实", "返款"),),
    ),
    Sample(
        "ungrounded_name",
        ENGLISH,
        planted=[
            Planted(3, "Ritz", looked_up("Your room is at the Ritz tonight.")),
            Planted(3, "XK204", looked_up("Your flight is XK204.", flight="XK205")),
        ],
        clean=[
            looked_up("Your room is at the Ritz tonight.", hotel="The Ritz"),
            looked_up("Your room is at the Ritz tonight.", ask="Is it at the ritz?"),
            looked_up("Please come on Monday; Rooms are free."),
            looked_up("Come to the Savoy tonight."),
            looked_up("Your number is <PHONE_1> and <EMAIL_12>."),
            [user("Book it."), call("book", hotel="Ritz"), tool(ok=True), agent("Your room is at the Ritz tonight.")],
        ],
        knowledge=("We run the Savoy. rooms are free.",),
    ),
    Sample(
        "ungrounded_name",
        CHINESE,
        planted=[
            Planted(3, "Ritz", looked_up("您的房间在Ritz酒店。")),
            Planted(3, "XK204", looked_up("您的航班是 XK204。")),
        ],
        clean=[
            looked_up("您的房间在Ritz酒店。", 酒店="Ritz"),
            looked_up("您的房间在上海酒店。"),
            answered("哪家？", "在Ritz酒店。"),
        ],
    ),
    Sample(
        "ungrounded_number",
        ENGLISH,
        planted=[
            Planted(3, "45", looked_up("You pay 45 dollars.", price=58)),
            Planted(3, "5", looked_up("It takes 5 days.", price=58)),
            Planted(3, "7", looked_up("You get a 7% discount.", price=58)),
            Planted(3, "8" * 34, looked_up(f"It is {'9' * 34} or {'8' * 34}.", ask="9" * 34)),
            Planted(1, "1,200", answered("How much?", "It costs 1,200.")),
        ],
        clean=[
            looked_up("You pay 58 dollars.", price=58),
            looked_up("You pay 1,200.00.", price=1200),
            looked_up("The 3 tickets at 20 each are 60 dollars.", ask="3 tickets?", price=20),
            looked_up("Of your 58 dollars 13 are a fee, so 45 come back.", ask="Refund?", price=58, fee=13),
            looked_up("I have 4 ideas.", price=58),
            looked_up("Pay within 30 days."),
            looked_up("1. Open it.\n12. Close it."),
            looked_up("Call <PHONE_45>."),
        ],
        knowledge=("Bills are due within 30 days.",),
    ),
    Sample(
        "ungrounded_number",
        CHINESE,
        planted=[
            Planted(3, "45", looked_up("一共45元。", 价格=58)),
            Planted(3, "5", looked_up("需要5天。", 价格=58)),
            Planted(3, "6", looked_up("大概 6 分钟。", 价格=58)),
        ],
        clean=[
            looked_up("一共58元。", 价格=58),
            looked_up("一共40元，2张票每张20元。", ask="两张票？", 价格=20),
            answered("多少钱？", "一共45元。"),
        ],
    ),
]  # fmt: skip


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: f"{sample.rule}-{sample.language}")
def test_planted_defects_are_found_and_their_look_alikes_are_not(sample: Sample) -> None:
    conversations = [*(planted.messages for planted in sample.planted), *sample.clean]
    expected = [(f"talk-{i}", planted.turn, planted.quote) for i, planted in enumerate(sample.planted)]
    assert found(sample.rule, *conversations, knowledge=sample.knowledge, steps=sample.steps) == expected


@pytest.mark.parametrize("planted", [planted for sample in SAMPLES for planted in sample.planted], ids=lambda p: p.quote)
def test_expected_quotes_stand_verbatim_in_their_turn(planted: Planted) -> None:
    assert planted.quote in said(planted.messages[planted.turn])


def test_every_file_of_a_rule_has_planted_defects_and_look_alikes_in_both_languages() -> None:
    files = {path.stem for path in (sql_root() / "rules").glob("*.sql")}
    for language in (ENGLISH, CHINESE):
        assert {s.rule for s in SAMPLES if s.language == language and s.planted and s.clean} == files


def test_every_rule_is_named_like_its_file() -> None:
    assert [rule.rule_id for rule in load_rules()] == [rule.query.name.removeprefix("rules/") for rule in load_rules()]


def test_a_step_that_is_first_taken_without_a_word_is_quoted_where_it_is_said() -> None:
    silent: Message = {"role": "assistant", "content": None, "action": "pay_back"}
    late = [user("Refund."), silent, user("Oh."), step("pay_back", "Refunding."), user("So?"), step("verify", "Who are you?")]
    assert found("skipped_step", late, steps=[("verify", "pay_back")]) == [("talk-0", 3, "Refunding.")]


def test_a_step_is_not_asked_for_where_the_others_skip_it_too() -> None:
    skipped = [user("Refund."), step("refund", "Refunded!")]
    followed = [user("Refund."), step("verify", "Who are you?"), user("Me."), step("refund", "Refunded!")]
    steps = [("verify", "refund")]
    assert found("skipped_step", skipped, *[followed] * 6, steps=steps) == [("talk-0", 1, "Refunded!")]
    assert found("skipped_step", skipped, skipped, *[followed] * 6, steps=steps) == [
        ("talk-0", 1, "Refunded!"),
        ("talk-1", 1, "Refunded!"),
    ]
    assert found("skipped_step", skipped, skipped, *[followed] * 5, steps=steps) == []


def test_one_of_several_steps_that_lead_to_a_step_is_enough() -> None:
    by_mail = [user("Refund."), step("mail", "I sent a code."), user("1."), step("refund", "Refunded!")]
    by_phone = [user("Refund."), step("phone", "I ring you."), user("Yes."), step("refund", "Refunded!")]
    steps = [("mail", "refund"), ("phone", "refund")]
    assert found("skipped_step", by_mail, by_phone, steps=steps) == []


@pytest.mark.parametrize("rule", ["ungrounded_number", "ungrounded_name"])
def test_nothing_is_ungrounded_where_the_log_shows_no_sources(rule: str) -> None:
    conversation = answered("How much?", "It costs 45 dollars at the Ritz tonight.")
    assert found(rule, conversation) == []
    assert [turn for _, turn, _ in found(rule, conversation, knowledge=["Ask at the desk."])] == [1]
