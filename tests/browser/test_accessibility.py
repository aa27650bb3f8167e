"""axe finds nothing in any page or state, in light, in dark and on a phone."""

from __future__ import annotations

import pytest
from browsing import map_points, violations

LOOKS = {
    "light": {"color_scheme": "light"},
    "dark, in Russian": {"color_scheme": "dark", "locale": "ru-RU"},
    "phone": {
        "color_scheme": "light", "viewport": {"width": 360, "height": 740}, "is_mobile": True,
        "has_touch": True,
    },
}  # fmt: skip

PAGES = {
    "search": "/",
    "hits": "/?q=Фӏыщӏэ ин пхузощӏ",
    "some languages": "/?q=Сегодня холодно&from=ru&to=kbd&to=tr",
    "not searchable": "/?q=???",
    "memory": "/memory",
    "matches": "/memory?q=Как же идут твои дела?&from=ru&to=kbd",
    "no match": "/memory?q=zzzz qqqq&from=ru&to=kbd",
    "concordance": "/concordance",
    "lines": "/concordance?q=пщэдей|нобэ",
    "sorted": "/concordance?q=махуэ&sort=left&lang=kbd&to=ru",
    "no line": "/concordance?q=zzzzqqqq",
    "overview": "/overview",
    "sentence": "/sentences/p0004-kbd",
    "not found": "/nowhere",
    "no sentence": "/sentences/nowhere",
}


# On a phone only the layout is another.
ON_A_PHONE = ("hits", "matches", "lines", "overview", "sentence")


@pytest.mark.parametrize("look", LOOKS)
def test_no_violations(open_page, expected, look):
    expected += ["404", "422"]
    page = open_page(**LOOKS[look])
    found = {}
    for name, path in PAGES.items():
        if look == "phone" and name not in ON_A_PHONE:
            continue
        page.goto(path)
        if name == "overview":
            map_points(page)
        if wrong := violations(page):
            found[name] = wrong
    assert not found, "\n\n".join(f"{name}:\n{wrong}" for name, wrong in found.items())


@pytest.mark.parametrize("look", ["light", "dark, in Russian"])
def test_no_violations_in_what_opens(open_page, look):
    page = open_page("/?q=Фӏыщӏэ ин пхузощӏ", **LOOKS[look])
    page.locator("#ui summary").click()
    page.locator("#results [data-copy]").first.click()
    menu = violations(page)
    page.goto("/overview")
    map_points(page).nth(17).hover(force=True)
    page.locator("#map-tip").wait_for()
    assert not menu + violations(page)
