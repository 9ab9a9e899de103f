"""The results page of a cycle as a person sees it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from wow_flywheel.release.results.page import render
from wow_flywheel_tests.browser.conftest import CHROMIUM, FLAGS
from wow_flywheel_tests.unit.release.test_page import data

pytestmark = pytest.mark.browser
SIDEWAYS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium here: `apt-get install chromium`, or any package that provides it")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "results.html"
    path.write_text(render(data()), "utf-8")
    return path.as_uri()


def opened(browser: Browser, file: str, width: int) -> tuple[Page, list[str]]:
    """The page, and what it complains of or fetches."""
    page, noticed = browser.new_page(viewport={"width": width, "height": 900}), []
    page.on("console", lambda message: noticed.append(message.text))
    page.on("pageerror", lambda error: noticed.append(str(error)))
    page.on("request", lambda request: noticed.append(request.url) if request.url != file else None)
    page.goto(file)
    return page, noticed


@pytest.mark.parametrize("width", [1600, 1024, 390])
def test_it_opens_quietly_fetches_nothing_and_never_scrolls_sideways(browser: Browser, file: str, width: int) -> None:
    page, noticed = opened(browser, file, width)
    expect(page.get_by_role("heading", name="Cycle c1")).to_be_visible()
    assert noticed == []
    assert page.evaluate(SIDEWAYS) == 0


def test_it_says_the_decision_first_and_shows_twenty_turns(browser: Browser, file: str) -> None:
    page, _ = opened(browser, file, 1600)
    banner = page.locator(".banner")
    expect(banner).to_contain_text("The gate lets it pass.")
    box, card = banner.bounding_box(), page.locator(".card").first.bounding_box()
    assert box is not None
    assert card is not None
    assert box["y"] < card["y"] < 900, "without scrolling"
    assert page.locator("article.example").count() == 20
    expect(page.locator("article.example").first).to_contain_text("<script>alert(")
    expect(page.get_by_role("heading", name="Before and after: 20 turns")).to_be_visible()
    expect(page.get_by_role("cell", name="✓ passed").first).to_be_visible()
