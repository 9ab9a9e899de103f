"""Which texts may hold a personal value: quick, and never wrong about a text that holds one.

What belongs here: the signs that each kind of value leaves, as regular expressions that Python's `re` and Rust's `regex` (in
polars) read alike, on raw text, so that JSON's escapes are allowed for. What does not: finding the values (`catalogue`). A
text that passes may still hold nothing; a test proves that every text with a value passes.
"""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final

import numpy as np
import polars as pl

from wow_flywheel.conversations.redaction.kinds import NARROW
from wow_flywheel.conversations.redaction.names import TELLING_KEYS

_B: Final = r"(?:^|[^A-Za-z0-9]|\\[nrtbf])"
_A: Final = r"(?:$|[^A-Za-z0-9])"
_S: Final = r"(?:[\t\n\v\f\r ]|\\[nrtf])"
_D: Final = r"[0-9]"
_SEVEN: Final = r"[0-9](?:[ .()-]{0,3}[0-9]){6}"
_FIVE: Final = r"[0-9](?:[A-Za-z -]{0,20}[0-9]){4}"
_MONTH: Final = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
_PROVINCE: Final = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_HOME: Final = "[我他她您你]家|住在|住址|(?:家庭|收货|收件|邮寄|配送|通讯|户籍)地址|寄到|寄给|送到"
_CLEAR: Final = "street|avenue|road|lane|drive|boulevard|terrace|crescent|highway|parkway|blvd|ave|rd|cres|hwy|pkwy|straße"
_SHORT: Final = "st|dr|ln|ct|court|pl|place|way|circle|cir|square|sq|ter|close|mews|row|grove|gardens|trail|walk|hill"
_NUMBER: Final = rf"{_D}(?:[A-Za-z]|-{_D}{{1,4}}|/{_D}{{1,3}})?"

SIGNS: Final[tuple[tuple[str, str, tuple[str, ...]], ...]] = (
    ("at", r"@", (r"[^ @]@[^ @]",)),
    (
        "parameter",
        r"[?&#;][A-Za-z_-]{2,24}=",
        (
            (
                r"(?i)(?:token|secret|key|password|passwd|pwd|sig|signature|credential|sessionid|session_id|code|auth|ticket|otp|sid"
                r"|jwt|magic|invite|reset)=[^&]"
            ),
        ),
    ),
    ("path", r":\\?/\\?/[^ ]+/[A-Za-z0-9_-]{16}", (_D,)),
    ("armour", r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY|-----begin [A-Za-z0-9 ]{0,40}private key", ("",)),
    ("password", r"(?i)pass(?:word|code|phrase|wd)|pwd|密码|口令", (r"[:=：是为]|(?i:is|was)|(?:密码|口令)[ \t\n\v\f\r]",)),
    (
        "key",
        (
            r"(?i)bearer|sk-|akia|asia|gh[pousr]_|github_pat_|xox[abprs]-|aiza|[srp]k_live|[srp]k_test|hf_|eyj|glpat-|npm_|pypi-"
            r"|sg\.|ltai|akid|gsk_|ya29\."
        ),
        (
            r"(?i)bearer",
            (
                r"(?i)(?:sk-|akia|asia|gh[pousr]_|github_pat_|xox[abprs]-|aiza|k_live_|k_test_|hf_|eyj|glpat-|npm_|pypi-|sg\.|ltai"
                r"|akid|gsk_|ya29\.)[A-Za-z0-9_-]{8}"
            ),
        ),
    ),
    (
        "number",
        _SEVEN,
        (
            rf"{_B}(?:(?:\+|00)?86[ -]?)?1[3-9]{_D}[ -]?{_D}{{4}}[ -]?{_D}{{4}}{_A}",
            rf"86[ -]?(?:\(0?{_D}{{2,3}}\)|0?{_D}{{2,3}})[ -]?{_D}{{3,4}}[ -]?{_D}{{4}}{_A}",
            rf"{_B}(?:\(0{_D}{{2,3}}\)|0(?:10|2{_D}|[3-9]{_D}{{2}})[ -]?)[ ]?[2-9]{_D}{{2,3}}[ -]?{_D}{{4}}{_A}",
            rf"(?:\+|00)[1-9](?:[ ().-]{{0,2}}{_D}){{7}}",
            rf"(?:\({_D}{{3}}\)[ .-]?|{_D}{{3}}-){_D}{{3}}[ .-]{_D}{{4}}{_A}",
            rf"{_B}(?:1[ .])?[2-9]{_D}{{2}}[ .]{_D}{{3}}[ .]{_D}{{4}}{_A}",
            rf"(?:\({_D}{{3}}\) ?|{_B}[2-9]{_D}{{2}}-){_D}{{7}}{_A}",
            rf"{_B}[48]00-{_D}{{3,4}}-{_D}{{3,4}}{_A}",
            rf"[1-9]{_D}{{5}}[ -]?(?:18|19|20){_D}{{2}}[01]{_D}[0-3]{_D}[ -]?{_D}{{3}}[0-9Xx]",
            rf"{_B}{_D}{{3}}-{_D}{{2}}-{_D}{{4}}{_A}",
            rf"{_D}(?:[ -]?{_D}){{12}}",
            r"(?i)phone|mobile|cell|tel|fax|whatsapp|call me|text me|reach me|ssn|social|msisdn",
            r"电话|手机|联系方式|微信|传真|身份证|证件号|(?i:id (?:card|number))",
            r"(?i)id_?card_?(?:number|num|no)?\\*\"|(?:card|卡)_?(?:number|num|no|号码?)s?\\*\"",
        ),
    ),
    (
        "document",
        (
            r"(?i:passport|licen[sc]e|[^a-z]dl |tax|national insurance|vat[ _-]?(?:id|reg|number|no)|(?:tin|ein|_id"
            r"|number|num|no)\\*\")"
            r"|TIN|EIN|UTR|NINO|护照|驾驶证|驾照|税号|识别号"
        ),
        (
            rf"(?is)(?:passport|护照).*{_FIVE}",
            rf"(?is)(?:licen[sc]e|dl (?:number|no|#)|驾驶证|驾照).*{_FIVE}",
            rf"(?is)(?:tax|national insurance|vat[ _-]?(?:id|reg|number|no)|税号|识别号).*{_FIVE}",
            rf"(?s){_B}(?:TIN|EIN|ITIN|UTR|NINO){_A}.*{_FIVE}",
            rf"(?is)[^a-z](?:tin|ein|itin|vat_?id)(?:_?(?:number|num|no))?\\*\".*{_FIVE}",
        ),
    ),
    (
        "birth",
        r"(?i)born|d\.?o\.?b|birth|出生|生日|生于|生人",
        (
            rf"{_D}{{1,4}} ?(?:\\?/|[-.年 ]) ?{_D}{{1,2}} ?(?:\\?/|[-.月 ]) ?{_D}{{1,4}}",
            rf"(?i){_D}(?:st|nd|rd|th)?[ -](?:of )?{_MONTH}|{_MONTH}[a-z]{{0,6}}\.? {_D}",
            rf"(?:19|20){_D}{{6}}",
            rf"(?is)(?:birth|dob|出生|生日).*{_MONTH}.*(?:19|20){_D}{{2}}",
        ),
    ),
    ("passport", rf"[EG]{_D}{{8}}|E[A-HJ-NP-Z]{_D}{{7}}", ("",)),
    ("plate", rf"[{_PROVINCE}][A-Za-z][ ·•・-]?[A-Za-z0-9]{{4}}|[Ww][Jj][{_PROVINCE}]", (_D,)),
    ("iban", rf"{_B}[A-Za-z]{{2}}{_D}{{2}}(?: ?[A-Za-z0-9]){{11}}", ("",)),
    ("ipv4", rf"{_D}{{1,3}}\.{_D}{{1,3}}\.{_D}{{1,3}}\.{_D}", ("",)),
    ("mac", r"[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.|[0-9A-Fa-f]{2}[:-][0-9A-Fa-f]{2}[:-][0-9A-Fa-f]{2}[:-]", (_D,)),
    ("ipv6", r"::[0-9A-Fa-f]|[0-9A-Fa-f]::|(?:[0-9A-Fa-f]{1,4}:){7}", (_D,)),
    (
        "street",
        rf"{_D}(?:[A-Za-z]|-{_D}{{1,4}}|/{_D}{{1,3}})?,?{_S}[A-Za-z0-9.'’-]+{_S}",
        (
            rf"{_NUMBER},?{_S}(?:[A-Z0-9][A-Za-z0-9.'’-]*{_S}){{1,5}}(?i:{_CLEAR}|{_SHORT})(?:$|[^A-Za-z])",
            rf"{_NUMBER}{_S}(?:[a-z.'’]+{_S}){{1,2}}(?:{_CLEAR})(?:$|[^A-Za-z])",
        ),
    ),
    ("box", rf"(?i)o\.?{_S}?box", (_D,)),
    (
        "flat",
        r"[0-9A-Za-z零一二三四五六七八九十百](?:室|户|房|单元)",
        (r"路|街|道|巷|胡同|里|村|庄|园|苑|小区|花园|公寓|大厦|城|镇|乡|庭|府|湾|居",),
    ),
    ("home", rf"(?s)(?:{_HOME}).*[0-9A-Za-z零一二三四五六七八九十百](?:号|弄|栋|幢|座|楼|期|区|院|巷)", ("",)),
)
"""Name, a first sign, and the further signs of which one must be there as well."""
KEY_SIGNS: Final = (
    r'(?i)(?:street|shipping|delivery|billing|home|mailing|postal|residential)_?address\\*"|address_?(?:line_?)?[12]\\*"'
    r'|(?:pass(?:word|code|phrase|wd)|pwd|密码|口令)\\*"'
    r'|(?:client|app|api|secret|access|private|auth|refresh|session|bearer)_?(?:secret|key|token)\\*"'
    r'|"street\\*"|(?:收货|收件|家庭|配送|邮寄|户籍|通讯)地址\\*"|住址\\*"'
)
"""JSON keys whose value is personal or secret whatever it looks like; other keys' words are among `SIGNS`."""
_ESCAPED: Final = r"\\u[0-9A-Fa-f]{4}|\\/"
"""What JSON may hide anything behind."""

_WORDS: Final = (
    r"[Pp][Aa][Ss][Ss]|[Pp][Ww][Dd]|密码|口令|-----[Bb][Ee][Gg][Ii][Nn]"
    r"|[Bb][Ee][Aa][Rr][Ee][Rr]|[零一二三四五六七八九十百A-Za-z](?:室|户|房|单元|号|弄|栋|幢|座|楼|期|区|院|巷)"
)
_PROMISING: Final = "|".join([*(f"(?:{first})" for _, first, _ in SIGNS), f"(?:{KEY_SIGNS})", _ESCAPED])
"""Any first sign, so that most texts are left out by one look."""
_FURTHER: Final = tuple("|".join(f"(?:{each})" for each in more if each) for _, _, more in SIGNS)
_QUOTED: Final = r"[\"\\]"
_WIDE: Final = f"[{''.join(NARROW)}]"

SHORT: Final = 100
_DIGIT_OR_AT: Final = re.compile("[0-9@]")
_WORDS_ALONE: Final = re.compile(_WORDS)


def _compiled(sign: str) -> re.Pattern[str]:
    """A sign for Python's `re`, which would look for what stands behind a `.*` once for each place of what stands before it.

    To look once, behind the first place, says the same. Placeholders hold such words (`<PASSPORT_1>`), so there may be many.
    """
    flags = "(?is)" if sign.startswith("(?is)") else "(?s)"
    *before, last = sign.removeprefix(flags).split(".*")
    firsts = "".join(f"(?>.*?(?:{each}))" for each in before)
    return re.compile(rf"{flags}\A{firsts}.*(?:{last})" if before else sign)


_COMPILED: Final = tuple(
    (name, _compiled(first), tuple(_compiled(further) for further in more if further)) for name, first, more in SIGNS
)
_KEY_SIGNS: Final = re.compile(KEY_SIGNS)


def worth_a_look(plain: str) -> bool:
    """False if no kind matches a text, as of most texts: it is quick, the kinds are not.

    Args:
        plain: The text after `narrow`.
    """
    return bool(signs_of(plain)) if len(plain) < SHORT else next(_signs(plain), None) is not None


def signs_of(plain: str) -> frozenset[str]:
    """The signs that a text shows, after `narrow`: it holds no kind that would leave another."""
    return _signs_of_short(plain) if len(plain) < SHORT else frozenset(_signs(plain))


@lru_cache(50_000)
def _signs_of_short(plain: str) -> frozenset[str]:
    """Most strings of tools' JSON are short, and the same in many conversations."""
    return frozenset(_signs(plain))


def _signs(plain: str) -> Iterator[str]:
    if not (_DIGIT_OR_AT.search(plain) or "=" in plain or (_WORDS_ALONE.search(plain))):
        return
    for name, first, more in _COMPILED:
        if first.search(plain) and (not more or any(further.search(plain) for further in more)):
            yield name


def key_tells(plain: str) -> bool:
    """Whether a JSON key in a text says that its value is personal, where the value itself would not show it."""
    return _KEY_SIGNS.search(plain) is not None


def suspicious(texts: pl.Series) -> pl.Series:
    """For each text whether it may hold a value that can be told by its looks or its key, without Python for any of them.

    Args:
        texts: Strings as logged, or nulls.

    Returns:
        Booleans, of the same length; false for nulls.
    """
    return _marked(texts, _PROMISING, _with_signs)


def naming(texts: pl.Series) -> pl.Series:
    """For each text whether it may be JSON with a key that tells a customer's name; false for nulls."""
    return _marked(texts, _QUOTED, lambda promising: promising.str.contains(f"{TELLING_KEYS}|{_ESCAPED}"))


def hidden(texts: pl.Expr) -> pl.Expr:
    """Whether something in a text may not be there in so many letters: escapes of JSON, full-width characters."""
    return texts.str.contains(f"{_ESCAPED}|{_WIDE}")


def _marked(texts: pl.Series, promising: str, mark: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """Leave out what cannot be, narrow what is wide, and mark the rest."""
    text = pl.col("text")
    looks = (
        texts.alias("text")
        .to_frame()
        .select(wide=text.str.len_bytes() != text.str.len_chars(), promising=text.str.contains(promising))
    )
    wide = _wide(texts, looks.select(pl.col("wide").fill_null(value=False)).to_series())
    places = looks.select((pl.col("promising") | pl.col("wide")).fill_null(value=False)).to_series().arg_true()
    looked, odd = texts.gather(places), wide.gather(places)
    marks = mark(looked).to_numpy(writable=True)
    if odd.any():
        marks[odd.to_numpy()] = mark(looked.filter(odd).str.replace_many(NARROW)).to_numpy()
    marked = np.zeros(len(texts), dtype=np.bool_)
    marked[places.to_numpy()] = marks
    return pl.Series(marked)


def _wide(texts: pl.Series, not_ascii: pl.Series) -> pl.Series:
    """Which texts have full-width characters, of those that are not ASCII."""
    places = not_ascii.arg_true()
    return not_ascii.scatter(places, texts.gather(places).str.contains(_WIDE))


def _with_signs(texts: pl.Series) -> pl.Series:
    """First signs are looked for in parallel, further ones only where a first is."""
    text = pl.col("text")
    firsts = [text.str.contains(first).alias(str(place)) for place, (_, first, _) in enumerate(SIGNS)]
    frame = texts.alias("text").to_frame()
    found = frame.select(*firsts, (text.str.contains(KEY_SIGNS) | text.str.contains(_ESCAPED)).alias("key"))
    marks = found["key"].to_numpy(writable=True)
    for place, further in enumerate(_FURTHER):
        hits = found[str(place)].arg_true()
        if further and len(hits):
            hits = hits.filter(texts.gather(hits).str.contains(further))
        marks[hits.to_numpy()] = True
    return pl.Series(marks)
