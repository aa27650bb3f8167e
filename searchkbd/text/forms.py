"""The forms of a text: what is stored, what is matched, what a model reads.

A text has three forms that are never confused:

* the **stored form** is what the user gave, NFC, and is what is always shown;
* the **search key** is what lexical and fuzzy matching and deduplication compare:
  case-folded, with every spelling of the palochka folded to ``ӏ`` (U+04CF);
* the **model input** is what an encoder was trained on, which differs by encoder.

The Kabardian palochka is one letter with many spellings, because keyboards lack it: ``Ӏ ӏ``
(the right code points), Latin ``I i l``, the digit ``1``, ``|``, ``!``, Cyrillic ``І і``.
Each of them is also something else (a number, a roman numeral, a Latin letter, an exclamation
mark), so folding looks at the neighbours of a character and never at the character alone.

Every function here is pure, total on ``str`` and, where it folds, idempotent.
"""

from __future__ import annotations

import re
import unicodedata

PALOCHKA = "\u04cf"
"""The small palochka, to which search keys fold every spelling of the letter."""

# Cyrillic letters other than the palochka and its look-alike, the Ukrainian i.
_CYRILLIC = "\u0400-\u0405\u0407-\u0455\u0457-\u0481\u048a-\u04bf\u04c1-\u04ce\u04d0-\u052f"
_CYRILLIC_LETTER = re.compile(f"[{_CYRILLIC}]")

# Letters that stand for a palochka. The dotted and dotless i of Turkish are here because
# lower-casing by Turkish rules turns a Latin I into one of them; L is an upper-cased l.
_LETTER_LOOKALIKES = "IilL\u0130\u0131\u0406\u0456\u01c0"
_LOOKALIKES = _LETTER_LOOKALIKES + "1|!"
_ANY_PALOCHKA = "\u04c0" + PALOCHKA + _LOOKALIKES

_LATIN_TWINS = "ABCEHKMOPTXYaceopxy"
_TO_CYRILLIC = str.maketrans(_LATIN_TWINS, "АВСЕНКМОРТХУасеорху")

# A run of letters that mixes Cyrillic with Latin; digits and the rest end it, look-alikes do not.
_TOKEN = re.compile(rf"[{_CYRILLIC}\u04c0\u04cf\u0406\u0456A-Za-z\u0130\u0131\u01c0]+")
_LATIN = re.compile(r"[A-Za-z]")
_LATIN_FOREIGN = re.compile(rf"[A-Za-z](?<![{_LATIN_TWINS}IilL])")
_LONE_TWIN = re.compile(r"(?<![\w-])[aceoyACEOY](?![\w-])")
_LATIN_WORD = re.compile(r"[A-Za-z]{2}")
# Small roman numerals, as centuries are written; before a sign (ь, ъ) the x is the digraph хь, хъ.
_ROMAN = re.compile(r"(?i:x{0,3}(?:ix|iv|v?i{0,3}))(?=[^A-Za-zьъЬЪ]|$)")

_UNSETTLED = re.compile(rf"[{re.escape(_LOOKALIKES)}aceopxy\u0300\u0301]|\s\s|^\s|\s$")
_BANG_IN_WORD = re.compile(rf"[{_CYRILLIC}]![{_CYRILLIC}]")
_CANDIDATE = re.compile(f"[{re.escape(_ANY_PALOCHKA)}]+")
_EJECTIVE = frozenset("кщцптфлКЩЦПТФЛ")
_VOWEL = frozenset("аеиоуыэюяАЕИОУЫЭЮЯ")
_WORD_START_VOWEL = frozenset("эыуЭЫУ")
_NUMBER_PUNCTUATION = frozenset(".,-/:№+")

# Soft hyphen, zero-width space and joiners, word joiner, byte order mark: invisible, never text.
INVISIBLE = re.compile("[\u00ad\u200b\u200c\u200d\u2060\ufeff]")
SPACE = re.compile(r"\s+")
LINE_WRAP = re.compile(rf"(?<=[{_CYRILLIC}\u04cf\u04c0])-[ \t]*\r?\n[ \t]*(?=[{_CYRILLIC}\u04cf])")
STRESS = re.compile("[\u0300\u0301]")
# The two Turkish letters i: keys do not know the language, so they do not tell them apart.
_TURKISH_I = str.maketrans("\u0130\u0131", "ii")
TYPOGRAPHY = _TURKISH_I | str.maketrans(
    {
        **dict.fromkeys("«»“”„‟″", '"'),
        **dict.fromkeys("‘’‚‛′`´", "'"),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        "…": "...",
    }
)
_WORD = re.compile(r"\w+")
_FORGIVEN = re.compile(f"[{PALOCHKA}ё\u00c0-\u024f]")


def stored_form(text: str) -> str:
    """Return *text* as it is kept and shown: NFC, outer white space removed, else unchanged."""
    return unicodedata.normalize("NFC", text).strip()


def search_key(text: str) -> str:
    """Return the key under which two writings of one sentence are the same string.

    Case-folded; palochka spellings folded to ``ӏ``; Latin twins inside Cyrillic words made
    Cyrillic; soft hyphens, line-wrap hyphens and stress marks dropped; quotation marks, dashes
    and white space made plain. Punctuation, numbers, roman numerals and Latin words stay.
    """
    # The Turkish letters first: what is a roman numeral or a Latin word depends on an i beside it.
    clean = _plain(STRESS.sub("", unicodedata.normalize("NFC", text))).translate(_TURKISH_I)
    clean = fold_twins(clean).translate(TYPOGRAPHY)
    if "!" in clean:
        # What follows a "!" tells an exclamation from a palochka, and its case is part of that.
        clean = fold_palochka(clean)
    # Case-folding can leave decomposed text and can create twins (T is one, t is not), hence the
    # order: twins by their written case, palochka by the folded one.
    return fold_palochka(unicodedata.normalize("NFC", clean.casefold()))


def loose_key(text: str) -> str:
    """Return the key that forgives a missing palochka: the search key without palochka.

    Learners type Russian letters only (``щэныгъэ`` for ``щӏэныгъэ``). ``ё`` is ``е`` here and
    accents on Latin letters are dropped, for the same reason: people leave them out.
    """
    return loosen(search_key(text))


def loosen(key: str) -> str:
    """Return the loose key of a text whose search key is *key*."""
    loose = _forgive(key)
    if loose != key and _UNSETTLED.search(loose):
        # What was left out stood between characters that are now neighbours.
        return loosen(search_key(loose))
    return loose


def _forgive(key: str) -> str:
    if not _FORGIVEN.search(key):
        return key
    key = key.replace(PALOCHKA, "").replace("ё", "е")
    return "".join(
        unicodedata.normalize("NFD", char)[0] if "\u00c0" <= char <= "\u024f" else char
        for char in key
    )


def model_input(text: str, palochka: str = "I") -> str:
    """Return Kabardian *text* with its letter case kept and every palochka written *palochka*.

    LaBSE-kbd was trained on the Latin capital ``I``, hence the default.
    """
    return fold_palochka(fold_twins(_plain(text)), palochka)


def words(key: str) -> list[str]:
    """Return the runs of letters and digits in *key*, in order; hyphens separate."""
    return _WORD.findall(key)


def fold_twins(text: str) -> str:
    """Return *text* with Latin letters that look Cyrillic made Cyrillic inside Cyrillic words.

    Only in a word that has a Cyrillic letter and no Latin letter without a Cyrillic twin, so
    that Latin words, and Latin stems with a Cyrillic ending, stay as they are. A one-letter word
    (``a`` for ``а``) is folded in a Cyrillic text that has no Latin word.
    """
    if text.isascii() or not _LATIN.search(text):
        return text
    text = _TOKEN.sub(_fold_token, text)
    if _CYRILLIC_LETTER.search(text) and not _LATIN_WORD.search(text):
        text = _LONE_TWIN.sub(lambda match: match.group().translate(_TO_CYRILLIC), text)
    return text


def fold_palochka(text: str, to: str = PALOCHKA) -> str:
    """Return *text* with every spelling of the palochka replaced by *to*.

    A look-alike is a palochka next to a Cyrillic letter inside one word. A digit, bar or
    exclamation mark must satisfy more (see the source), since ``11-нэ``, ``1941``, ``да|нет``
    and ``щ!`` at a word's end are none. Runs of two or more look-alikes (``II``) never are.
    """
    if text.isascii():
        return text
    out: list[str] = []
    end = 0
    bang = _BANG_IN_WORD.search(text) is not None
    for match in _CANDIDATE.finditer(text):
        start, stop = match.span()
        if stop - start == 1 and _is_palochka(text, start, bang):
            out += (text[end:start], to)
            end = stop
    out.append(text[end:])
    return "".join(out)


def is_cyrillic(char: str) -> bool:
    """Return whether *char* is a Cyrillic letter or a palochka."""
    return bool(_CYRILLIC_LETTER.match(char)) or char in ("\u04c0", PALOCHKA)


def _plain(text: str) -> str:
    """NFC without invisible characters and line-wrap hyphens, white space made single."""
    text = unicodedata.normalize("NFC", INVISIBLE.sub("", text))
    if "\n" in text:
        text = LINE_WRAP.sub("", text)
    return SPACE.sub(" ", text).strip()


def _fold_token(match: re.Match[str]) -> str:
    token = match.group()
    if not _CYRILLIC_LETTER.search(token) or _LATIN_FOREIGN.search(token):
        return token
    roman = _ROMAN.match(token)
    keep = roman.end() if roman and roman.end() > 1 else 0
    return token[:keep] + token[keep:].translate(_TO_CYRILLIC)


def _is_palochka(text: str, at: int, bang: bool) -> bool:
    """Decide by the neighbours whether the lone look-alike at *at* stands for a palochka.

    *bang* says that the text writes the palochka as ``!`` inside some word.
    """
    char = text[at]
    if char == "\u04c0" or char == PALOCHKA:
        return True
    before = text[at - 1] if at else ""
    after = text[at + 1 : at + 2]
    cyrillic_before = bool(before) and bool(_CYRILLIC_LETTER.match(before))
    cyrillic_after = bool(after) and bool(_CYRILLIC_LETTER.match(after))
    if not (cyrillic_before or cyrillic_after):
        return False
    if char in _LETTER_LOOKALIKES:
        # Next to a Latin letter it belongs to a Latin word, or to a stem with a Cyrillic ending.
        return not (_is_latin_or_digit(before) or _is_latin_or_digit(after))
    if cyrillic_before and cyrillic_after:
        return char == "1" or before in _EJECTIVE or after in _VOWEL
    if cyrillic_before:
        long_enough = at >= 2 and bool(_CYRILLIC_LETTER.match(text[at - 2]))
        if after.isalnum() or before not in _EJECTIVE or not long_enough:
            return False
        # At a word's end "!" is an exclamation, unless this text writes its palochkas so; after
        # щ, in which nearly every Kabardian statement ends, the sentence must go on besides.
        return char != "!" or (bang and (before not in "щЩ" or _goes_on(text, at + 1)))
    if before.isalnum() or before in _NUMBER_PUNCTUATION or after not in _VOWEL:
        return False
    # "1а" is a school class, "1эщ" a word.
    return after in _WORD_START_VOWEL or bool(_CYRILLIC_LETTER.match(text[at + 2 : at + 3]))


def _goes_on(text: str, at: int) -> bool:
    rest = text[at : at + 3].lstrip()
    return bool(rest) and (rest[0] == "," or rest[0].islower())


def _is_latin_or_digit(char: str) -> bool:
    return bool(char) and char.isalnum() and not _CYRILLIC_LETTER.match(char)
