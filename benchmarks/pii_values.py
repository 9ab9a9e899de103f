"""Made-up personal values of every kind, in the many ways in which people and systems write them.

What belongs here: seeded generators with valid check digits, and the words that people put around a value. What does not:
planting and counting (`pii`). None of this is derived from the patterns that find the values.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

R = random.Random

WIDE = str.maketrans("0123456789", "０１２３４５６７８９")
SURNAMES = "Okafor Lindqvist Moreau Patel Nguyen Kowalski Haddad Brennan Castellano Yamada Fischer Ibrahim Novak Sorensen".split()
FIRST = "Amelia Tobias Priya Mateusz Leila Conor Giulia Haruto Ingrid Yusuf Zofia Daniel Chloe Rashid Beatriz Oliver".split()
HAN_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱"
HAN_GIVEN = "梓涵 浩然 雨桐 子轩 欣怡 俊杰 思远 佳琪 晓明 志强 丽娜 海燕".split()
STREETS = "Baker Elm Maple Willowbrook Kingsley Harcourt Lexington Sycamore Juniper Thornton Ashgrove Pennsylvania".split()
ROADS = ["中关村大街", "建设路", "人民南路", "天府大道", "解放东路", "淮海中路", "长江路", "文三路", "深南大道", "朝阳北路"]
CITIES = ["北京市海淀区", "上海市徐汇区", "广东省深圳市南山区", "成都市武侯区", "杭州市西湖区", "", "江苏省南京市鼓楼区"]


@dataclass(frozen=True, slots=True)
class Planted:
    """A kind to plant.

    Attributes:
        name: What the table calls it.
        kind: The placeholder that it should become.
        make: Makes one value.
        english, chinese: What comes before the value; a kind that only its word tells apart has no empty one.
        key: A JSON key for it; empty where a note holds it.
        formatted: False for names, which no format tells.
    """

    name: str
    kind: str
    make: Callable[[R], str]
    english: tuple[str, ...] = ("", "it is ", "here: ", "(")
    chinese: tuple[str, ...] = ("", "是", "：", "（")
    key: str = ""
    formatted: bool = True


def digits(r: R, count: int) -> str:
    return "".join(str(r.randrange(10)) for _ in range(count))


def letters(r: R, count: int) -> str:
    return "".join(r.choice("ABCDEFGHJKLMNPRSTUVWXYZ") for _ in range(count))


def grouped(r: R, text: str, sizes: tuple[int, ...], gaps: tuple[str, ...]) -> str:
    gap, parts, at = r.choice(gaps), [], 0
    for size in sizes:
        parts.append(text[at : at + size])
        at += size
    return gap.join(parts)


def email(r: R) -> str:
    first, last = r.choice(FIRST).lower(), r.choice(SURNAMES).lower()
    local = r.choice([f"{first}.{last}", f"{first[0]}{last}{r.randrange(100)}", f"{last}_{first}", f"{first}+shop", f"{first.title()}"])
    return f"{local}@{r.choice(['gmail.com', 'qq.com', '163.com', 'mail.example.co.uk', 'uni-koeln.de', 'OUTLOOK.COM', 'a.io'])}"


def wide(make: Callable[[R], str]) -> Callable[[R], str]:
    return lambda r: make(r).translate(WIDE)


def mobile(r: R) -> str:
    number = f"1{r.choice('3456789')}{digits(r, 9)}"
    return r.choice(["", "", "+86", "+86 ", "86-", "0086 "]) + grouped(r, number, (3, 4, 4), ("", " ", "-"))


def landline(r: R) -> str:
    area = r.choice(["010", "021", "0755", "0571", "028", "0371"])
    number = f"{r.choice('235678')}{digits(r, 7 if len(area) == 3 or r.random() < 0.5 else 6)}"
    return r.choice([f"{area}-{number}", f"({area}){number}", f"{area} {number}", f"{area}{number}", f"{area}-{number[:-4]}-{number[-4:]}"])


def us_phone(r: R) -> str:
    a, b, c = f"{r.randint(201, 989)}", f"{r.randint(200, 999)}", digits(r, 4)
    return r.choice([f"({a}) {b}-{c}", f"{a}-{b}-{c}", f"{a}.{b}.{c}", f"+1 {a} {b} {c}", f"+1{a}{b}{c}", f"1-{a}-{b}-{c}", f"({a}){b}-{c}"])


def world_phone(r: R) -> str:
    return r.choice(
        [
            f"+44 20 {digits(r, 4)} {digits(r, 4)}", f"+44 7{digits(r, 3)} {digits(r, 6)}", f"+49 30 {digits(r, 8)}",
            f"+33 {r.randint(1, 9)} {' '.join(digits(r, 2) for _ in range(4))}", f"+65 {r.choice('689')}{digits(r, 3)} {digits(r, 4)}",
            f"+852 {digits(r, 4)} {digits(r, 4)}", f"+61 4{digits(r, 2)} {digits(r, 3)} {digits(r, 3)}",
            f"+91 {r.choice('789')}{digits(r, 4)} {digits(r, 5)}", f"+81-{r.randint(70, 90)}-{digits(r, 4)}-{digits(r, 4)}",
        ]
    )  # fmt: skip


def with_luhn(body: str) -> str:
    total = sum(d if place % 2 else sum(divmod(2 * d, 10)) for place, d in enumerate(map(int, reversed(body))))
    return body + str(-total % 10)


def card(r: R) -> str:
    kind = r.choice(["visa", "master", "amex", "union"])
    if kind == "amex":
        return grouped(r, with_luhn("37" + digits(r, 12)), (4, 6, 5), ("", " ", "-"))
    if kind == "union" and r.random() < 0.5:
        return with_luhn("6222" + digits(r, 14))
    start = {"visa": "4", "master": f"5{r.randint(1, 5)}", "union": "62"}[kind]
    return grouped(r, with_luhn(start + digits(r, 15 - len(start))), (4, 4, 4, 4), ("", " ", "-"))


def iban(r: R) -> str:
    country, body = r.choice([("DE", digits(r, 18)), ("GB", letters(r, 4) + digits(r, 14)), ("NL", letters(r, 4) + digits(r, 10)), ("FR", digits(r, 23))])
    check = 98 - int("".join(str(int(c, 36)) for c in f"{body}{country}00")) % 97
    whole = f"{country}{check:02}{body}"
    return " ".join(whole[at : at + 4] for at in range(0, len(whole), 4)) if r.random() < 0.5 else whole


def day_of_birth(r: R) -> tuple[int, int, int]:
    return r.randint(1935, 2012), r.randint(1, 12), r.randint(1, 28)


def chinese_id(r: R) -> str:
    body = "{}{}{:02}{:02}".format(r.choice(["110105", "310104", "440305", "510107"]), *day_of_birth(r)) + digits(r, 3)
    check = "10X98765432"[sum(int(d) * 2 ** (17 - place) for place, d in enumerate(body)) % 11]
    return r.choice([body + check, body + check.lower(), f"{body[:6]} {body[6:14]} {body[14:]}{check}"])


def birth(r: R) -> str:
    year, month, day = day_of_birth(r)
    name = ["January", "Feb", "March", "April", "May", "June", "July", "Aug", "September", "Oct", "Nov", "December"][month - 1]
    return r.choice([f"{year}-{month:02}-{day:02}", f"{month:02}/{day:02}/{year}", f"{day} {name} {year}", f"{name} {day}, {year}", f"{day}.{month}.{year}"])


def birth_zh(r: R) -> str:
    year, month, day = day_of_birth(r)
    return r.choice([f"{year}年{month}月{day}日", f"{year}-{month:02}-{day:02}", f"{year}/{month}/{day}", f"{year}{month:02}{day:02}"])


def street(r: R) -> str:
    number, name = r.choice([str(r.randint(1, 9999)), f"{r.randint(1, 300)}{r.choice('ABC')}"]), r.choice(STREETS)
    kind = r.choice(["Street", "St", "Ave", "Avenue", "Road", "Rd.", "Lane", "Drive", "Blvd", "Court", "Way", "Place"])
    unit = r.choice(["", "", f", Apt {r.randint(1, 40)}", f" Suite {r.randint(100, 900)}", f", Unit {r.randint(1, 9)}B", f" #{r.randint(1, 99)}"])
    tail = r.choice(["", "", f", Springfield, IL {digits(r, 5)}"])
    return f"{number} {r.choice(['', '', 'N ', 'West '])}{name} {kind}{r.choice(['', '', ' NW'])}{unit}{tail}"


def street_zh(r: R) -> str:
    home = r.choice([f"{r.randint(1, 9)}单元{r.randint(101, 2508)}室", f"{r.randint(101, 2508)}室", f"{r.randint(1, 30)}号楼{r.randint(1, 6)}单元{r.randint(101, 905)}"])
    return f"{r.choice(CITIES)}{r.choice(ROADS)}{r.randint(1, 999)}号{home}"


def hexes(r: R, count: int) -> str:
    return "".join(r.choice("0123456789abcdefABCDEF") for _ in range(count))


def mac(r: R) -> str:
    gap = r.choice(":-")
    return gap.join(["a" + hexes(r, 1), *(hexes(r, 2) for _ in range(5))])


def ip(r: R) -> str:
    return ".".join(str(r.randint(1, 254)) for _ in range(4)) if r.random() < 0.7 else f"2001:db8:{hexes(r, 3)}::{hexes(r, 4)}:{hexes(r, 2)}"


def token(r: R, count: int) -> str:
    return "".join(r.choice("abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789") for _ in range(count - 1)) + "7"


def api_key(r: R) -> str:
    return r.choice([f"sk-{token(r, 40)}", f"sk-proj-{token(r, 48)}", "AKIA" + letters(r, 12) + digits(r, 4), f"ghp_{token(r, 36)}", f"AIza{token(r, 35)}", f"hf_{token(r, 34)}", f"xoxb-{digits(r, 11)}-{token(r, 20)}"])


def jwt(r: R) -> str:
    return f"eyJ{token(r, 20)}.eyJ{token(r, 40)}.{token(r, 43)}"


def plate(r: R) -> str:
    green = r.random() < 0.3
    tail = f"{r.choice('DF')}{digits(r, 5)}" if green else r.choice([digits(r, 5), f"{letters(r, 1).replace('I', 'A')}{digits(r, 4)}", f"{digits(r, 3)}{r.choice('ABCDEFGH')}{digits(r, 1)}"])
    return f"{r.choice('京沪粤苏浙鲁川')}{r.choice('ABCDE')}{r.choice(['', '', '·', ' '])}{tail}"


def name(r: R) -> str:
    return f"{r.choice(FIRST)} {r.choice(SURNAMES)}"


def name_zh(r: R) -> str:
    return r.choice(HAN_SURNAMES) + r.choice(HAN_GIVEN)


PASSPORT = (("my passport number is ", "passport: ", "Passport No. ", "passport (US) ", "on passport "), ("护照号", "护照：", "护照号码是", "我的护照 "))
LICENCE = (("driver's license ", "my driving licence number is ", "drivers license no: ", "Driver’s licence #"), ("驾驶证号", "驾照：", "驾驶证号码是"))
TAX = (("my tax ID is ", "EIN ", "TIN: ", "taxpayer number ", "VAT number "), ("税号", "税号：", "纳税人识别号是", "纳税人识别号："))
BORN = (("I was born on ", "DOB: ", "date of birth ", "my birthday is ", "Date of Birth: "), ("出生日期", "我生日是", "出生于", "出生年月："))

KINDS: tuple[Planted, ...] = (
    Planted("e-mail", "EMAIL", email),
    Planted("phone CN mobile", "PHONE", mobile),
    Planted("phone CN mobile, full width", "PHONE", wide(lambda r: f"1{r.choice('3578')}{digits(r, 9)}")),
    Planted("phone CN landline", "PHONE", landline),
    Planted("phone US", "PHONE", us_phone),
    Planted("phone, other countries", "PHONE", world_phone),
    Planted("phone, bare digits, named", "PHONE", lambda r: f"{r.randint(2, 9)}{digits(r, 7)}", ("my phone is ", "Tel: ", "call me at "), ("电话", "手机号是", "联系方式："), "phone"),
    Planted("payment card", "CARD", card),
    Planted("payment card, full width", "CARD", wide(lambda r: with_luhn("4" + digits(r, 14)))),
    Planted("IBAN", "IBAN", iban),
    Planted("Chinese id card", "ID", chinese_id),
    Planted("US social security", "ID", lambda r: f"{r.randint(100, 665)}-{r.randint(10, 99)}-{r.randint(1000, 9999)}"),
    Planted("passport CN", "PASSPORT", lambda r: r.choice(["E" + digits(r, 8), f"E{letters(r, 1).replace('I', 'A')}{digits(r, 7)}", "G" + digits(r, 8)])),
    Planted("passport US, UK, EU, named", "PASSPORT", lambda r: r.choice([digits(r, 9), f"{letters(r, 1)}{digits(r, 8)}", f"{letters(r, 2)}{digits(r, 7)}", f"C0{digits(r, 1)}X{digits(r, 2)}T{digits(r, 2)}"]), *PASSPORT, "passport_number"),
    Planted("driver's licence, named", "LICENCE", lambda r: r.choice([f"{letters(r, 1)}{digits(r, 7)}", digits(r, 9), f"{digits(r, 3)} {digits(r, 3)} {digits(r, 3)}", f"{letters(r, 1)}{digits(r, 3)}-{digits(r, 3)}-{digits(r, 2)}-{digits(r, 3)}-{digits(r, 1)}", digits(r, 12)]), *LICENCE, "driver_license"),
    Planted("tax number, named", "TAX", lambda r: r.choice([f"{r.randint(10, 99)}-{digits(r, 7)}", f"GB{digits(r, 9)}", f"9111{digits(r, 4)}MA{digits(r, 2)}{letters(r, 1)}{digits(r, 3)}{letters(r, 1)}{digits(r, 1)}"]), *TAX, "tax_id"),
    Planted("date of birth EN, named", "BIRTH", birth, *BORN, "date_of_birth"),
    Planted("date of birth ZH, named", "BIRTH", birth_zh, ("DOB ", "born ", "date of birth: "), BORN[1], "出生日期"),
    Planted("street address EN", "ADDRESS", street, ("", "I live at ", "ship it to ", "address: ")),
    Planted("post box", "ADDRESS", lambda r: r.choice(["PO Box ", "P.O. Box ", "P. O. Box ", "po box "]) + str(r.randint(1, 99999)), ("", "send it to ")),
    Planted("street address ZH", "ADDRESS", street_zh, ("", "address: "), ("", "地址是", "请寄到", "我住在", "收货地址：")),
    Planted("licence plate CN", "PLATE", plate, ("", "plate "), ("", "车牌号", "车牌是", "我的车是")),
    Planted("MAC address", "MAC", mac),
    Planted("IP address", "IP", ip),
    Planted("API key", "KEY", api_key),
    Planted("JSON web token", "KEY", jwt),
    Planted("token in a URL", "KEY", lambda r: f"https://h.example/{r.choice(['a', 'cb'])}?{r.choice(['token', 'access_token', 'api_key', 'sig'])}={token(r, 24)}"),
    Planted("customer name EN, by field", "NAME", name, ("", "I am ", "Hi ", "name: "), formatted=False),
    Planted("customer name ZH, by field", "NAME", name_zh, ("", "name: "), ("", "我是", "您好，", "姓名："), formatted=False),
)  # fmt: skip
