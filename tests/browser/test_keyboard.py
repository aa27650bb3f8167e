"""The page without a mouse."""

from __future__ import annotations

from playwright.sync_api import Page, expect

# The element that has the focus; "shown" is whether it, or what it stands in, looks another way
# than without.
_FOCUSED = """() => {
    const element = document.activeElement, box = element.getBoundingClientRect();
    const look = () => {
        const parts = [element, element.parentElement, element.parentElement?.parentElement,
                       element.nextElementSibling, ...element.children];
        return JSON.stringify(parts.filter(Boolean).map((part) => {
            const s = getComputedStyle(part);
            return [s.outlineStyle, s.outlineWidth, s.outlineColor, s.boxShadow, s.borderColor,
                    s.backgroundColor, s.strokeWidth, s.stroke];
        }));
    };
    const with_focus = look();
    element.blur();
    const shown = look() !== with_focus;
    element.focus();
    return {tag: element.tagName, id: element.id, name: element.name || "", shown,
            html: element.outerHTML.slice(0, 80), top: box.top, bottom: box.bottom};
}"""


def focused(page: Page) -> dict:
    """Return what is known of the element that has the focus."""
    return page.evaluate(_FOCUSED)


def stops(page: Page, most: int = 150) -> list[dict]:
    """Press Tab until the focus leaves the page; return where it stopped."""
    out = []
    for _ in range(most):
        page.keyboard.press("Tab")
        stop = focused(page)
        if stop["tag"] == "BODY":
            return out
        out.append(stop)
    raise AssertionError(f"Tab does not come to an end: {out[-10:]}")


def test_every_stop_is_seen(open_page):
    for path in ("/", "/?q=Добрый день", "/memory?q=Добрый день&from=ru&to=kbd", "/overview"):
        page = open_page(path, reduced_motion="reduce")
        page.evaluate("document.activeElement.blur()")
        unseen = [stop for stop in stops(page) if not stop["shown"]]
        assert not unseen, f"{path}: no visible focus at {unseen}"


def test_order_is_skip_link_then_box_then_results(open_page):
    page = open_page("/?q=Добрый день")
    page.evaluate("document.activeElement.blur()")
    found = stops(page)
    box = next(at for at, stop in enumerate(found) if stop["id"] == "q")
    names = [stop["name"] for stop in found]
    copies = [at for at, stop in enumerate(found) if stop["tag"] == "BUTTON" and at > box]
    assert found[0]["tag"] == "A" and "main" in page.evaluate(
        "document.querySelector('a').getAttribute('href')"
    )
    assert box < names.index("to") < copies[-1]
    assert names.count("from") == 1  # radio buttons are one stop, arrows choose among them


def test_the_skip_link_leads_to_the_content(open_page):
    page = open_page("/?q=Добрый день")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Tab")
    stop = focused(page)
    assert 0 <= stop["top"] < stop["bottom"], "it is shown when it has the focus"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")
    assert not [url for url in asked if "q=" in url], "nothing is searched again"


def test_slash_goes_to_the_box(open_page):
    page = open_page("/?q=Добрый день")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    expect(page.locator("#q")).to_have_value("Добрый день")
    page.keyboard.press("End")
    page.keyboard.type("/")
    expect(page.locator("#q")).to_have_value("Добрый день/")


def test_a_search_by_the_keyboard_alone(open_page):
    page = open_page()
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("/")
    page.keyboard.type("Добрый день")
    page.keyboard.press("Enter")
    expect(page.locator("#results .card").first).to_contain_text("Добрый день!")
    expect(page.locator("[aria-live], [role=status]").filter(has_text="10")).to_have_count(1)
    page.locator("input[name=from]:checked").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("input[name=from]").nth(1)).to_be_checked()
    page.locator("input[name=to][value=kbd]").focus()
    page.keyboard.press("Space")
    expect(page.locator("input[name=to][value=kbd]")).to_be_checked()
    expect(page.locator("input[name=to][value=kbd]")).to_be_focused()
    expect(page.locator("#results .card [lang]").first).to_have_attribute("lang", "kbd")


def test_escape_empties_the_box(open_page):
    page = open_page("/?q=Добрый день")
    page.locator("#q").press("Escape")
    expect(page.locator("#q")).to_have_value("")
    expect(page.locator("#q")).to_be_focused()
