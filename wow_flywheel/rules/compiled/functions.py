"""SQL functions as code.

What belongs here: which functions are compiled, for which kinds of arguments, and which code they become. What does not: what
that code does (`scalars`, `lists`, `documents`, `patterns`, `letters`), syntax that is no function (`expressions`).
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from wow_flywheel.rules.compiled import documents, lists, patterns, scalars
from wow_flywheel.rules.compiled.kinds import NUMBERS, Expr, Kind, Names, comparable
from wow_flywheel.rules.compiled.letters import cased
from wow_flywheel.rules.compiled.tree import Unsupported

Build = Callable[[Names, Sequence[Expr]], Expr]
TEXT_LIST: Final[Kind] = ("list", "text")


def call(name: str, names: Names, parts: Sequence[Expr]) -> Expr:
    """A function's call as an expression; its value at once where its arguments are known.

    Raises:
        Unsupported: The function, or these arguments, are not compiled.
    """
    if name in SPECIAL:
        made = SPECIAL[name](names, parts)
    elif name in STRICT:
        wanted, function, kind = STRICT[name]
        kinds = [part.kind for part in parts]
        if len(kinds) != len(wanted) or any(kind not in (want, "null") for kind, want in zip(kinds, wanted, strict=True)):
            raise Unsupported(f"{name}({', '.join(map(str, kinds))})")
        made = strict(names, parts, function(), kind, nullable=name in MAY_BE_NULL)
    else:
        raise Unsupported(f"the function {name}")
    if made.constant or not parts or not all(part.constant for part in parts):
        return made
    return names.constant(eval(made.code, dict(names.namespace)), made.kind)  # noqa: S307 code of this module's own making


def strict(names: Names, parts: Sequence[Expr], function: Callable[..., Any], kind: Kind, *, nullable: bool = False) -> Expr:
    """A call that is NULL where an argument is."""
    places = ", ".join("{}" for _ in parts)
    return names.strict(f"{names.give(function)}({places})", parts, kind, nullable=nullable)


def constant(part: Expr, what: str) -> Any:
    """An argument's value.

    Raises:
        Unsupported: It is not known before the rules run.
    """
    if not part.constant or part.value is None:
        raise Unsupported(f"{what} that is not the same for all rows")
    return part.value


def _matches(names: Names, parts: Sequence[Expr]) -> Expr:
    _need("regexp_matches", parts[0], "text")
    options = constant(parts[2], "options") if len(parts) > 2 else ""
    return strict(names, parts[:1], patterns.has(patterns.with_options(constant(parts[1], "a pattern"), options)), "bool")


def _extracts(make: Callable[[str, int], Callable[[str], Any]], kind: Kind) -> Build:
    def build(names: Names, parts: Sequence[Expr]) -> Expr:
        _need("regexp_extract", parts[0], "text")
        group = constant(parts[2], "a group") if len(parts) > 2 else 0
        options = constant(parts[3], "options") if len(parts) > 3 else ""
        if not isinstance(group, int):
            raise Unsupported("named groups")
        pattern = patterns.with_options(constant(parts[1], "a pattern"), options)
        return strict(names, parts[:1], make(pattern, group), kind)

    return build


def _replace(names: Names, parts: Sequence[Expr]) -> Expr:
    _need("regexp_replace", parts[0], "text")
    options = constant(parts[3], "options") if len(parts) > 3 else ""
    pattern = patterns.with_options(constant(parts[1], "a pattern"), options)
    new = constant(parts[2], "what a regular expression puts in")
    return strict(names, parts[:1], patterns.substitute(pattern, new, every="g" in options), "text")


def _full_match(names: Names, parts: Sequence[Expr]) -> Expr:
    _need("regexp_full_match", parts[0], "text")
    return strict(names, parts[:1], patterns.full_match(constant(parts[1], "a pattern")), "bool")


def _length(names: Names, parts: Sequence[Expr]) -> Expr:
    if parts[0].kind != "text" and parts[0].kind[0] != "list":
        raise Unsupported(f"the length of a {parts[0].kind}")
    return names.strict("len({})", parts, "int")


def _contains(names: Names, parts: Sequence[Expr]) -> Expr:
    _need("contains", parts[0], "text")
    _need("contains", parts[1], "text")
    return names.strict("{1} in {0}", parts, "bool")


def _list(names: Names, parts: Sequence[Expr]) -> Expr:
    """LIST_VALUE: all of one kind."""
    kinds = {part.kind for part in parts} - {"null"}
    if len(kinds) > 1:
        raise Unsupported(f"a list of {' and '.join(sorted(map(str, kinds)))}")
    kind = ("list", kinds.pop() if kinds else "null")
    if all(part.constant for part in parts):
        return names.constant(tuple(part.value for part in parts), kind)
    return Expr(f"({''.join(f'{part.code}, ' for part in parts)})", kind, nullable=False)


def _list_concat(names: Names, parts: Sequence[Expr]) -> Expr:
    kinds = {part.kind for part in parts} - {"null"}
    kind = kinds.pop() if len(kinds) == 1 else "text"
    if kind[0] != "list":
        raise Unsupported("list_concat of lists of several kinds")
    return Expr(f"{names.give(lists.joined)}({', '.join(part.code for part in parts)})", kind)


def _flatten(names: Names, parts: Sequence[Expr]) -> Expr:
    kind = parts[0].kind
    if kind[0] != "list" or kind[1][0] != "list":
        raise Unsupported(f"flatten({kind})")
    return strict(names, parts, lists.flattened, kind[1])


def _position(names: Names, parts: Sequence[Expr]) -> Expr:
    if parts[0].kind != ("list", parts[1].kind):
        raise Unsupported(f"list_position({parts[0].kind}, {parts[1].kind})")
    return strict(names, parts, lists.position, "int", nullable=True)


def _sets(function: Callable[..., Any]) -> Build:
    def build(names: Names, parts: Sequence[Expr]) -> Expr:
        kind = parts[0].kind
        if kind[0] != "list" or any(part.kind != kind for part in parts):
            raise Unsupported(f"{function.__name__} of {' and '.join(str(part.kind) for part in parts)}")
        return strict(names, parts, function, kind)

    return build


def _extreme(function: Callable[..., Any]) -> Build:
    def build(names: Names, parts: Sequence[Expr]) -> Expr:
        kinds = {part.kind for part in parts} - {"null"}
        if len(kinds) != 1 or not kinds <= {"int", "dec", "text"}:
            raise Unsupported(f"{function.__name__} of {' and '.join(sorted(map(str, kinds)))}")
        return Expr(f"{names.give(function)}({', '.join(part.code for part in parts)})", kinds.pop())

    return build


def _concat(names: Names, parts: Sequence[Expr]) -> Expr:
    """`||`."""
    if any(part.kind not in ("text", "int", "null") for part in parts):
        raise Unsupported(f"{' || '.join(str(part.kind) for part in parts)}")
    return names.strict(" + ".join("{}" if part.kind == "text" else "str({})" for part in parts), parts, "text")


def _arithmetic(operator: str) -> Build:
    exact = {"+": scalars.add, "-": scalars.subtract}

    def build(names: Names, parts: Sequence[Expr]) -> Expr:
        kinds = {part.kind for part in parts}
        if len(parts) == 1 and operator == "-" and kinds <= NUMBERS:
            return (
                strict(names, parts, scalars.negated, "dec")
                if kinds == {"dec"}
                else names.strict("(-{})", parts, parts[0].kind)
            )
        if len(parts) != 2 or not kinds <= {"int", "dec", "float"} or kinds == {"dec", "float"}:
            raise Unsupported(f"{f' {operator} '.join(str(part.kind) for part in parts)}")
        if operator == "/":
            return strict(names, parts, scalars.divide, "float")
        if operator == "%":
            if "float" in kinds or len(kinds) > 1:
                raise Unsupported(f"% of {' and '.join(sorted(map(str, kinds)))}")
            return strict(names, parts, scalars.remainder, parts[0].kind)
        if kinds == {"dec"} and operator in exact:
            return strict(names, parts, exact[operator], "dec")
        if "dec" in kinds:
            raise Unsupported(f"{operator} of {' and '.join(sorted(map(str, kinds)))}")
        return names.strict(f"({{}} {operator} {{}})", parts, "float" if "float" in kinds else "int")

    return build


def _need(name: str, part: Expr, kind: Kind) -> None:
    if not comparable(part.kind, kind):
        raise Unsupported(f"{name} of a {part.kind}")


STRICT: Final[dict[str, tuple[tuple[Kind, ...], Callable[[], Callable[..., Any]], Kind]]] = {
    "lower": (("text",), lambda: cased("lower"), "text"),
    "upper": (("text",), lambda: cased("upper"), "text"),
    "replace": (("text", "text", "text"), lambda: scalars.replace, "text"),
    "trim": (("text",), lambda: scalars.trim, "text"),
    "strlen": (("text",), lambda: scalars.size, "int"),
    "strpos": (("text", "text"), lambda: scalars.place, "int"),
    "substr": (("text", "int", "int"), lambda: scalars.substring, "text"),
    "substring": (("text", "int", "int"), lambda: scalars.substring, "text"),
    "left": (("text", "int"), lambda: scalars.left, "text"),
    "starts_with": (("text", "text"), lambda: str.startswith, "bool"),
    "ends_with": (("text", "text"), lambda: str.endswith, "bool"),
    "string_split": (("text", "text"), lambda: scalars.split, TEXT_LIST),
    "array_to_string": ((TEXT_LIST, "text"), lambda: lists.words_joined, "text"),
    "range": (("int", "int"), lambda: lists.numbers, ("list", "int")),
    "json_valid": (("text",), lambda: documents.json_valid, "bool"),
    "json_type": (("text",), lambda: documents.json_kind, "text"),
    "json_keys": (("text",), lambda: documents.json_keys, TEXT_LIST),
    "json_extract_string": (("text", "text"), lambda: documents.json_text, "text"),
}
MAY_BE_NULL: Final = frozenset({"array_to_string", "json_type", "json_extract_string"})
SPECIAL: Final[dict[str, Build]] = {
    "regexp_matches": _matches,
    "regexp_full_match": _full_match,
    "regexp_extract": _extracts(patterns.extract, "text"),
    "regexp_extract_all": _extracts(patterns.extract_all, TEXT_LIST),
    "regexp_replace": _replace,
    "len": _length,
    "length": _length,
    "contains": _contains,
    "list_value": _list,
    "list_concat": _list_concat,
    "flatten": _flatten,
    "list_position": _position,
    "list_distinct": _sets(lists.distinct),
    "list_intersect": _sets(lists.common),
    "greatest": _extreme(scalars.greatest),
    "least": _extreme(scalars.least),
    "||": _concat,
    **{operator: _arithmetic(operator) for operator in ("+", "-", "*", "/", "%")},
}
