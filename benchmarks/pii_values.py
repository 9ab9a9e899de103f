"""Made-up personal values of every kind, in the many ways in which people and systems write them.

What belongs here: seeded generators with valid check digits. What does not: the words around
them (`pii_kinds`), planting and counting (`pii`). None of this is derived from the patterns that find the values.
"""

import random
from collections.abc import Callable

R = random.Random

WIDE = str.maketrans("0123456789", "０１２３４５６７８９")
_SURNAMES = "Okafor Lindqvist Moreau Patel Nguyen Kowalski Haddad Brennan Castellano Yamada Fischer Ibrahim Novak Sorensen"
SURNAMES = _SURNAMES.split()
_FIRST = "Amelia Tobias Priya Mateusz Leila Conor Giulia Haruto Ingrid Yusuf Zofia Daniel Chloe Rashid Beatriz Oliver"
FIRST = _FIRST.split()
HAN_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱"
HAN_GIVEN = ["梓涵", "浩然", "雨桐", "子轩", "欣怡", "俊杰", "思远", "佳琪", "晓明", "志强", "丽娜", "海燕"]
_STREETS = "Baker Elm Maple Willowbrook Kingsley Harcourt Lexington Sycamore Juniper Thornton Ashgrove Pennsylvania"
STREETS = _STREETS.split()
ROADS = ["中关村大街", "建设路", "人民南路", "天府大道", "解放东路", "淮海中路", "长江路", "文三路", "深南大道", "朝阳北路"]
CITIES = ["北京市海淀区", "上海市徐汇区", "广东省深圳市南山区", "成都市武侯区", "杭州市西湖区", "", "江苏省南京市鼓楼区"]


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
    local = r.choice(
        [f"{first}.{last}", f"{first[0]}{last}{r.randrange(100)}", f"{last}_{first}", f"{first}+shop", f"{first.title()}"]
    )
    return (
        f"{local}@{r.choice(['gmail.com', 'qq.com', '163.com', 'mail.example.co.uk', 'uni-koeln.de', 'OUTLOOK.COM', 'a.io'])}"
    )


def email_any(r: R) -> str:
    """Mailboxes and domains in scripts other than Latin."""
    first, han = r.choice(FIRST).lower(), r.choice(HAN_SURNAMES) + r.choice(HAN_GIVEN)
    local = r.choice([first, f"{first}.{r.randrange(99)}", r.choice(["дмитрий", "иван.петров", "αλεξης", "سارة"]), han])
    domain = r.choice(["почта.рф", "пример.com", "παράδειγμα.ελ", "例子.公司", "邮箱.中国", "例え.jp", "bücher.example"])
    return f"{local}@{domain if local.isascii() or r.random() < 0.5 else 'qq.com'}"


def wide(make: Callable[[R], str]) -> Callable[[R], str]:
    return lambda r: make(r).translate(WIDE)


def mobile(r: R) -> str:
    number = f"1{r.choice('3456789')}{digits(r, 9)}"
    return r.choice(["", "", "+86", "+86 ", "86-", "0086 "]) + grouped(r, number, (3, 4, 4), ("", " ", "-"))


def landline(r: R) -> str:
    area = r.choice(["010", "021", "0755", "0571", "028", "0371"])
    number = f"{r.choice('235678')}{digits(r, 7 if len(area) == 3 or r.random() < 0.5 else 6)}"
    return r.choice(
        [f"{area}-{number}", f"({area}){number}", f"{area} {number}", f"{area}{number}", f"{area}-{number[:-4]}-{number[-4:]}"]
    )


def us_phone(r: R) -> str:
    a, b, c = f"{r.randint(201, 989)}", f"{r.randint(200, 999)}", digits(r, 4)
    return r.choice(
        [f"({a}) {b}-{c}", f"{a}-{b}-{c}", f"{a}.{b}.{c}", f"+1 {a} {b} {c}", f"+1{a}{b}{c}", f"1-{a}-{b}-{c}", f"({a}){b}-{c}"]
    )


def world_phone(r: R) -> str:
    return r.choice(
        [
            f"+44 20 {digits(r, 4)} {digits(r, 4)}", f"+44 7{digits(r, 3)} {digits(r, 6)}", f"+49 30 {digits(r, 8)}",
            f"+33 {r.randint(1, 9)} {' '.join(digits(r, 2) for _ in range(4))}",
            f"+65 {r.choice('689')}{digits(r, 3)} {digits(r, 4)}",
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
    country, body = r.choice(
        [
            ("DE", digits(r, 18)),
            ("GB", letters(r, 4) + digits(r, 14)),
            ("NL", letters(r, 4) + digits(r, 10)),
            ("FR", digits(r, 23)),
        ]
    )
    check = 98 - int("".join(str(int(c, 36)) for c in f"{body}{country}00")) % 97
    whole = f"{country}{check:02}{body}"
    return " ".join(whole[at : at + 4] for at in range(0, len(whole), 4)) if r.random() < 0.5 else whole


def day_of_birth(r: R) -> tuple[int, int, int]:
    return r.randint(1935, 2012), r.randint(1, 12), r.randint(1, 28)


def chinese_id(r: R) -> str:
    body = "{}{}{:02}{:02}".format(r.choice(["110105", "310104", "440305", "510107"]), *day_of_birth(r)) + digits(r, 3)
    check = "10X98765432"[sum(int(d) * 2 ** (17 - place) for place, d in enumerate(body)) % 11]
    return r.choice([body + check, body + check.lower(), f"{body[:6]} {body[6:14]} {body[14:]}{check}"])


def chinese_id_old(r: R) -> str:
    year, month, day = day_of_birth(r)
    return f"{r.choice(['110105', '310104', '440305', '510107'])}{year % 100:02}{month:02}{day:02}{digits(r, 3)}"


def birth(r: R) -> str:
    year, month, day = day_of_birth(r)
    name = ["January", "Feb", "March", "April", "May", "June", "July", "Aug", "September", "Oct", "Nov", "December"][month - 1]
    return r.choice(
        [
            f"{year}-{month:02}-{day:02}",
            f"{month:02}/{day:02}/{year}",
            f"{day} {name} {year}",
            f"{name} {day}, {year}",
            f"{day}.{month}.{year}",
        ]
    )


def birth_zh(r: R) -> str:
    year, month, day = day_of_birth(r)
    return r.choice(
        [f"{year}年{month}月{day}日", f"{year}-{month:02}-{day:02}", f"{year}/{month}/{day}", f"{year}{month:02}{day:02}"]
    )


def street(r: R) -> str:
    number, name = r.choice([str(r.randint(1, 9999)), f"{r.randint(1, 300)}{r.choice('ABC')}"]), r.choice(STREETS)
    kind = r.choice(["Street", "St", "Ave", "Avenue", "Road", "Rd.", "Lane", "Drive", "Blvd", "Court", "Way", "Place"])
    unit = r.choice(
        [
            "",
            "",
            f", Apt {r.randint(1, 40)}",
            f" Suite {r.randint(100, 900)}",
            f", Unit {r.randint(1, 9)}B",
            f" #{r.randint(1, 99)}",
        ]
    )
    tail = r.choice(["", "", f", Springfield, IL {digits(r, 5)}"])
    return f"{number} {r.choice(['', '', 'N ', 'West '])}{name} {kind}{r.choice(['', '', ' NW'])}{unit}{tail}"


def street_zh(r: R) -> str:
    home = r.choice(
        [
            f"{r.randint(1, 9)}单元{r.randint(101, 2508)}室",
            f"{r.randint(101, 2508)}室",
            f"{r.randint(1, 30)}号楼{r.randint(1, 6)}单元{r.randint(101, 905)}",
        ]
    )
    return f"{r.choice(CITIES)}{r.choice(ROADS)}{r.randint(1, 999)}号{home}"


def name(r: R) -> str:
    return f"{r.choice(FIRST)} {r.choice(SURNAMES)}"


def name_zh(r: R) -> str:
    return r.choice(HAN_SURNAMES) + r.choice(HAN_GIVEN)


def bare_phone(r: R) -> str:
    return f"{r.randint(2, 9)}{digits(r, 7)}"


def passport_cn(r: R) -> str:
    return r.choice([f"E{digits(r, 8)}", f"E{letters(r, 1)}{digits(r, 7)}", f"G{digits(r, 8)}"])


def passport(r: R) -> str:
    german = f"C0{digits(r, 1)}X{digits(r, 2)}T{digits(r, 2)}"
    return r.choice([digits(r, 9), f"{letters(r, 1)}{digits(r, 8)}", f"{letters(r, 2)}{digits(r, 7)}", german])


def licence(r: R) -> str:
    florida = f"{letters(r, 1)}{digits(r, 3)}-{digits(r, 3)}-{digits(r, 2)}-{digits(r, 3)}-{digits(r, 1)}"
    new_york = f"{digits(r, 3)} {digits(r, 3)} {digits(r, 3)}"
    return r.choice([f"{letters(r, 1)}{digits(r, 7)}", digits(r, 9), new_york, florida, digits(r, 12)])


def tax(r: R) -> str:
    chinese = f"9111{digits(r, 4)}MA{digits(r, 2)}{letters(r, 1)}{digits(r, 3)}{letters(r, 1)}{digits(r, 1)}"
    return r.choice([f"{r.randint(10, 99)}-{digits(r, 7)}", f"GB{digits(r, 9)}", chinese])


def post_box(r: R) -> str:
    return r.choice(["PO Box ", "P.O. Box ", "P. O. Box ", "po box "]) + str(r.randint(1, 99999))


def plate(r: R) -> str:
    green = r.random() < 0.3
    tail = (
        f"{r.choice('DF')}{digits(r, 5)}"
        if green
        else r.choice(
            [
                digits(r, 5),
                f"{letters(r, 1).replace('I', 'A')}{digits(r, 4)}",
                f"{digits(r, 3)}{r.choice('ABCDEFGH')}{digits(r, 1)}",
            ]
        )
    )
    return f"{r.choice('京沪粤苏浙鲁川')}{r.choice('ABCDE')}{r.choice(['', '', '·', ' '])}{tail}"
