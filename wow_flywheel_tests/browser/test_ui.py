"""What a person sees and clicks in the Dagster web UI."""

import re
import time

import pytest
from playwright.sync_api import Page, expect

from wow_flywheel_tests.browser.conftest import Ui

pytestmark = pytest.mark.browser
STAGES = ("conversations", "rules", "satisfaction", "inspection", "cases", "pairs", "datasets", "training", "evaluation")


def wait_until_run_succeeds(page: Page) -> None:
    """On a run's page."""
    expect(page.get_by_text(re.compile("^(Success|Failure)$")).first).to_be_visible(timeout=280_000)
    expect(page.get_by_text("Success", exact=True).first).to_be_visible()


def test_the_graph_shows_every_stage(page: Page) -> None:
    page.goto("/asset-groups")
    for stage in STAGES:
        expect(page.get_by_text(stage, exact=True).first).to_be_visible()


def test_one_click_labels_a_day_and_the_case_says_why(page: Page, ui: Ui) -> None:
    page.goto("/locations/wow_flywheel/jobs/nightly")
    page.get_by_role("button", name="Materialize all").click()
    page.get_by_role("button", name="Latest", exact=True).click()
    page.get_by_role("button", name=re.compile("^Launch")).last.click()
    expect(page.get_by_text("Launched run")).to_be_visible()
    page.goto("/runs")
    page.locator("a[href^='/runs/']").first.click()
    wait_until_run_succeeds(page)

    cases = {row["conversation_id"].split("-")[-1]: row for row in ui.lake.read("cases").to_dicts()}
    assert set(cases) == {"looping", "helped"}
    assert cases["looping"]["label"] != "good"
    assert all(case["reasons"] for case in cases.values())
    assert ui.lake.read("quarantine")["reason"].to_list() == ["not_json"]

    page.goto("/assets/cases?view=overview")
    expect(page.get_by_text("Good (proven solved, satisfied, nothing serious found)")).to_be_visible()
    expect(page.get_by_text("good, bad, failed or review", exact=True)).to_be_visible()
    page.goto("/assets/quarantine?view=overview")
    expect(page.get_by_text("not_json")).to_be_visible()
    page.goto("/assets/conversations?view=checks&checkDetail=few_lines_quarantined")
    expect(page.get_by_text("1 of 3 lines are quarantined; the table")).to_be_visible()


@pytest.mark.slow
def test_one_click_turns_the_wheel_and_without_a_model_it_says_what_is_missing(page: Page, ui: Ui) -> None:
    page.goto("/locations/wow_flywheel/jobs/flywheel/playground")
    page.get_by_role("button", name="Launch Run").click()
    deadline = time.monotonic() + 60
    while "/runs/" not in page.url and time.monotonic() < deadline:
        page.wait_for_timeout(200)
    wait_until_run_succeeds(page)
    expect(page.get_by_text("no cycle: there is no model to train, set WOW_MODEL").first).to_be_visible()
    assert set(ui.lake.read("cases")["dt"]) >= {ui.days[0]}
    assert ui.lake.read("cases").height % 2 == 0
