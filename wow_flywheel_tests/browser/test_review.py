"""The review page in a real browser: from the link on the terminal to the lake, by keyboard alone."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page, expect, sync_playwright

from wow_flywheel.lake import Lake
from wow_flywheel_tests.browser.conftest import CHROMIUM, FLAGS, PATIENCE, ROOT, free_port
from wow_flywheel_tests.unit.cases import rows
from wow_flywheel_tests.unit.review.world import claim, fill

pytestmark = pytest.mark.browser


@dataclass(frozen=True)
class Desk:
    """A running review page: the link that its terminal shows, and its lake."""

    link: str
    lake: Lake


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """`wow-flywheel review serve` on three cases."""
    lake, port = fill(Lake(str(tmp_path / "lake"))), free_port()
    env = {name: value for name, value in os.environ.items() if not name.startswith("WOW_")}
    env |= {"WOW_LAKE_URI": lake.uri, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-c", "from wow_flywheel.cli import app; app()", "review", "serve", "--port", str(port)]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = next(line for line in process.stdout if "sign in once" in line)
        yield Desk(line.split()[-1], lake)
        process.kill()  # a shell may have it ignore gentler signals


@pytest.fixture
def screen(desk: Desk) -> Iterator[Page]:
    """A fresh browser; at the end nothing in its console, such as something that the page's own policy forbids."""
    if CHROMIUM is None:
        pytest.skip("no Chromium here: `apt-get install chromium`, or any package that provides it")
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(f"a script ran: {dialog.message}"))
        page.set_default_timeout(PATIENCE)
        yield page
        browser.close()
    assert [each for each in complaints if "status of 422" not in each] == []


def sign_in(screen: Page, desk: Desk) -> None:
    for attempt in range(50):
        try:
            screen.goto(desk.link)
            break
        except PlaywrightError:
            if attempt == 49:
                raise
            screen.wait_for_timeout(200)
    expect(screen.get_by_label("Your name")).to_be_focused()  # the browser focuses it some time after it has loaded the page
    screen.keyboard.type("ana")
    screen.keyboard.press("Enter")


def is_at(screen: Page, conversation: str) -> None:
    """Wait until a conversation is shown and the page hears keys, which is a moment later."""
    expect(screen.get_by_role("heading", name=conversation)).to_be_visible()
    screen.wait_for_load_state()


def test_a_whole_session_by_keyboard(screen: Page, desk: Desk) -> None:
    sign_in(screen, desk)
    is_at(screen, "torn")
    expect(screen.locator("mark.selected")).to_have_text("9 days")
    expect(screen.locator("#turn-0")).to_contain_text("你好，退款")
    expect(screen.get_by_text("Why you see this")).to_be_visible()
    assert [(cookie["httpOnly"], cookie["sameSite"]) for cookie in screen.context.cookies()] == [(True, "Strict")]
    assert screen.evaluate("document.cookie") == ""

    screen.keyboard.press("?")
    expect(screen.get_by_role("dialog")).to_be_visible()
    screen.keyboard.press("g")
    screen.keyboard.press("Escape")
    assert desk.lake.read("decisions").is_empty(), "keys decide nothing while the help is open"

    screen.keyboard.press("o")
    screen.keyboard.type("arg: no such promise")
    screen.keyboard.press("Enter")
    screen.keyboard.press("r")
    expect(screen.get_by_role("status")).to_contain_text("hallucination at turn 3 is rejected")
    expect(screen.locator("mark")).to_have_class("major rejected selected")
    found = desk.lake.read("finding_decisions").row(0, named=True)
    assert (found["conversation_id"], found["decision"], found["decided_by"]) == ("torn", "rejected", "ana")
    assert found["note"] == "arg: no such promise"

    screen.keyboard.press("n")
    is_at(screen, "plain/#1")
    screen.keyboard.press("p")
    is_at(screen, "torn")

    screen.keyboard.press("e")
    screen.keyboard.press("Control+Enter")
    expect(screen.get_by_role("alert")).to_contain_text("this is what was said")
    expect(screen.locator("textarea[name=reply]:focus")).to_have_count(1)  # a moment after the page is shown again
    screen.keyboard.press("Control+a")
    screen.keyboard.type("It is done. I cannot say yet when it arrives.")
    screen.keyboard.press("Control+Enter")
    expect(screen.get_by_text("should have been said, by ana")).to_be_visible()
    edit = desk.lake.read("rewrite_edits").row(0, named=True)
    assert edit["chosen"] == '{"knowledge":[],"reply":"It is done. I cannot say yet when it arrives.","action":null}'
    assert (edit["turn"], edit["issue_type"], edit["decided_by"]) == (3, "hallucination", "ana")

    for key, name in (("g", "torn"), ("b", "plain/#1"), ("f", "sure")):
        is_at(screen, name)
        screen.keyboard.press(key)
        expect(screen.get_by_role("heading", name=name)).to_have_count(0)
    expect(screen.get_by_text("Nothing waits.")).to_be_visible()
    labels = desk.lake.read("decisions").select("conversation_id", "label", "decided_by").rows()
    assert sorted(labels) == [("plain/#1", "bad", "ana"), ("sure", "failed", "ana"), ("torn", "good", "ana")]


def test_the_other_keys_select_accept_note_and_send_to_review(screen: Page, desk: Desk) -> None:
    cold = claim("torn", severity="critical") | {"issue_type": "poor_empathy", "quote": "Done."}
    both = pl.concat([desk.lake.read("inspections"), rows.inspections(cold)])
    desk.lake.replace("inspections", both, rows.DAY)
    sign_in(screen, desk)
    is_at(screen, "torn")
    marked = screen.locator("mark.selected")
    expect(marked).to_have_text("9 days")
    for key, words in (("j", "Done."), ("k", "9 days")):
        screen.keyboard.press(key)
        expect(marked).to_have_text(words)

    screen.keyboard.press("a")
    expect(screen.get_by_role("status")).to_contain_text("hallucination at turn 3 is accepted")
    found = desk.lake.read("finding_decisions").row(0, named=True)
    assert (found["quote"], found["decision"], found["decided_by"]) == ("9 days", "accepted", "ana")

    screen.keyboard.press("t")
    screen.keyboard.type("nobody can tell, vague")
    screen.keyboard.press("Enter")
    assert desk.lake.read("decisions").is_empty(), "a note alone decides nothing"
    screen.keyboard.press("v")
    expect(screen.get_by_role("heading", name="torn")).to_have_count(0)
    said = desk.lake.read("decisions").row(0, named=True)
    assert (said["conversation_id"], said["label"], said["note"]) == ("torn", "review", "nobody can tell, vague")

    screen.keyboard.press("e")
    screen.keyboard.press("Escape")
    screen.keyboard.press("q")
    expect(screen.get_by_role("link", name="plain/#1")).to_be_visible()
    assert screen.url.endswith("/queue")
    assert desk.lake.read("rewrite_edits").is_empty()
