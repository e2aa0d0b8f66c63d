"""What a real browser and axe-core find in the pages: nothing to complain about."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from examples.browser import DESKTOP, PHONE

A4_INSIDE_MARGINS = {"width": 718, "height": 1047}  # 190 by 277 mm at 96 dpi
AUDITS = ("audit of rnet", "audit of csl")
LONG = (*AUDITS, "log in", "patients", "patient", "monitoring")
SHORT = ("overdue patients", "no patient found", "patient awaiting work-up", "no such page", "bad address")
SIZES = ((PHONE, "screen"), (DESKTOP, "screen"), (A4_INSIDE_MARGINS, "print"))
OPEN_ALL = "document.querySelectorAll('details').forEach(each => each.open = true)"
# Rows of one table are alike, and the checker's time grows with each: it sees the first two and the last.
FEWER_ROWS = "document.querySelectorAll('tbody').forEach(b => [...b.rows].slice(2, -1).forEach(row => row.remove()))"
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def show(browser, addresses):
    """Open a page by name, as wide as given, on screen or on paper."""
    contexts = []

    def shown(name, size, medium="screen", **settings):
        context = browser.new_context(viewport=size, **settings)
        contexts.append(context)
        context.add_cookies([addresses["cookie"]])
        page = context.new_page()
        page.emulate_media(media=medium)
        page.goto(addresses[name])
        return page

    yield shown
    for context in contexts:
        context.close()


@pytest.mark.parametrize(
    ("name", "size", "medium"),
    [*((name, *size) for name in LONG for size in SIZES), *((name, *SIZES[0]) for name in SHORT)],
)
def test_no_violation_and_nothing_wider_than_the_page(show, name, size, medium):
    page = show(name, size, medium)
    assert page.evaluate(OVERFLOW) == 0
    page.evaluate(OPEN_ALL)
    assert page.evaluate(OVERFLOW) == 0
    page.evaluate(FEWER_ROWS)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert len(found.response["passes"]) > 10


@pytest.mark.parametrize("name", ["log in", "patients", "patient", "monitoring"])
def test_colours_for_the_dark_can_be_told_apart_too(show, name):
    page = show(name, DESKTOP, color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 24, 28)"
    page.evaluate(OPEN_ALL)
    page.evaluate(FEWER_ROWS)
    found = Axe().run(page, options={"runOnly": ["color-contrast", "link-in-text-block"]})
    assert found.violations_count == 0, found.generate_report()


def test_somebody_logs_in_looks_somebody_up_and_logs_out(browser, addresses):
    with browser.new_context(viewport=PHONE, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(addresses["monitoring"])
        assert "Log in to go on" in page.inner_text("main")
        page.keyboard.type("wrong")  # the field has the focus
        page.keyboard.press("Enter")
        assert "does not open anything" in page.get_by_role("alert").inner_text()
        page.fill("#key", addresses["key"])
        page.get_by_role("button", name="Log in").click()
        assert page.url == addresses["monitoring"]
        page.get_by_role("link", name="Patients").click()
        page.get_by_label("Reference holds").fill("WAIT")
        page.keyboard.press("Enter")
        page.wait_for_url("**/ui?q=WAIT")
        assert page.locator("tbody tr").count() == 1
        page.get_by_role("link", name="awaiting").click()
        assert page.url == addresses["patient awaiting work-up"]
        page.get_by_role("button", name="Log out").click()
        page.goto(addresses["patients"])
        assert page.get_by_role("heading", level=1).inner_text() == "Log in"


def test_focus_goes_through_a_page_in_the_order_of_reading(show):
    page = show("patients", DESKTOP)
    reached = []
    for _ in range(9):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.textContent.trim() || document.activeElement.id"))
    assert reached[:4] == ["Skip to content", "Patients", "Monitoring", "Audit of the model"]
    assert reached[4:] == ["Log out", "All", "Overdue", "q", "Find"]


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


def test_paper_shows_what_the_monitoring_page_folds_once_there_are_many_quarters(show):
    page = show("monitoring", A4_INSIDE_MARGINS, "print")
    folded = "<details><summary>9 earlier quarters</summary><p id='earlier'>Found</p></details>"
    page.evaluate("html => document.querySelector('main').insertAdjacentHTML('beforeend', html)", folded)
    assert page.locator("#earlier").bounding_box()["height"] > 0


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
