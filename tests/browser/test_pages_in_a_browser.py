"""What a real browser and axe-core find in the pages: nothing to complain about."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from examples.browser import DESKTOP, PHONE

A4_INSIDE_MARGINS = {"width": 718, "height": 1047}  # 190 by 277 mm at 96 dpi
AUDITS = ("audit of rnet", "audit of csl")
PAGES = (*AUDITS, "log in", "patients", "patient", "no such page")
OPEN_ALL = "document.querySelectorAll('details').forEach(each => each.open = true)"
# Rows of one table are alike, and the checker's time grows with each: it sees the first two and the last.
FEWER_ROWS = "document.querySelectorAll('tbody').forEach(b => [...b.rows].slice(2, -1).forEach(row => row.remove()))"
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def show(browser, addresses):
    """Open a page by name, as wide as given, on screen or on paper."""
    contexts = []

    def shown(name, size, medium="screen"):
        context = browser.new_context(viewport=size)
        contexts.append(context)
        context.add_cookies([addresses["cookie"]])
        page = context.new_page()
        page.emulate_media(media=medium)
        page.goto(addresses[name])
        return page

    yield shown
    for context in contexts:
        context.close()


@pytest.mark.parametrize(("size", "medium"), [(PHONE, "screen"), (DESKTOP, "screen"), (A4_INSIDE_MARGINS, "print")])
@pytest.mark.parametrize("name", PAGES)
def test_no_violation_and_nothing_wider_than_the_page(show, name, size, medium):
    page = show(name, size, medium)
    assert page.evaluate(OVERFLOW) == 0
    page.evaluate(OPEN_ALL)
    assert page.evaluate(OVERFLOW) == 0
    page.evaluate(FEWER_ROWS)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert len(found.response["passes"]) > 10


def test_the_checker_finds_what_is_wrong(show):
    page = show("patients", PHONE)
    page.evaluate("document.querySelector('h1').style.color = '#ddd'")
    assert [each["id"] for each in Axe().run(page).response["violations"]] == ["color-contrast"]


@pytest.mark.parametrize("name", AUDITS)
def test_the_audit_is_one_file_of_moderate_size_that_asks_for_nothing_else(browser, addresses, name):
    asked = []
    with browser.new_context() as context:
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        size = len(page.goto(addresses[name]).body())
    assert asked == [addresses[name]]
    assert size < 3_000_000


def test_paper_shows_what_a_screen_unfolds(show):
    page = show("audit of rnet", A4_INSIDE_MARGINS, "print")
    tables = page.locator("details table")
    assert tables.count() > 10
    assert all(tables.nth(number).bounding_box()["height"] > 0 for number in range(tables.count()))
    assert not page.locator("nav").is_visible()


def test_everything_unfolds_and_scrolls_by_keyboard(show):
    page = show("audit of csl", PHONE)
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("details").first.evaluate("each => each.open")
    region = page.get_by_role("region", name="Death: simpler models")
    region.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("each => each.scrollLeft > 0", arg=region.element_handle())


def test_words_in_pictures_stay_readable_on_a_phone(show):
    page = show("audit of rnet", PHONE)
    page.evaluate(OPEN_ALL)
    smallest = page.evaluate(
        "Math.min(...[...document.querySelectorAll('svg text')].map(text => Math.hypot("
        "text.getScreenCTM().a, text.getScreenCTM().b) * parseFloat(getComputedStyle(text).fontSize)))"
    )
    assert smallest >= 9.0  # CSS pixels
