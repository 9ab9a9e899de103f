"""How much of what is personal does redaction find, and what does it touch that is not? `python -m benchmarks.pii`.

What belongs here: planting made-up values into real turns, counting what survives, and counting what is touched in turns where
nothing was planted. What does not: the kinds (`pii_kinds`). Prints Markdown; `--json FILE` writes the figures for programs.
Reads STAR and tau (English) and CrossWOZ (Chinese) under `--data`; about two minutes on two cores.
"""

import argparse
import gzip
import json
import random
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.pii_kinds import KINDS, Planted
from wow_flywheel.contracts import CONVERSATIONS
from wow_flywheel.conversations.record import parse_record
from wow_flywheel.conversations.redaction.frame import redact_frame

DATA = Path(__file__).parents[2] / "shared" / "data"
SETS = {"star": "en", "tau": "en", "crosswoz": "zh"}
COLUMNS = {
    name: dtype
    for name, dtype in CONVERSATIONS.columns.items()
    if name not in {"dt", "redactions", "source_file", "source_line"}
}
BY_FIELD = frozenset({"NAME", "USER"})
"""Kinds that a field of the record gives: they are there because the record says so."""
TELLS = {
    "EMAIL": r"@",
    "PHONE": r"(?i)phone|电话|\bcall\b|mobile",
    "BIRTH": r"(?i)birth|born|\bd\.?o\.?b",
    "ADDRESS": r"(?i)address|street|ship|deliver|地址",
}  # fmt: skip
"""What a turn, or one of the two before it, says where a value of the kind is really there, independently of the"
" value's looks."""


def main(argv: Sequence[str] | None = None) -> None:
    """Plant, redact, count, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pii", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder with star/, tau/ and crosswoz/")
    parser.add_argument("--each", type=int, default=200, help="values a kind, language and carrier")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--misses", type=int, default=0, help="print so many made-up values that were missed")
    options = parser.parse_args(argv)
    sets = {name: conversations(options.data / name) for name in SETS}
    r = random.Random(options.seed)
    recall = planted(r, sets, options.each, options.misses)
    touched = {name: clean_turns(frame) for name, frame in sets.items()}
    print(as_markdown(recall, touched))
    if options.json:
        options.json.write_text(
            json.dumps({"seed": options.seed, "recall": recall, "clean": touched}, indent=1, ensure_ascii=False)
        )


def conversations(folder: Path) -> pl.DataFrame:
    """The conversations of a set, not redacted."""
    rows = []
    for path in sorted(folder.glob("logs/*/*.gz")):
        with gzip.open(path) as lines:
            rows += [parse_record(line) for line in lines]
    return pl.DataFrame(rows, schema=COLUMNS)


def planted(r: random.Random, sets: dict[str, pl.DataFrame], each: int, misses: int) -> list[dict[str, Any]]:
    """For each kind, language and carrier: how many were planted and how many are gone whole, under the right name."""
    turns = {language: _turns(sets, language) for language in ("en", "zh")}
    tools = _turns(sets, "en", tool=True)
    cases = [
        (kind, language, carrier, *_case(r, kind, language, carrier, turns[language], tools))
        for kind in KINDS
        for language in ("en", "zh")
        for carrier in ("prose", "json")
        for _ in range(each)
    ]
    rows = [_row(number, texts, carrier) for number, (_, _, carrier, _, texts) in enumerate(cases)]
    frame = pl.DataFrame(rows, schema=COLUMNS)
    names = [[value] if kind.kind == "NAME" else None for kind, _, _, value, _ in cases]
    redacted = redact_frame(frame.with_columns(pl.Series("personal", names, dtype=pl.List(pl.String))))
    counts: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])
    for (kind, language, carrier, value, texts), messages in zip(cases, redacted["messages"].to_list(), strict=True):
        text, left = texts[-1], messages[-1]["content"]
        found = gone(kind, value, text, left)
        count = counts[kind.name, language, carrier]
        count[0] += 1
        count[1] += found
        if not found and misses > 0:
            misses -= 1
            print("missed", kind.name, language, carrier, repr(value), "left", repr(_around(text, left)))
    formatted = {kind.name: kind.formatted for kind in KINDS}
    return [
        {"kind": kind, "language": language, "carrier": carrier, "planted": all_, "found": found, "formatted": formatted[kind]}
        for (kind, language, carrier), (all_, found) in counts.items()
    ]


def gone(kind: Planted, value: str, text: str, redacted: str) -> bool:
    """True if no piece of the value is left that was not in the turn before, and a placeholder of its kind is there."""
    secret = re.split(r"[=/]", value)[-1] if value.startswith("https://") else value
    carrier = text.replace(secret, "")
    pieces = re.findall(r"[0-9０-９]{3,}|[A-Za-z]{4,}|[\u4e00-\u9fff]{2,}", secret)
    left = [piece for piece in (secret, *pieces) if piece in redacted and piece not in carrier]
    return f"<{kind.kind}_" in redacted and not left


def _turns(sets: dict[str, pl.DataFrame], language: str, *, tool: bool = False) -> list[str]:
    frames = [frame for name, frame in sets.items() if SETS[name] == language]
    said = pl.concat([frame["messages"].explode().struct.unnest().select("role", "content") for frame in frames]).drop_nulls()
    texts = said.filter((pl.col("role") == "tool") == tool)["content"].unique(maintain_order=True)
    return texts.filter(texts.str.len_chars().is_between(10, 600)).to_list()


def _case(
    r: random.Random, kind: Planted, language: str, carrier: str, turns: list[str], tools: list[str]
) -> tuple[str, list[str]]:
    """A value, and the turns in the last of which it is planted."""
    value = kind.make(r)
    if kind.asked:
        question = r.choice(kind.english if language == "en" else kind.chinese)
        answer = r.choice(["{}", "{}.", "sure, {}", "It's {}, thanks"] if language == "en" else ["{}", "好的，{}", "是{}。"])
        said = [f"{r.choice(turns)} {question}", answer.format(value)]
        return value, said if carrier == "prose" else [*said, _as_json(r, _holder(r, language, tools), "note", f"say {value}")]
    lead = r.choice(kind.english if language == "en" else kind.chinese)
    closing = "）" if lead.endswith("（") else ")" if lead.endswith("(") else ""
    said = _in_prose(r, f"{lead}{value}{closing}", r.choice(turns), language)
    if carrier == "prose":
        return value, [said]
    holder = _holder(r, language, tools)
    if kind.key and r.random() < 0.5:
        return value, [_as_json(r, holder, kind.key, value)]
    return value, [_as_json(r, holder, "note", said)]


def _in_prose(r: random.Random, value: str, turn: str, language: str) -> str:
    if language == "zh":
        at = r.choice(
            [at for at in range(len(turn) + 1) if not re.search(r"[A-Za-z0-9_.+:/-]", turn[max(0, at - 1) : at + 1])] or [0]
        )
        return f"{turn[:at]}{r.choice(['', '，', '。', ' '])}{value}{r.choice(['', '，', '。', '！', ' '])}{turn[at:]}"
    gaps = [0, *(match.end() for match in re.finditer(r"\s+", turn)), len(turn)]
    at, gap, after = r.choice(gaps), r.choice([" ", ", ", ". ", "\n"]), r.choice([" ", ", ", ". ", "\n", "; "])
    return f"{turn[:at]}{gap if at else ''}{value}{after}{turn[at:]}"


def _holder(r: random.Random, language: str, tools: list[str]) -> dict[str, Any]:
    if language == "en":
        try:
            held = json.loads(r.choice(tools))
        except ValueError:
            held = None
        return held if isinstance(held, dict) else {"result": held}
    return {"状态": "成功", "评分": 4.7, "人均消费": 86}


def _as_json(r: random.Random, holder: dict[str, Any], key: str, value: str) -> str:
    items = list(holder.items())
    items.insert(r.randint(0, len(items)), (key, value))
    return json.dumps(dict(items), ensure_ascii=r.random() < 0.5, indent=r.choice([None, 1]))


def _row(number: int, texts: list[str], carrier: str) -> dict[str, Any]:
    *asked, last = texts
    roles = [*("assistant", "user")[: len(asked)], "tool" if carrier == "json" else "user"]
    messages = [{"role": role, "content": text} for role, text in zip(roles, [*asked, last], strict=True)]
    return {"conversation_id": f"c{number}", "user_id": "u", "messages": messages}


def _around(text: str, redacted: str) -> str:
    start = next((at for at, (a, b) in enumerate(zip(text, redacted, strict=False)) if a != b), 0)
    return redacted[max(0, start - 30) : start + 60]


def clean_turns(frame: pl.DataFrame) -> dict[str, Any]:
    """How many turns of a set are touched where nothing says that a value of the kind is there; counts by kind."""
    kept: dict[str, dict[str, str]] = {}
    began = time.perf_counter()
    redacted = redact_frame(frame, keep=lambda conversation, originals: kept.update({conversation: dict(originals)}))
    seconds = time.perf_counter() - began
    turns, touched, false = 0, Counter[str](), Counter[str]()
    wrong = 0
    for before, after in zip(frame.iter_rows(named=True), redacted.iter_rows(named=True), strict=True):
        said: list[str] = []
        for old, new in _pairs(before, after):
            turns += 1
            said = [*said[-2:], old]
            names = set(re.findall(r"<[A-Z]+_\d+>", new)) - set(re.findall(r"<[A-Z]+_\d+>", old))
            kinds = {name[1 : name.rindex("_")] for name in names}
            touched.update(kinds)
            odd = {kind for kind in kinds - BY_FIELD if not re.search(TELLS.get(kind, r"(?!)"), "\n".join(said))}
            false.update(odd)
            wrong += bool(odd)
    passed = redacted.filter(pl.col("redactions") > 0).height / max(1, redacted.height)
    return {
        "turns": turns, "touched": dict(touched), "false": dict(false), "false_turns": wrong, "share": wrong / turns,
        "conversations_redacted": passed, "seconds": round(seconds, 2),
    }  # fmt: skip


def _pairs(before: dict[str, Any], after: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for old, new in zip(before["messages"], after["messages"], strict=True):
        if old["content"]:
            yield old["content"], new["content"]
        for call, redacted in zip(old["tool_calls"] or (), new["tool_calls"] or (), strict=True):
            yield call["arguments"], redacted["arguments"]


def as_markdown(recall: list[dict[str, Any]], touched: dict[str, dict[str, Any]]) -> str:
    """The tables."""
    lines = ["| kind | en prose | en JSON | zh prose | zh JSON |", "|---|---|---|---|---|"]
    cells = {(row["kind"], row["language"], row["carrier"]): row["found"] / row["planted"] for row in recall}
    for kind in dict.fromkeys(row["kind"] for row in recall):
        shares = [cells[kind, language, carrier] for language in ("en", "zh") for carrier in ("prose", "json")]
        lines.append(f"| {kind} | {' | '.join(f'{share:.1%}' for share in shares)} |")
    formatted = [row for row in recall if row["formatted"]]
    overall = sum(row["found"] for row in formatted) / sum(row["planted"] for row in formatted)
    worst = min((share, place) for place, share in cells.items() if place[0] in {row["kind"] for row in formatted})
    lines += ["", f"Formatted kinds together: {overall:.2%} of {sum(row['planted'] for row in formatted)}."]
    lines += [f"Least: {worst[0]:.1%} ({', '.join(worst[1])}).", ""]
    lines += ["| set | turns | touched, by kind | of these clean | share of clean turns touched |", "|---|---|---|---|---|"]
    for name, row in touched.items():
        lines.append(f"| {name} | {row['turns']} | {_counts(row['touched'])} | {_counts(row['false'])} | {row['share']:.3%} |")
    lines += ["", "Of all turns, those touched, and those where nothing tells that such a value is there:", ""]
    lines += ["| kind | " + " | ".join(f"{name} ({SETS[name]})" for name in touched) + " |", "|---" * (len(touched) + 1) + "|"]
    for kind in sorted({kind for row in touched.values() for kind in row["touched"]}):
        shares = [
            f"{row['touched'].get(kind, 0) / row['turns']:.3%}, clean {row['false'].get(kind, 0) / row['turns']:.3%}"
            for row in touched.values()
        ]
        lines.append(f"| {kind} | {' | '.join(shares)} |")
    return "\n".join(lines)


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items())) or "none"


if __name__ == "__main__":
    main()
