"""What an expression gives, as Python code.

What belongs here: kinds of values, and code that is NULL, TRUE or FALSE as SQL has it. What does not: which SQL gives which
code (`functions`, `expressions`).

A value is None for NULL; text is str, INTEGER int, DECIMAL(38, 4) Decimal, DOUBLE float; a list or a struct is a tuple, so that
rows can be grouped by it. Temporary names are unique in a generated function, so that code may be put together freely.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

import polars as pl

from wow_flywheel.rules.compiled.tree import Unsupported

Kind = str | tuple[Any, ...]
"""`int`, `dec`, `float`, `text`, `bool`, `null`, ("list", kind) or ("struct", ((name, kind), …))."""
NUMBERS: Final = frozenset({"int", "dec", "float"})
UNSET: Final = object()


@dataclass(frozen=True, slots=True)
class Expr:
    """An expression.

    Attributes:
        code: Python that gives its value, or None.
        kind: See `Kind`.
        true: Python that holds exactly if it is TRUE, and `false` if it is FALSE; for a `bool`.
        nullable: Whether it may be None.
        value: Its value where that is known now.
        plain: Whether it is a column, and no more.
    """

    code: str
    kind: Kind
    true: str = ""
    false: str = ""
    nullable: bool = True
    value: Any = UNSET
    plain: bool = False

    @property
    def constant(self) -> bool:
        """Whether its value is known now."""
        return self.value is not UNSET


@dataclass(slots=True)
class Names:
    """What the generated code names: values that were constants in SQL, functions, and temporary names."""

    namespace: dict[str, Any] = field(default_factory=dict)
    _numbers: Any = field(default_factory=count)

    def temporary(self) -> str:
        """A name that nothing else has."""
        return f"v{next(self._numbers)}"

    def give(self, value: Any) -> str:
        """A name for a value or function."""
        name = f"k{next(self._numbers)}"
        self.namespace[name] = value
        return name

    def constant(self, value: Any, kind: Kind) -> Expr:
        """A value as an expression."""
        code = repr(value) if value is None or isinstance(value, bool | int) else self.give(value)
        if kind == "bool":
            return Expr(code, kind, str(value is True), str(value is False), value is None, value)
        return Expr(code, kind, nullable=value is None, value=value)

    def held(self, part: Expr) -> tuple[str, str]:
        """A test that it is not NULL (empty if it never is), and the code of its value after the test."""
        if not part.nullable:
            return "", part.code
        if part.plain:
            return f"{part.code} is not None", part.code
        name = self.temporary()
        return f"({name} := {part.code}) is not None", name

    def strict(self, template: str, parts: Sequence[Expr], kind: Kind, *, nullable: bool = False) -> Expr:
        """What is NULL if a part is; the template takes the parts' values in order."""
        if any(part.kind == "null" for part in parts):
            return self.constant(None, kind)
        tests, values = zip(*map(self.held, parts), strict=True)
        test = " and ".join(filter(None, tests))
        code = template.format(*values)
        if kind == "bool":
            return Expr(
                f"({code} if {test} else None)" if test else code, kind, both(test, code), both(test, f"not {code}"), bool(test)
            )
        return Expr(f"({code} if {test} else None)" if test else f"({code})", kind, nullable=nullable or bool(test))


def both(*tests: str) -> str:
    """All of some tests; an empty one always holds."""
    return f"({' and '.join(filter(None, tests))})"


def truth(true: str, false: str) -> Expr:
    """A `bool` from where it is TRUE and where it is FALSE."""
    return Expr(f"(True if {true} else False if {false} else None)", "bool", true, false)


def valued(code: str, kind: Kind, *, nullable: bool = True, plain: bool = False) -> Expr:
    """A value; of a `bool`, where it is TRUE and FALSE as well."""
    if kind == "bool":
        return Expr(code, kind, f"(({code}) is True)", f"(({code}) is False)", nullable, plain=plain)
    return Expr(code, kind, nullable=nullable, plain=plain)


def comparable(first: Kind, second: Kind) -> bool:
    """Whether two kinds compare without a cast that would have to be copied from DuckDB."""
    return first == second or "null" in (first, second) or (first in NUMBERS and second in NUMBERS)


def kind_of(dtype: Any) -> Kind:
    """The kind of a frame's column.

    Raises:
        Unsupported: There is none.
    """
    if dtype.is_integer():
        return "int"
    if dtype == pl.Decimal(38, 4):
        return "dec"
    if isinstance(dtype, pl.List):
        return ("list", kind_of(dtype.inner))
    if isinstance(dtype, pl.Struct):
        return ("struct", tuple((each.name, kind_of(each.dtype)) for each in dtype.fields))
    kinds: dict[Any, Kind] = {pl.String: "text", pl.Boolean: "bool", pl.Float64: "float"}
    if dtype not in kinds:
        raise Unsupported(f"a column of type {dtype}")
    return kinds[dtype]
