"""The words of the pages in the language of whoever reads them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

from starlette.requests import Request

UI_LANGUAGES: Mapping[str, str] = MappingProxyType(
    {"en": "English", "ru": "Русский", "tr": "Türkçe", "fr": "Français", "kbd": "Адыгэбзэ"}
)
"""The languages of the labels, each by its own name."""

DEFAULT = "en"
PARAMETER = "ui"
"""The parameter of an address, and the cookie, that choose the language of the labels."""

_HEADER_READ = 500  # characters of Accept-Language, which a client may make as long as it likes


def _english(n: float) -> str:
    return "one" if n == 1 else "other"


def _french(n: float) -> str:
    if 0 <= n < 2:
        return "one"
    # "1 000 000 de phrases"
    return "many" if n == int(n) and n % 1_000_000 == 0 else "other"


def _russian(n: float) -> str:
    if n != int(n):
        return "other"
    if n % 10 == 1 and n % 100 != 11:
        return "one"
    return "few" if 2 <= n % 10 <= 4 and not 12 <= n % 100 <= 14 else "many"


# The plural rules of the CLDR (unicode.org/cldr/charts/latest/supplemental/
# language_plural_rules.html). It has none for Kabardian, some of whose labels are Russian.
_PLURAL: Mapping[str, Callable[[float], str]] = {
    "en": _english, "ru": _russian, "tr": _english, "fr": _french, "kbd": _russian,
}  # fmt: skip
_CATEGORIES = {"one", "few", "many", "other"}

# What stands between thousands, and before a fraction (CLDR); the spaces do not break.
_MARKS = {
    "en": (",", "."), "ru": ("\u00a0", ","), "tr": (".", ","), "fr": ("\u202f", ","),
    "kbd": ("\u00a0", ","),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels in the language *ui*; called with a key and values, it gives a text."""

    ui: str

    def __call__(self, key: str, **values: object) -> str:
        """Return the text *key* (``section.name``), with *values* in their places.

        Where the text has plural forms, ``n`` chooses among them. Numbers are written as
        :meth:`number` does. Raises KeyError for what is not in the files of ``server/locales``.
        """
        text = labels_in(self.ui)[key]
        if not isinstance(text, str):
            number = values["n"]
            assert isinstance(number, int | float)
            form = _PLURAL[self.ui](abs(number))
            text = text.get(form) or text["other"]
        written = {
            name: self.number(value) if _is_number(value) else value
            for name, value in values.items()
        }
        return text.format_map(written)

    def number(self, value: float, digits: int = 0) -> str:
        """Return *value* with *digits* after the point, as the language writes numbers."""
        thousands, point = _MARKS[self.ui]
        whole, _, fraction = f"{value:,.{digits}f}".partition(".")
        return whole.replace(",", thousands) + (point + fraction if fraction else "")

    def language(self, code: str) -> str:
        """Return the name of a language, or its code where no name is known."""
        name = labels_in(self.ui).get(f"languages.{code}", code)
        assert isinstance(name, str)
        return name


def labels_for(request: Request) -> Labels:
    """Return the labels that *request* asks for: by ``?ui=``, the cookie ``ui``, or what the
    browser says that its user reads; English else."""
    for asked in (request.query_params.get(PARAMETER), request.cookies.get(PARAMETER)):
        if asked in UI_LANGUAGES:
            return Labels(asked)
    return Labels(_preferred(request.headers.get("accept-language", "")[:_HEADER_READ]))


@cache
def labels_in(ui: str) -> Mapping[str, str | Mapping[str, str]]:
    """Return all labels of a language by ``section.name``; a mapping is one with plural forms."""
    file = resources.files("searchkbd.server") / "locales" / f"{ui}.json"
    return MappingProxyType(dict(_flat("", json.loads(file.read_text(encoding="utf-8")))))


def _flat(prefix: str, tree: Mapping[str, Any]) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in tree.items():
        if isinstance(value, str) or ("other" in value and value.keys() <= _CATEGORIES):
            found.append((prefix + name, value))
        else:
            found += _flat(f"{prefix}{name}.", value)
    return found


def _preferred(header: str) -> str:
    """Return the language of the labels that Accept-Language (RFC 9110, 12.5.4) likes best."""
    best, chosen = 0.0, DEFAULT
    for part in header.split(","):
        tag, *parameters = (piece.strip().lower() for piece in part.split(";"))
        code = tag.split("-")[0]
        quality = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    quality = float(parameter[2:])
                except ValueError:
                    quality = 0.0
        if code in UI_LANGUAGES and best < quality <= 1:
            best, chosen = quality, code
    return chosen


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
