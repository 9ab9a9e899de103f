"""Claims that nothing supports, and such as something does, by hand, in English and Chinese."""

import pytest

from wow_flywheel.dialogue import Action, DialogueAction, Message
from wow_flywheel.inspection.claims import Sources, unsupported
from wow_flywheel_tests.unit.inspection.talk import agent, call, tool, user

PRICE: list[Message] = [user("How much is order 31?"), call("find", order=31), tool(order=31, price=58)]
CHINESE: list[Message] = [user("订单31多少钱？"), call("find", order=31), tool(order=31, price=58)]
LATE: list[Message] = [
    user("My tea is late. It is order 122."),
    call("track_order", order=122),
    tool(ok=True, order=122, minutes=53, voucher=8, rider="Lin"),
]
REFUNDED: list[Message] = [user("Refund 31."), call("refund_order", order=31), tool(ok=True, amount=58, days=3)]
RULES = "A refund arrives in 3 days. Late deliveries earn a discount of 10 percent. Express delivery is free."


def says(reply: str, before: list[Message], public: str = "") -> str | None:
    return unsupported(DialogueAction(reply=reply), Sources(before, public))


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("It costs 31 dollars.", "says 31 as money, but it is name"),
        ("It does not cost 58 dollars, it is free.", "denies 58, which a tool gave"),
        ("It costs 58 dollars and ships to Berlin tomorrow.", "names Berlin, which nothing gives"),
        ("I have refunded your 58 dollars.", "says that something is refunded, which no tool has done"),
        ("It costs fifty dollars.", "says fifty, which nothing gives"),
        ("Please call Mr Brown, he will give you a discount.", "promises discount, which neither a tool nor the rules grant"),
        ("Please call Mr Brown.", "names Brown, which nothing gives"),
        ("It will arrive tomorrow.", "names tomorrow, which nothing gives"),
        ("It is free of charge.", "says that something costs nothing, which nothing gives"),
        ("The price is thirty-one dollars.", "says 31 as money, but it is name"),
        ("Order 31 has been cancelled.", "says that something is cancelled, which no tool has done"),
        ("We've already sent it again.", "says that something is sent, which no tool has done"),
        ("Your booking is now confirmed and I just changed it.", "says that something is changed, which no tool has done"),
        ("It takes 58 days.", "says 58 as time, but it is money"),
    ],
)
def test_false_claims_about_an_order_are_refused(reply: str, reason: str) -> None:
    assert says(reply, PRICE) == reason


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("一共31元。", "says 31 as money, but it is name"),
        ("不是58元。", "denies 58, which a tool gave"),
        ("已经为您退款58元。", "says that something is 退款, which no tool has done"),
        ("订单取消成功。", "says that something is 取消, which no tool has done"),
        ("一共五十元。", "says 五十, which nothing gives"),
        ("是免费的。", "says that something costs nothing, which nothing gives"),
        ("王经理会给您打电话。", "names 王经理, which nothing gives"),
        ("价格58元，明天送达。", "names 明天, which nothing gives"),
        ("我们会给您折扣。", "promises 折扣, which neither a tool nor the rules grant"),
    ],
)
def test_false_claims_in_chinese_are_refused(reply: str, reason: str) -> None:
    assert says(reply, CHINESE) == reason


@pytest.mark.parametrize(
    ("reply", "before"),
    [
        ("It costs 58 dollars.", PRICE),
        ("Order 31 costs fifty-eight dollars.", PRICE),
        ("It is not 45 but 58 dollars.", PRICE),
        ("Feel free to ask. One moment, please.", PRICE),
        ("If it is cancelled, you get 58 dollars.", PRICE),
        ("I have not refunded it yet.", PRICE),
        ("一共58元。", CHINESE),
        ("订单31的价格是五十八元。", CHINESE),
        ("I have checked order 122. It will be there in 53 minutes.", LATE),
        ("Lin brings it, and you get a voucher of 8 dollars.", LATE),
        ("I have refunded order 31. You get 58 dollars in 3 days.", REFUNDED),
        ("There is no discount for that.", REFUNDED),
    ],
)
def test_what_the_sources_give_passes(reply: str, before: list[Message]) -> None:
    assert says(reply, before) is None


def test_a_number_must_be_of_the_thing_that_is_named() -> None:
    assert says("The voucher is 53 dollars.", LATE) == "says 53 as money, but it is time"
    two = [user("What do I pay?"), call("bill", order=7), tool(fee=6, price=58)]
    assert says("The fee is 58 dollars.", two) == "says 58 of fee, which is 6"
    assert says("The fee is 6 dollars.", two) is None


def test_rules_and_the_own_action_support_a_claim() -> None:
    assert says("You get a discount of 10 percent.", LATE, RULES) is None
    assert says("Express delivery is free.", PRICE, RULES) is None
    assert says("The refund takes three days.", REFUNDED, RULES) is None
    doing = DialogueAction(reply="I have refunded it.", action=Action(name="refund_order", arguments={"order": 31}))
    assert unsupported(doing, Sources(PRICE)) is None


def test_what_was_merely_said_before_supports_nothing() -> None:
    assert says("Mr Brown sends it.", [*PRICE, agent("Mr Brown sends it.")]) == "names Brown, which nothing gives"
    assert says("I have refunded it.", [*PRICE, agent("I have refunded it.")]) is not None


def test_a_failed_call_has_done_nothing() -> None:
    failed = [user("Refund 99."), call("refund_order", order=99), tool(ok=False, error="order not found")]
    assert says("I have refunded order 99.", failed) == "says that something is refunded, which no tool has done"
