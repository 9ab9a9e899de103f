"""Loads policies: Markdown and YAML units, and procedures as graphs.

What belongs here: file layouts, versions, when a policy holds. What does not: which conversation it applies to (`recognise`).

A YAML file holds one unit or a list of them; a Markdown file is one unit, its fields in front matter between two lines `---`,
its text below. All fields are optional: id (the file's name), scenario or scenarios (the id), title, required_steps,
forbidden_promises, conditions, valid_from, valid_until (days, both included), version, text.
"""

import datetime as dt
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import polars as pl

from wow_flywheel.errors import SourceError
from wow_flywheel.knowledge.load import load_procedures
from wow_flywheel.storage import file_system, storage_errors

SETTING: Final = "WOW_POLICIES_URI"
YAML: Final = (".yaml", ".yml")
LISTS: Final = ("required_steps", "forbidden_promises", "conditions")
KNOWN: Final = {"id", "scenario", "scenarios", "title", "valid_from", "valid_until", "version", "text", *LISTS}


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy unit or procedure.

    Attributes:
        policy_id: Unique.
        scenarios: The scenarios that it governs.
        title: For people.
        text: All that it says: what a conversation is compared with.
        steps: Required steps, by name or reply id.
        forbidden: Promises that may not be made.
        conditions: When it applies, in words.
        valid_from: First day that it holds; None for always.
        valid_until: Last day that it holds; None for no end.
        version: As the unit declares it, with the digest of its content: a change that forgets the version is seen too.
    """

    policy_id: str
    scenarios: tuple[str, ...]
    title: str
    text: str
    steps: tuple[str, ...]
    forbidden: tuple[str, ...]
    conditions: tuple[str, ...]
    valid_from: dt.date | None
    valid_until: dt.date | None
    version: str

    @property
    def own_text(self) -> str:
        """What it says beside its lists, whose items `text` holds too: shown as plain text, a forbidden promise reads as one
        that may be made."""
        items = [item for each in (self.steps, self.forbidden, self.conditions) for item in each]
        return self.text.removesuffix("\n".join(items)).removeprefix(f"{self.title}\n").strip()

    def holds_on(self, day: dt.date) -> bool:
        """Whether it was in force on a day."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_until is None or day <= self.valid_until)


def load_policies(uri: str) -> list[Policy]:
    """All policies of a folder or prefix, sorted by id; none where there is no such folder.

    Two versions of one policy may share an id if their validity does not overlap.

    Raises:
        SourceError: A file is malformed, or two units of one id hold on the same day; the message names the file.
        StorageUnavailable: The object store does not answer.
    """
    found = [*_procedures(uri), *(unit for path, text in _texts(uri) for unit in _units(path, text))]
    found.sort(key=lambda policy: (policy.policy_id, policy.valid_from or dt.date.min))
    for one, other in itertools.pairwise(found):
        if one.policy_id == other.policy_id and (one.valid_until or dt.date.max) >= (other.valid_from or dt.date.min):
            raise SourceError(
                f"{uri}: two policies with the id {one.policy_id!r} hold at once",
                hint="give each an id of its own, or end the older one by valid_until",
            )
    return found


def parse_unit(fields: Any, name: str, where: str) -> Policy:
    """One unit from its fields.

    Args:
        fields: The mapping that the file holds.
        name: The id where the unit has none.
        where: The file, for messages.

    Raises:
        SourceError: A field is unknown or has the wrong type.
    """
    if not isinstance(fields, dict) or not all(isinstance(key, str) for key in fields):
        raise SourceError(f"{where}: a policy is not a mapping of fields", hint=f"write fields such as {sorted(KNOWN)}")
    if unknown := sorted(set(fields) - KNOWN):
        raise SourceError(f"{where}: unknown fields {unknown}", hint=f"a policy has {sorted(KNOWN)}")
    policy_id = _text(fields, "id", where) or name
    lists = {key: _list(fields, key, where) for key in LISTS}
    scenarios = _list(fields, "scenarios", where) or _list(fields, "scenario", where) or (policy_id,)
    first, last = _day(fields, "valid_from", where), _day(fields, "valid_until", where)
    if first and last and last < first:
        raise SourceError(f"{where}: valid_until is before valid_from", hint="swap the two days")
    items = (item for each in lists.values() for item in each)
    said = "\n".join([_text(fields, "title", where), _text(fields, "text", where), *items])
    return Policy(
        policy_id,
        scenarios,
        _text(fields, "title", where) or policy_id,
        said.strip(),
        lists["required_steps"],
        lists["forbidden_promises"],
        lists["conditions"],
        first,
        last,
        _version(_text(fields, "version", where), repr((scenarios, said, first, last))),
    )


def frame(policies: Sequence[Policy]) -> pl.DataFrame:
    """Policies as rows: policy_id, scenario, policy_version, valid_from, valid_until; one a scenario."""
    rows = [(p.policy_id, s, p.version, p.valid_from, p.valid_until) for p in policies for s in p.scenarios]
    schema = {
        "policy_id": pl.String,
        "scenario": pl.String,
        "policy_version": pl.String,
        "valid_from": pl.Date,
        "valid_until": pl.Date,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def _procedures(uri: str) -> Iterator[Policy]:
    rows = load_procedures(uri)
    for (policy_id,), steps in rows.partition_by("policy_id", as_dict=True, maintain_order=True).items():
        said = [text for text in steps["text"].to_list() if text]
        names = tuple(steps["reply_id"].to_list())
        scenarios = tuple(steps["scenario"].unique(maintain_order=True).to_list())
        version = _version("", repr(steps.rows()))
        yield Policy(policy_id, scenarios, policy_id, "\n".join([*said, *names]), names, (), (), None, None, version)


def _texts(uri: str) -> Iterator[tuple[str, str]]:
    with storage_errors(uri, SETTING):
        storage = file_system(uri)
        if not storage.exists(uri):
            return
        found = [uri] if storage.isfile(uri) else storage.find(uri)
        for path in sorted(str(each) for each in found):
            if path.endswith((".md", *YAML)) and not path.rsplit("/", 1)[-1].startswith((".", "_")):
                yield path, _decoded(storage.cat_file(path), path)


def _units(path: str, text: str) -> Iterator[Policy]:
    name = path.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    if path.endswith(YAML):
        value = _yaml(text, path)
        units = value if isinstance(value, list) else [value]
        yield from (parse_unit(unit, name if len(units) == 1 else f"{name}/{i}", path) for i, unit in enumerate(units, 1))
        return
    head, body = _front_matter(text)
    fields = _yaml(head, path) if head.strip() else {}
    title = next((line.lstrip("# ").strip() for line in body.splitlines() if line.startswith("#")), name)
    yield parse_unit({"title": title, **fields, "text": body} if isinstance(fields, dict) else fields, name, path)


def _front_matter(text: str) -> tuple[str, str]:
    lines = text.splitlines(keepends=True)
    if lines and lines[0].strip() == "---":
        end = next((i for i, line in enumerate(lines[1:], 1) if line.strip() == "---"), None)
        if end is not None:
            return "".join(lines[1:end]), "".join(lines[end + 1 :])
    return "", text


def _yaml(text: str, where: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        raise SourceError(f"{where}: not readable as YAML", hint="check indentation, quotes and dates") from None


def _decoded(data: bytes, where: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SourceError(f"{where}: not UTF-8", hint="save the file as UTF-8") from None


def _text(fields: dict[str, Any], key: str, where: str) -> str:
    value = fields.get(key, "")
    if value is None or isinstance(value, str | int | float):
        return "" if value is None else str(value).strip()
    raise SourceError(f"{where}: {key} is no text", hint="write it as a string")


def _list(fields: dict[str, Any], key: str, where: str) -> tuple[str, ...]:
    value = fields.get(key)
    items = [value] if isinstance(value, str) else value or []
    if not isinstance(items, list) or not all(isinstance(item, str) and item.strip() for item in items):
        raise SourceError(f"{where}: {key} is no list of texts", hint="write one text a line, each after a dash")
    return tuple(item.strip() for item in items)


def _day(fields: dict[str, Any], key: str, where: str) -> dt.date | None:
    value = fields.get(key)
    if value is None or (isinstance(value, dt.date) and not isinstance(value, dt.datetime)):
        return value
    try:
        return dt.date.fromisoformat(str(value))
    except ValueError:
        raise SourceError(f"{where}: {key} is no day", hint="write it as YYYY-MM-DD") from None


def _version(declared: str, content: str) -> str:
    return "+".join(filter(None, (declared, sha256(content.encode()).hexdigest()[:12])))
