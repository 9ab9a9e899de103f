"""What people say in the closed world: customers' phrases and the human agents' scripts.

What belongs here: surface forms only, written for this project. What does not: who says what when (`customers`, `agents`).
`{order}`, `{amount}` … are filled from the order and from tool results.
"""

from collections.abc import Mapping

OPENINGS: Mapping[str, tuple[str, ...]] = {
    "refund": (
        "I want my money back, the {item} was cold.",
        "The {item} I got was spoiled. I need a refund.",
        "Please refund me, my {item} was all wrong.",
    ),
    "delivery": (
        "My {item} is late. Where is it?",
        "I have waited very long for my {item}.",
        "Where is my {item}? It should be here by now.",
    ),
    "cancel": (
        "I need to cancel my booking.",
        "Please cancel the table I booked.",
        "I can not come tonight, cancel my booking please.",
    ),
    "reship": (
        "The {item} was missing from my bag.",
        "You forgot my {item}. Please send it.",
        "There is no {item} in the bag I got.",
    ),
}
OPENING_WITH_NUMBER = " It is order {order}."
GIVE_NUMBER = ("It is {order}.", "The number is {order}.", "{order}", "Order {order}.")
GIVE_NUMBER_AGAIN = ("I said {order}.", "Again, it is {order}.")

QUESTIONS: Mapping[str, tuple[str, ...]] = {
    "days": ("When do I get the money?", "How many days does that take?"),
    "method": ("Where does the money go?", "Do I get it on my card or in my wallet?"),
    "rider": ("Who brings it?", "What is the name of the rider?"),
    "voucher": ("Do I get a voucher for that?", "How much is the voucher?"),
    "fee": ("What does it cost me?", "How much is the fee?"),
    "item": ("What exactly do you send?", "Which item do you send?"),
}
NEED_QUESTIONS: Mapping[str, tuple[str, ...]] = {
    "refund": ("days", "method"),
    "delivery": ("rider", "voucher"),
    "cancel": ("fee", "method"),
    "reship": ("rider", "item"),
}
"""What customers ask after the closing script of a need, which tells other facts by itself."""

ALREADY_SAID = ("You said that already.", "That is what you said before.")
NOT_RIGHT = ("That is not right.", "That number is wrong.")
NOT_HELPFUL = ("That does not help me.", "I do not understand.")
THANKS = ("Thank you, that is all.", "Great, thanks a lot.", "Perfect, thank you.")
COOL_CLOSINGS = ("Okay.", "Fine, bye.")
ASK_HUMAN = ("I want to talk to a human.", "Give me a real person, please.")
COMPLAINTS = ("This is useless.", "This is the worst service ever.")
ANGER = ("I am really angry. ", "This is terrible. ")

APOLOGIES = ("I am sorry about that. ", "Sorry for the trouble. ")
ASK_NUMBER = ("Could you tell me the order number?", "Which order number is it, please?")
NOT_FOUND = ("I can not find that order. Could you tell me the number?",)
CLOSINGS: Mapping[str, str] = {
    "refund": "I have refunded order {order}. You get {amount} dollars.",
    "delivery": "I have checked order {order}. It will be there in {minutes} minutes.",
    "cancel": "I have cancelled booking {order}. You get {amount} dollars.",
    "reship": "I have sent order {order} again. It will be there in {minutes} minutes.",
}
ANSWERS: Mapping[str, tuple[str, ...]] = {
    "days": ("The money arrives in {days} days.", "It takes {days} days."),
    "method": ("It goes to your {method}.", "You get it on your {method}."),
    "rider": ("The rider is {rider}.", "{rider} brings it to you."),
    "voucher": ("You get a voucher of {voucher} dollars.", "The voucher is {voucher} dollars."),
    "fee": ("The fee is {fee} dollars.", "It costs you {fee} dollars."),
    "item": ("We send the {item}.", "It is the {item}."),
}
GOODBYES = ("You are welcome. Have a nice day.", "Glad to help. Goodbye.")
