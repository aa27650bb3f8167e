"""Language codes: one code a language, however it was tagged."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

LANGUAGES: tuple[str, ...] = ("kbd", "ru", "en", "fr", "tr")
"""The languages that the encoder was made for, in the order in which they are reported."""

NAMES: Mapping[str, str] = MappingProxyType(
    {
        "kbd": "Kabardian",
        "ru": "Russian",
        "en": "English",
        "fr": "French",
        "tr": "Turkish",
        "ady": "Adyghe",
        "other": "another language",
    }
)
"""English names of :data:`LANGUAGES` and of the two further answers of the identifier."""

# ISO 639-1, 639-2/B, 639-2/T and 639-3 codes of the five, so that no row needs a library for them.
_OURS = {
    "kbd": "kbd",
    "ru": "ru",
    "rus": "ru",
    "en": "en",
    "eng": "en",
    "fr": "fr",
    "fra": "fr",
    "fre": "fr",
    "tr": "tr",
    "tur": "tr",
}
_SIMPLE_TAG = re.compile(r"([a-z]{2,3})(?:-[a-z]{4})?(?:-(?:[a-z]{2}|[0-9]{3}))?")
_CODE = re.compile(r"[a-z]{2,3}")
# Registered codes which say that a text is in no, several or an unknown language (BCP 47, 4.1).
_NO_LANGUAGE = frozenset({"und", "mul", "zxx"})
# The longest tag of RFC 5646, section 4.4.1, is 35 characters.
_LONGEST = 35


class UnknownLanguageError(ValueError):
    """A string that names no language."""


@lru_cache(maxsize=1024)
def normalize_language(tag: str) -> str:
    """Return the short code of the language that *tag* names.

    *tag* is an ISO 639 code or a BCP 47 tag in any case, with ``-`` or ``_`` between its parts;
    script and region are dropped (``ru_RU`` is ``ru``, ``KBD-Cyrl-RU`` is ``kbd``). A language
    outside :data:`LANGUAGES` gets its canonical shortest code (``deu`` is ``de``, ``ady`` stays).

    Raises :class:`UnknownLanguageError` for what is not a registered tag and for ``und``,
    ``mul`` and ``zxx``, which say that the language is unknown, several or none.
    """
    folded = tag.strip().lower().replace("_", "-")
    simple = _SIMPLE_TAG.fullmatch(folded)
    if simple and simple[1] in _OURS:
        return _OURS[simple[1]]
    return _registered(tag, folded)


def _registered(tag: str, folded: str) -> str:
    if not folded:
        raise UnknownLanguageError("an empty string is not a language code")
    if len(folded) > _LONGEST:
        raise UnknownLanguageError(
            f"not a language code: {folded[:_LONGEST]!r}... has more than {_LONGEST} characters"
        )
    # A slow import, and needed only for the languages that are not ours.
    from langcodes import Language
    from langcodes.tag_parser import LanguageTagError

    try:
        language = Language.get(folded)
    except LanguageTagError:
        raise UnknownLanguageError(
            f"not a language code: {tag!r} (expected one like kbd, ru, eng or tr-TR)"
        ) from None
    code = language.language
    if code is None or code in _NO_LANGUAGE:
        raise UnknownLanguageError(f"{tag!r} does not name the language of a sentence")
    if not _CODE.fullmatch(code) or not Language.get(code).is_valid():
        raise UnknownLanguageError(f"{tag!r} is not a registered language code")
    return _OURS.get(code, code)
