"""The kinds of personal values to plant, with the words that people put before them.

What belongs here: the table of kinds. What does not: the values (`pii_values`), planting and counting (`pii`).
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.pii_machine_values import (
    api_key,
    further_key,
    ip,
    jwt,
    mac,
    password,
    private_key,
    url_code,
    url_path,
    url_token,
)
from benchmarks.pii_values import (
    bare_phone,
    birth,
    birth_zh,
    card,
    chinese_id,
    chinese_id_old,
    digits,
    email,
    email_any,
    iban,
    landline,
    licence,
    mobile,
    name,
    name_zh,
    passport,
    passport_cn,
    plate,
    post_box,
    street,
    street_zh,
    tax,
    us_phone,
    wide,
    with_luhn,
    world_phone,
)

R = random.Random


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
        asked: What comes before is the other side's question, in a turn of its own; in JSON the answer is said again.
    """

    name: str
    kind: str
    make: Callable[[R], str]
    english: tuple[str, ...] = ("", "it is ", "here: ", "(")
    chinese: tuple[str, ...] = ("", "是", "：", "（")
    key: str = ""
    formatted: bool = True
    asked: bool = False


PHONE = (("my phone is ", "Tel: ", "call me at "), ("电话", "手机号是", "联系方式："))
PASSPORT = (
    ("my passport number is ", "passport: ", "Passport No. ", "passport (US) ", "on passport "),
    ("护照号", "护照：", "护照号码是", "我的护照 "),
)
LICENCE = (
    ("driver's license ", "my driving licence number is ", "drivers license no: ", "Driver’s licence #"),
    ("驾驶证号", "驾照：", "驾驶证号码是"),
)
TAX = (
    ("my tax ID is ", "EIN ", "TIN: ", "taxpayer number ", "VAT number "),
    ("税号", "税号：", "纳税人识别号是", "纳税人识别号："),
)
BORN = (
    ("I was born on ", "DOB: ", "date of birth ", "my birthday is ", "Date of Birth: "),
    ("出生日期", "我生日是", "出生于", "出生年月："),
)

PASSWORD = (("my password is ", "password: ", "Password = "), ("密码是", "密码：", "我的密码 "))
OLD_ID = (("ID card: ", "my id number is "), ("身份证号", "身份证：", "证件号码是"))
ASKED = {
    "phone": (
        ("What is your phone number?", "Could I have a phone number, please.", "And a mobile number where we can call you?"),
        ("您的电话是多少？", "请提供一下手机号", "方便留个联系方式吗？"),
    ),
    "passport": (
        ("What is your passport number?", "I need your passport number.", "Passport, please?"),
        ("您的护照号是多少？", "请提供护照号码", "护照号呢？"),
    ),
    "licence": (
        ("What's your driver's license number?", "Please give me your driving licence."),
        ("您的驾驶证号是多少", "请输入驾照号码"),
    ),
    "ssn": (
        ("What is your social security number?", "Your SSN, please?"),
        ("请问您的身份证号？", "请提供身份证号码"),
    ),
    "birth": (
        ("What is your date of birth?", "When were you born?", "DOB please"),
        ("您的出生日期是？", "请问您的生日是哪天？"),
    ),
}
"""Questions, in English and Chinese."""

KINDS: tuple[Planted, ...] = (
    Planted("e-mail", "EMAIL", email),
    Planted("e-mail, other scripts", "EMAIL", email_any, ("", "it is ", "here: ", "("), ("", " ", "：", "（", "邮箱是")),
    Planted("phone CN mobile", "PHONE", mobile),
    Planted("phone CN mobile, full width", "PHONE", wide(lambda r: f"1{r.choice('3578')}{digits(r, 9)}")),
    Planted("phone CN landline", "PHONE", landline),
    Planted("phone US", "PHONE", us_phone),
    Planted("phone, other countries", "PHONE", world_phone),
    Planted("phone, bare digits, named", "PHONE", bare_phone, *PHONE, "phone"),
    Planted("payment card", "CARD", card),
    Planted("payment card, full width", "CARD", wide(lambda r: with_luhn("4" + digits(r, 14)))),
    Planted("IBAN", "IBAN", iban),
    Planted("Chinese id card", "ID", chinese_id),
    Planted("US social security", "ID", lambda r: f"{r.randint(100, 665)}-{r.randint(10, 99)}-{r.randint(1000, 9999)}"),
    Planted("passport CN", "PASSPORT", passport_cn),
    Planted("passport US, UK, EU, named", "PASSPORT", passport, *PASSPORT, "passport_number"),
    Planted("driver's licence, named", "LICENCE", licence, *LICENCE, "driver_license"),
    Planted("tax number, named", "TAX", tax, *TAX, "tax_id"),
    Planted("date of birth EN, named", "BIRTH", birth, *BORN, "date_of_birth"),
    Planted("date of birth ZH, named", "BIRTH", birth_zh, ("DOB ", "born ", "date of birth: "), BORN[1], "出生日期"),
    Planted("street address EN", "ADDRESS", street, ("", "I live at ", "ship it to ", "address: ")),
    Planted("post box", "ADDRESS", post_box, ("", "send it to ")),
    Planted("street address ZH", "ADDRESS", street_zh, ("", "address: "), ("", "地址是", "请寄到", "我住在", "收货地址：")),
    Planted("licence plate CN", "PLATE", plate, ("", "plate "), ("", "车牌号", "车牌是", "我的车是")),
    Planted("MAC address", "MAC", mac),
    Planted("IP address", "IP", ip),
    Planted("API key", "KEY", api_key),
    Planted("JSON web token", "KEY", jwt),
    Planted("token in a URL", "KEY", url_token),
    Planted("code in a URL", "KEY", url_code),
    Planted("token in the path of a URL", "KEY", url_path),
    Planted("API key of further makers", "KEY", further_key),
    Planted("private key (PEM)", "KEY", private_key),
    Planted("password, named", "KEY", password, *PASSWORD, "password"),
    Planted("Chinese id, 15 digits, named", "ID", chinese_id_old, *OLD_ID),
    Planted("phone, in answer", "PHONE", bare_phone, *ASKED["phone"], asked=True),
    Planted("passport, in answer", "PASSPORT", passport, *ASKED["passport"], asked=True),
    Planted("driver's licence, in answer", "LICENCE", licence, *ASKED["licence"], asked=True),
    Planted("US social security, in answer", "ID", lambda r: digits(r, 9), *ASKED["ssn"], asked=True),
    Planted("date of birth, in answer", "BIRTH", birth, *ASKED["birth"], asked=True),
    Planted("customer name EN, by field", "NAME", name, ("", "I am ", "Hi ", "name: "), formatted=False),
    Planted("customer name ZH, by field", "NAME", name_zh, ("", "name: "), ("", "我是", "您好，", "姓名："), formatted=False),
)  # fmt: skip
