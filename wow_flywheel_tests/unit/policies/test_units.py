"""Policies from files: what is read, what is refused, when they hold, when their version changes."""

import datetime as dt
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wow_flywheel.errors import SourceError
from wow_flywheel.policies.units import frame, load_policies, parse_unit

MARKDOWN = """---
scenario: refund
version: 2
valid_from: 2026-01-01
required_steps: [ask for the order number, refund]
forbidden_promises:
  - a refund on the same day
---
# Refunds
A refund arrives in 3 days.
"""


def test_markdown_yaml_and_procedures_are_read_together(tmp_path: Path) -> None:
    (tmp_path / "refunds.md").write_text(MARKDOWN)
    (tmp_path / "fees.yaml").write_text(
        "- {id: fee, scenarios: [cancel, refund], text: It costs 5.}\n- {id: late, text: Sorry.}\n"
    )
    procedure = {
        "policy_id": "p/cancel",
        "scenario": "cancel",
        "replies": {"ask": "Which booking?"},
        "flow": {"ask": "cancel_it"},
    }
    (tmp_path / "p.jsonl").write_text(json.dumps(procedure) + "\n")
    found = {policy.policy_id: policy for policy in load_policies(str(tmp_path))}
    assert sorted(found) == ["fee", "late", "p/cancel", "refunds"]
    assert found["refunds"].steps == ("ask for the order number", "refund")
    assert found["refunds"].forbidden == ("a refund on the same day",)
    assert found["refunds"].title == "Refunds"
    assert found["refunds"].version.startswith("2+")
    assert found["fee"].scenarios == ("cancel", "refund")
    assert found["late"].scenarios == ("late",)
    assert found["p/cancel"].steps == ("ask", "cancel_it")
    assert frame(list(found.values())).height == 5


@pytest.mark.parametrize(
    ("fields", "own"),
    [
        ({"text": "It takes 3 days.", "forbidden_promises": ["a refund today"]}, "It takes 3 days."),
        (
            {"title": "Refunds", "text": "Refunds\ntake long.", "conditions": ["b"], "required_steps": ["a"]},
            "Refunds\ntake long.",
        ),
        ({"forbidden_promises": ["a refund today"]}, ""),
        ({"text": "p says so"}, "p says so"),
    ],
)
def test_what_a_unit_says_itself_is_without_its_title_and_lists(fields: dict[str, object], own: str) -> None:
    assert parse_unit(fields, "p", "p.yaml").own_text == own


def test_a_policy_holds_between_its_days_both_included() -> None:
    policy = parse_unit({"valid_from": "2026-01-02", "valid_until": dt.date(2026, 1, 4), "text": "x"}, "p", "p.yaml")
    held = [policy.holds_on(dt.date(2026, 1, day)) for day in range(1, 6)]
    assert held == [False, True, True, True, False]


def test_a_change_of_the_text_is_a_new_version_even_if_nobody_raised_it() -> None:
    one, other = (parse_unit({"version": "7", "text": text}, "p", "p.yaml") for text in ("3 days", "4 days"))
    assert one.version != other.version
    assert one.version == parse_unit({"version": "7", "text": "3 days"}, "p", "p.yaml").version


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("required_step: [a]", "unknown fields"),
        ("required_steps: {a: 1}", "no list of texts"),
        ("valid_from: soon", "no day"),
        ("{valid_from: 2026-02-01, valid_until: 2026-01-01}", "before valid_from"),
        ("[1, 2]", "not a mapping"),
        ("a: [", "not readable as YAML"),
    ],
)
def test_a_malformed_unit_is_refused_with_its_file(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "u.yaml").write_text(text)
    with pytest.raises(SourceError, match=said) as caught:
        load_policies(str(tmp_path))
    assert "u.yaml" in str(caught.value)
    assert caught.value.hint


def test_two_versions_may_follow_each_other_but_not_hold_at_once(tmp_path: Path) -> None:
    first, second = "{id: fee, text: 5, valid_until: 2026-01-31}", "{id: fee, text: 6, valid_from: 2026-02-01}"
    (tmp_path / "a.yaml").write_text(f"[{first}, {second}]")
    assert [policy.text for policy in load_policies(str(tmp_path))] == ["5", "6"]
    (tmp_path / "a.yaml").write_text(f"[{first}, {second.replace('02-01', '01-31')}]")
    with pytest.raises(SourceError, match="hold at once"):
        load_policies(str(tmp_path))


def test_no_folder_means_no_policies(tmp_path: Path) -> None:
    assert load_policies(str(tmp_path / "none")) == []


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from(
    ["id", "scenario", "scenarios", "title", "text", "version", "valid_from", "valid_until", "required_steps", "odd"]
)


@given(VALUES | st.dictionaries(NAMES, VALUES, max_size=5))
def test_any_yaml_value_is_a_policy_or_is_refused(value: object) -> None:
    policy = refused = None
    try:
        policy = parse_unit(value, "name", "file.yaml")
    except SourceError as error:
        refused = str(error)
    assert (policy and policy.policy_id and policy.scenarios and policy.version) or "file.yaml" in str(refused)
