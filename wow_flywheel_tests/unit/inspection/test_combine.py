"""What holds where evidence and panel both have their say."""

import pytest

from wow_flywheel.inspection.combine import FOR_A_PERSON, alone, combined, opposed, sides
from wow_flywheel.inspection.protocol import Verdict


def verdict(solved: float, satisfied: float, confidence: float = 0.9, *failures: str) -> Verdict:
    return Verdict("c1", solved, satisfied, confidence, ("so",), failures)


@pytest.mark.parametrize(
    ("scores", "expected"),
    [((0.6, 0.65), (1, 1)), ((0.45, 0.35), (-1, -1)), ((0.5, 0.5), (0, 0)), ((0.59, 0.64), (0, 0)), ((0.0, 1.0), (-1, 1))],
)
def test_sides_go_by_the_thresholds_of_the_case_rules(scores: tuple[float, float], expected: tuple[int, int]) -> None:
    assert sides(verdict(*scores)) == expected


def test_only_what_both_decide_can_be_opposed() -> None:
    assert opposed(verdict(0.9, 0.5), verdict(0.1, 0.1)) == ["solved"]
    assert opposed(verdict(0.9, 0.9), verdict(0.1, 0.1)) == ["solved", "satisfied"]
    assert opposed(verdict(0.5, 0.5), verdict(0.1, 0.9)) == []


def test_the_panel_decides_where_evidence_does_not() -> None:
    both = combined(verdict(0.5, 0.5), verdict(0.9, 0.9), instructed=False, outvoted=False, severe=False, cited=True)
    assert (both.solved_score, both.satisfied_score, both.confidence) == (0.9, 0.9, 0.9)
    assert both.evidence == ("so", "so")


def test_what_evidence_leaves_open_is_not_good_on_the_panels_word_without_a_citation() -> None:
    uncited = combined(verdict(0.5, 0.5), verdict(0.9, 0.9), instructed=False, outvoted=True, severe=False, cited=False)
    assert uncited.confidence == FOR_A_PERSON
    assert uncited.evidence[-1] == "the panel alone decides solved and satisfied, and cites no words that prove it"


@pytest.mark.parametrize(
    ("evidence", "panel", "expected"),
    [
        ((0.9, 0.9), (0.9, 0.9), []),
        ((0.9, 0.5), (0.9, 0.9), ["satisfied"]),
        ((0.5, 0.9), (0.9, 0.9), ["solved"]),
        ((0.5, 0.2), (0.9, 0.2), ["solved"]),
        ((0.5, 0.5), (0.2, 0.9), ["solved"]),
        ((0.2, 0.5), (0.2, 0.9), []),
        ((0.9, 0.5), (0.9, 0.1), ["satisfied"]),
        ((0.5, 0.5), (0.5, 0.5), []),
        ((0.9, 0.9, 0.3), (0.9, 0.9), ["solved", "satisfied"]),
    ],
)
def test_only_what_evidence_did_not_decide_needs_a_citation(
    evidence: tuple[float, ...], panel: tuple[float, float], expected: list[str]
) -> None:
    assert alone(verdict(*evidence), verdict(*panel)) == expected


def test_a_person_decides_where_they_decide_differently() -> None:
    both = combined(verdict(0.9, 0.9), verdict(0.1, 0.9), instructed=False, outvoted=False, severe=False, cited=True)
    assert both.confidence == FOR_A_PERSON
    assert both.evidence[-1] == "panel and evidence decide differently on solved"


def test_unsure_evidence_and_evidence_outvoted_by_two_models_do_not_hold_up_the_panel() -> None:
    unsure = combined(verdict(0.9, 0.9, 0.35), verdict(0.1, 0.9), instructed=False, outvoted=False, severe=False, cited=True)
    outvoted = combined(verdict(0.9, 0.9), verdict(0.1, 0.9), instructed=False, outvoted=True, severe=False, cited=True)
    assert unsure.confidence == outvoted.confidence == 0.9
    assert outvoted.solved_score == 0.1


def test_only_evidence_decides_where_someone_instructs_the_judge() -> None:
    evidence = verdict(0.2, 0.1, 0.8)
    both = combined(evidence, verdict(1.0, 1.0), instructed=True, outvoted=False, severe=False, cited=True)
    assert (both.solved_score, both.satisfied_score, both.confidence) == (0.2, 0.1, 0.8)
    assert (
        combined(evidence, verdict(1.0, 1.0), instructed=True, outvoted=False, severe=True, cited=True).confidence
        == FOR_A_PERSON
    )


def test_a_failed_panel_leaves_the_evidences_verdict_with_the_failure_shown() -> None:
    failed = verdict(0.5, 0.5, 0.0, "demand: timed_out")
    both = combined(verdict(0.9, 0.8), failed, instructed=False, outvoted=False, severe=False, cited=True)
    assert (both.solved_score, both.satisfied_score) == (0.9, 0.8)
    assert (both.confidence, both.failures) == (0.0, ("demand: timed_out",))
