"""What SQL functions of text and numbers, and casts, do at run time, as DuckDB does it.

What belongs here: values in, a value out, never NULL in. What does not: which SQL calls them (`functions`), lists (`lists`),
JSON (`documents`). Rare forms are not copied: DuckDB itself is asked.
"""

import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import Any, Final

from wow_flywheel.rules.compiled.asked import asked

EXACT: Final = Context(prec=120, rounding=ROUND_HALF_UP)
SCALE: Final = Decimal("0.0001")
LARGEST: Final = Decimal(10) ** 34
"""A DECIMAL(38, 4) is smaller."""
PLAIN_NUMBER: Final = re.compile(r"-?[0-9]{1,33}(?:\.[0-9]{1,80})?", re.ASCII)
NO_NUMBER: Final = re.compile(r"[^0-9eE+\-._\s]", re.ASCII)
SPACES: Final = " \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
"""What TRIM takes off: Unicode's space separators."""


def to_decimal(text: str) -> Decimal | None:
    """TRY_CAST to DECIMAL(38, 4)."""
    if PLAIN_NUMBER.fullmatch(text):
        return EXACT.quantize(Decimal(text), SCALE)
    if NO_NUMBER.search(text):
        return None
    value: Decimal | None = asked().ask("TRY_CAST($1 AS DECIMAL(38, 4))", text)
    return value


def to_integer(text: str) -> int | None:
    """TRY_CAST to INTEGER."""
    if text.isascii() and text.isdigit() and len(text) < 10:
        return int(text)
    value: int | None = asked().ask("TRY_CAST($1 AS INTEGER)", text)
    return value


def surely(cast: Callable[[str], Any]) -> Callable[[str], Any]:
    """A CAST from its TRY_CAST.

    Raises:
        InvalidOperation: At run time, where DuckDB refuses the text.
    """

    def change(text: str) -> Any:
        value = cast(text)
        if value is None:
            raise InvalidOperation("a text that is no number")
        return value

    return change


def fits(value: Decimal) -> Decimal:
    """A DECIMAL(38, 4), if it is one.

    Raises:
        InvalidOperation: It is too large.
    """
    if value.copy_abs() >= LARGEST:  # abs() would round
        raise InvalidOperation("a number of more than 38 digits")
    return value


def add(first: Decimal, second: Decimal) -> Decimal:
    """Sum of two DECIMAL(38, 4)."""
    return fits(EXACT.add(first, second))


def subtract(first: Decimal, second: Decimal) -> Decimal:
    """Difference of two DECIMAL(38, 4)."""
    return fits(EXACT.subtract(first, second))


def negated(value: Decimal) -> Decimal:
    """A DECIMAL(38, 4) with the other sign."""
    return value.copy_negate()


def remainder(first: Any, second: Any) -> Any:
    """`%`, with the sign of the first.

    Raises:
        InvalidOperation: The second is zero.
    """
    if not second:
        raise InvalidOperation("division by zero")
    if isinstance(first, Decimal) or isinstance(second, Decimal):
        return EXACT.remainder(Decimal(first), Decimal(second))
    rest = abs(first) % abs(second)
    return rest if first >= 0 else -rest


def divide(first: Any, second: Any) -> float:
    """`/`, as a DOUBLE."""
    above, below = float(first), float(second)
    if below:
        return above / below
    return float("nan") if not above or above != above else float("inf") if above > 0 else float("-inf")


def attempt(make: Callable[[], Any]) -> Any:
    """TRY: NULL in place of an error."""
    try:
        return make()
    except ArithmeticError:
        return None


def size(text: str) -> int:
    """Bytes of UTF-8."""
    return len(text) if text.isascii() else len(text.encode())


def trim(text: str) -> str:
    """TRIM of spaces."""
    return text.strip(SPACES)


def substring(text: str, start: int, length: int) -> str:
    """SUBSTR, from a position that is not below 1 and of a length that is not below 0; others are asked of DuckDB."""
    if start < 1 or length < 0:
        made: str = asked().ask("substr($1, $2::BIGINT, $3::BIGINT)", text, str(start), str(length))
        return made
    return text[start - 1 : start - 1 + length]


def part(text: str, first: int, last: int) -> str:
    """`text[first:last]`, both of them counted from 1 and included."""
    if first < 1 or last < 1:
        made: str = asked().ask("($1)[$2::BIGINT:$3::BIGINT]", text, str(first), str(last))
        return made
    return text[first - 1 : last]


def left(text: str, length: int) -> str:
    """LEFT."""
    return text[:length]


def greatest(*values: Any) -> Any:
    """GREATEST, of those that are not NULL."""
    return max((value for value in values if value is not None), default=None)


def least(*values: Any) -> Any:
    """LEAST, of those that are not NULL."""
    return min((value for value in values if value is not None), default=None)


def replace(text: str, old: str, new: str) -> str:
    """REPLACE; of nothing, nothing."""
    return text.replace(old, new) if old else text


def place(text: str, wanted: str) -> int:
    """STRPOS, from 1; 0 where it is not there."""
    return text.find(wanted) + 1


def split(text: str, separator: str) -> tuple[str, ...]:
    """STRING_SPLIT; by nothing, into characters, which is asked of DuckDB."""
    return tuple(text.split(separator)) if separator else tuple(asked().ask("string_split($1, $2)", text, separator))
