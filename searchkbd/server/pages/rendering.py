"""Pages as HTML: templates with everything escaped, in the reader's language."""

from __future__ import annotations

import re
from functools import cache
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from searchkbd.corpus.machine import is_machine
from searchkbd.server.pages.assets import asset_path
from searchkbd.server.pages.labels import UI_LANGUAGES, labels_for
from searchkbd.text.languages import LANGUAGES

FRAGMENT = "X-Fragment"
"""The header by which the script of a page asks for the results alone, and is told that it has
them."""

_SPACE = re.compile(r"\s")
_COOKIE_SECONDS = 365 * 24 * 3600
_MAX_PATH = 300


@cache
def templates() -> Environment:
    """Return the templates of ``server/templates``. What is not there is an error, not nothing."""
    environment = Environment(
        loader=PackageLoader("searchkbd.server"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["segment"] = lambda text: quote(text, safe="")
    environment.filters["query"] = urlencode
    environment.filters["language_class"] = language_class
    environment.filters["one_line"] = lambda text: _SPACE.sub(" ", text)
    environment.globals["is_machine"] = is_machine
    environment.globals["UI_LANGUAGES"] = UI_LANGUAGES
    return environment


def language_class(code: str) -> str:
    """Return the class that gives an element the colour of a language (static/style.css)."""
    return f"lang-{code if code in LANGUAGES else 'other'}"


def wants_fragment(request: Request) -> bool:
    """Return whether the results alone are asked for, without the page around them."""
    return request.headers.get(FRAGMENT) == "1"


def render(request: Request, name: str, *, status: int = 200, **context: object) -> HTMLResponse:
    """Return the answer made of the template *name*.

    Beside *context*, a template has ``t(key, ...)``, ``number(n)`` and ``language(code)``
    (:mod:`searchkbd.server.pages.labels`), ``ui``, the language of the labels, ``base``, the path
    that the server is under, ``asset(name)``, and the address asked for: ``path``, ``params``.
    The frame around all pages takes ``tab``, which of them this is, and ``query``.
    """
    labels = labels_for(request)
    base = request.scope.get("root_path", "")
    params = request.query_params.multi_items()
    template = templates().get_template(name)
    html = template.render(
        t=labels,
        number=labels.number,
        language=labels.language,
        ui=labels.ui,
        base=base,
        asset=lambda file: base + asset_path(file),
        path=_path(request, base),
        params=[(key, value) for key, value in params if key != "ui"],
        **{"tab": "", "query": "", **context},
    )
    response = HTMLResponse(html, status)
    response.headers["Vary"] = f"{FRAGMENT}, Cookie, Accept-Language"
    # A browser that goes back must not show a fragment as if it were the page.
    response.headers["Cache-Control"] = "no-store" if wants_fragment(request) else "no-cache"
    if request.query_params.get("ui") == labels.ui:
        response.set_cookie(
            "ui", labels.ui, max_age=_COOKIE_SECONDS, path=base or "/", httponly=True,
            samesite="lax",
        )  # fmt: skip
    return response


def render_page(
    request: Request, name: str, *, status: int = 200, **context: object
) -> HTMLResponse:
    """Return a page of which *name* is the template and ``NAME_results.html`` the fragment."""
    if not wants_fragment(request):
        return render(request, f"{name}.html", status=status, **context)
    response = render(request, f"{name}_results.html", status=status, **context)
    response.headers[FRAGMENT] = "1"
    return response


def _path(request: Request, base: str) -> str:
    """Return the path asked for, as it is written in an address, the root path included."""
    path = request.scope["path"]
    if not path.startswith(f"{base}/"):
        path = base + path
    # Two slashes at the start would be the address of another host.
    return "/" + quote(path[:_MAX_PATH].lstrip("/"))
