"""Expressions as code.

What belongs here: operators, conditions, lambdas. What does not: functions (`functions`), casts (`casts`), what is computed
over many rows (`aggregates`, `windows`), which a scope gives as slots.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from wow_flywheel.rules.compiled import functions, lists, scalars
from wow_flywheel.rules.compiled.casts import cast, literal
from wow_flywheel.rules.compiled.kinds import Expr, Kind, Names, both, comparable, truth, valued
from wow_flywheel.rules.compiled.scopes import Scope
from wow_flywheel.rules.compiled.tree import Node, Unsupported, arguments, key, only

COMPARISONS: Final = {
    "COMPARE_EQUAL": ("==", "!="),
    "COMPARE_NOTEQUAL": ("!=", "=="),
    "COMPARE_LESSTHAN": ("<", ">="),
    "COMPARE_GREATERTHAN": (">", "<="),
    "COMPARE_LESSTHANOREQUALTO": ("<=", ">"),
    "COMPARE_GREATERTHANOREQUALTO": (">=", "<"),
}


@dataclass(frozen=True, slots=True)
class Expressions:
    """Compiles expressions where certain names hold."""

    names: Names
    scope: Scope

    def within(self, scope: Scope) -> "Expressions":
        """The same, where other names hold."""
        return replace(self, scope=scope)

    def compile(self, node: Node) -> Expr:
        """An expression's code.

        Raises:
            Unsupported: Something in it is not compiled.
        """
        if self.scope.slots and (slot := self.scope.slots.get(key(node))):
            return slot
        kind = node["class"]
        if kind not in COMPILED:
            raise Unsupported(str(node["type"]).lower().replace("_", " "))
        return COMPILED[kind](self, node)

    def true(self, node: Node) -> str:
        """Code that holds exactly where a condition is TRUE."""
        return _truth(self, node).true


def _column(self: Expressions, node: Node) -> Expr:
    found = self.scope.column(node["column_names"])
    if found is not None:
        return found
    name = node["column_names"][0].lower()
    rest = {each: value for each, value in self.scope.aliases.items() if each != name}
    return self.within(replace(self.scope, aliases=rest)).compile(self.scope.aliases[name])


def compared(self: Expressions, first: Expr, second: Expr, name: str) -> Expr:
    """A comparison of two expressions.

    Raises:
        Unsupported: One would first have to be cast.
    """
    if not comparable(first.kind, second.kind) or "literal" in (first.kind, second.kind):
        raise Unsupported(f"a comparison of {first.kind} with {second.kind}")
    if "null" in (first.kind, second.kind):
        return self.names.constant(None, "bool")
    if {first.kind, second.kind} == {"dec", "float"}:
        first, second = (self.names.strict("float({})", [each], "float") for each in (first, second))
    (one, left), (two, right) = self.names.held(first), self.names.held(second)
    yes, no = COMPARISONS[name]
    true, false = (both(one, two, f"{left} {sign} {right}") for sign in (yes, no))
    test = both(one, two) if one or two else ""
    code = f"({left} {yes} {right} if {test} else None)" if test else f"({left} {yes} {right})"
    return Expr(code, "bool", true, false, bool(test))


def _comparison(self: Expressions, node: Node) -> Expr:
    if node["type"] not in COMPARISONS:
        raise Unsupported(str(node["type"]).lower().replace("_", " "))
    return compared(self, self.compile(node["left"]), self.compile(node["right"]), node["type"])


def _between(self: Expressions, node: Node) -> Expr:
    value, lower, upper = (self.compile(node[name]) for name in ("input", "lower", "upper"))
    low, high = (
        compared(self, value, lower, "COMPARE_GREATERTHANOREQUALTO"),
        compared(self, value, upper, "COMPARE_LESSTHANOREQUALTO"),
    )
    return truth(both(low.true, high.true), f"({low.false} or {high.false})")


def _conjunction(self: Expressions, node: Node) -> Expr:
    parts = [_truth(self, child) for child in node["children"]]
    true, false = [part.true for part in parts], [part.false for part in parts]
    if node["type"] == "CONJUNCTION_AND":
        return truth(both(*true), f"({' or '.join(false)})")
    return truth(f"({' or '.join(true)})", both(*false))


def _operator(self: Expressions, node: Node) -> Expr:
    if node["type"] not in OPERATORS:
        raise Unsupported(str(node["type"]).lower().replace("_", " "))
    return OPERATORS[node["type"]](self, node["children"])


def _not(self: Expressions, children: list[Node]) -> Expr:
    part = _truth(self, children[0])
    return truth(part.false, part.true)


def _truth(self: Expressions, node: Node) -> Expr:
    """A condition; NULL is one as well."""
    part = self.compile(node)
    if part.kind not in ("bool", "null"):
        raise Unsupported(f"a {part.kind} as a condition")
    return part if part.kind == "bool" else self.names.constant(None, "bool")


def _is_null(self: Expressions, children: list[Node]) -> Expr:
    code = self.compile(children[0]).code
    return Expr(f"({code} is None)", "bool", f"({code} is None)", f"({code} is not None)", nullable=False)


def _is_not_null(self: Expressions, children: list[Node]) -> Expr:
    part = _is_null(self, children)
    return Expr(part.false, "bool", part.false, part.true, nullable=False)


def _coalesce(self: Expressions, children: list[Node]) -> Expr:
    parts = [self.compile(child) for child in children]
    kind = _common(parts, "COALESCE")
    code = parts[-1].code
    for part in reversed(parts[:-1]):
        test, value = self.names.held(part)
        code = f"({value} if {test} else {code})" if test else value
    return valued(code, kind, nullable=parts[-1].nullable)


def _in(self: Expressions, children: list[Node]) -> Expr:
    value, *others = (self.compile(child) for child in children)
    if not all(each.constant and each.value is not None and each.kind == value.kind for each in others):
        raise Unsupported("IN with what is not a literal of the same kind")
    return self.names.strict(f"{{}} in {self.names.give(frozenset(each.value for each in others))}", [value], "bool")


def _slice(self: Expressions, children: list[Node]) -> Expr:
    parts = [self.compile(child) for child in children]
    if [part.kind for part in parts] != ["text", "int", "int"]:
        raise Unsupported(f"a slice of a {parts[0].kind}")
    return functions.strict(self.names, parts, scalars.part, "text")


def _try(self: Expressions, children: list[Node]) -> Expr:
    made = self.compile(children[0])
    return valued(f"{self.names.give(scalars.attempt)}(lambda: {made.code})", made.kind)


def _case(self: Expressions, node: Node) -> Expr:
    checks = [(self.true(each["when_expr"]), self.compile(each["then_expr"])) for each in node["case_checks"]]
    last = self.compile(node["else_expr"])
    kind = _common([*(then for _, then in checks), last], "CASE")
    code = last.code
    for test, then in reversed(checks):
        code = f"({then.code} if {test} else {code})"
    return valued(code, kind)


def _function(self: Expressions, node: Node) -> Expr:
    name = node["function_name"].lower()
    only(node, name, filter=None, distinct=False, order_bys={"type": "ORDER_MODIFIER", "orders": []})
    if name in ("list_apply", "list_transform", "list_filter"):
        return _over_list(self, node)
    parts = [self.compile(each) for each in arguments(node)]
    if name == "struct_pack":
        fields = tuple((each["name"], part.kind) for each, part in zip(node["arguments"], parts, strict=True))
        return Expr(f"({''.join(f'{part.code}, ' for part in parts)})", ("struct", fields), nullable=False)
    if name == "struct_extract" and parts[0].kind[0] == "struct" and parts[1].constant:
        inner = self.scope.with_variable(" struct", parts[0])
        return valued(*_code_and_kind(inner.column([" struct", parts[1].value])))
    return functions.call(name, self.names, parts)


def _over_list(self: Expressions, node: Node) -> Expr:
    values, function = arguments(node)
    part = self.compile(values)
    if part.kind[0] != "list" or function["class"] != "LAMBDA" or function["lhs"]["class"] != "COLUMN_REF":
        raise Unsupported(f"{node['function_name']} of a {part.kind}")
    variable = self.names.temporary()
    element = valued(variable, part.kind[1], plain=True)
    body = self.within(self.scope.with_variable(function["lhs"]["column_names"][0], element)).compile(function["expr"])
    if node["function_name"] == "list_filter":
        made = f"{self.names.give(lists.kept)}({{}}, lambda {variable}: {body.true.replace('{', '{{').replace('}', '}}')})"
        return self.names.strict(made, [part], part.kind)
    made = f"{self.names.give(lists.applied)}({{}}, lambda {variable}: {body.code.replace('{', '{{').replace('}', '}}')})"
    return self.names.strict(made, [part], ("list", body.kind))


def _code_and_kind(part: Expr | None) -> tuple[str, Kind]:
    if part is None:
        raise Unsupported("a field that is not there")
    return part.code, part.kind


def _common(parts: list[Expr], what: str) -> Kind:
    kinds = {part.kind for part in parts} - {"null"}
    if len(kinds) > 1 or "literal" in kinds:
        raise Unsupported(f"{what} of {' and '.join(sorted(map(str, kinds)))}")
    return kinds.pop() if kinds else "null"


OPERATORS: Final[dict[str, Callable[[Expressions, list[Node]], Expr]]] = {
    "OPERATOR_NOT": _not,
    "OPERATOR_IS_NULL": _is_null,
    "OPERATOR_IS_NOT_NULL": _is_not_null,
    "OPERATOR_COALESCE": _coalesce,
    "OPERATOR_TRY": _try,
    "COMPARE_IN": _in,
    "ARRAY_SLICE": _slice,
}
COMPILED: Final[dict[str, Callable[[Expressions, Node], Expr]]] = {
    "COLUMN_REF": _column,
    "CONSTANT": lambda self, node: literal(self.names, node),
    "COMPARISON": _comparison,
    "BETWEEN": _between,
    "CONJUNCTION": _conjunction,
    "OPERATOR": _operator,
    "CASE": _case,
    "CAST": lambda self, node: cast(self.names, self.compile(node["child"]), node),
    "FUNCTION": _function,
}
