"""Repair of mojibake: text whose UTF-8 bytes were read in another encoding.

``–ñ–∏–∑–Ω—å`` is ``Жизнь`` read as Mac Roman, ``Р–РёР·РЅСЊ`` the same read as Windows-1251.
ftfy restores most such text, but it takes Cyrillic read as Mac Roman, Mac Cyrillic or DOS 866
for dashes and letters that may be meant. Here Cyrillic is restored first, and only on evidence
that clean text does not give; the rest is left to ftfy.

Not repaired, because clean French and Turkish look the same: text whose *single-byte* encoding
was read as another (``Ïðèâåò``).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

# Encodings in which UTF-8 Cyrillic is found misread, the most frequent first.
_CODECS = ("mac_roman", "cp1251", "cp866", "mac_cyrillic", "cp437")

# What a restored text may contain: the alphabets of the five languages and their punctuation.
_CYRILLIC = "".join(map(chr, range(0x410, 0x450))) + "ЁёӀӏІі"
_LATIN = "ÀÂÆÇÈÉÊËÎÏÔŒÙÛÜŸàâæçèéêëîïôœùûüÿÖöĞğİıŞş"
_SIGNS = "\u00a0\u00ad«»°·§¿¡“”„‘’‚–—…№•\u0300\u0301\u2011\u202f−"

# What ftfy may find behind damage: also the letters of other languages in these scripts.
_EUROPEAN = frozenset(map(chr, [*range(0x250), *range(0x300, 0x370), *range(0x400, 0x530)]))
_EUROPEAN |= frozenset(map(chr, range(0x2010, 0x2060))) | frozenset("€№™\ufeff")

# A cheap sign of damage: a first byte of a UTF-8 sequence and a continuation byte, side by side,
# as each wrong encoding shows them; or a C1 control character, which no text has.
_LATIN_1_HEADS = "ÂÃÄÅÌÐÑÒÓâï"
_LATIN_1_TAILS = "\u0080-\u00bfŒœŠšŽžŸƒˆ˜–—‘’‚“”„†‡•…‰‹›€™"
_SUSPICIOUS: re.Pattern[str]

_MAX_PASSES = 3


def repair(text: str) -> str:
    """Return *text* with mojibake undone, or *text* itself when it shows none.

    Damage done twice is undone twice. Total and pure; white space is not touched, since a
    no-break space can be half of a damaged letter: strip afterwards, not before.
    """
    if text.isascii() or not _SUSPICIOUS.search(text):
        return text
    # An old Mac table maps Ω to the Ohm sign; composed forms are those that the tables know.
    damaged = unicodedata.normalize("NFC", text)
    repaired = damaged
    for _ in range(_MAX_PASSES):
        previous = repaired
        repaired = _with_ftfy(_cyrillic(previous))
        if repaired == previous:
            break
    return text if repaired == damaged else repaired


@dataclass(frozen=True, slots=True)
class _Misreading:
    """How UTF-8 looks when it is read in one wrong encoding.

    ``characters`` maps what is seen to what was meant; ``sequence`` finds candidates for its
    keys; ``word`` finds two Cyrillic letters in a row, which is the evidence for damage.
    """

    characters: dict[str, str]
    sequence: re.Pattern[str]
    word: re.Pattern[str]

    @classmethod
    def of(cls, codec: str) -> _Misreading:
        seen = {char: _read_as(char.encode(), codec) for char in _CYRILLIC + _LATIN + _SIGNS}
        characters = {wrong: char for char, wrong in seen.items()}
        letters = "|".join(re.escape(seen[char]) for char in _CYRILLIC)
        sequence = "|".join(re.escape(wrong) for wrong in sorted(characters, key=len)[::-1])
        return cls(characters, re.compile(sequence), re.compile(f"(?:{letters}){{2}}"))

    def undo(self, text: str) -> str:
        return self.sequence.sub(lambda match: self.characters[match.group()], text)

    def explains(self, text: str) -> bool:
        """Return whether *text* shows what clean text does not.

        Either two damaged Cyrillic letters in a row, or nothing but damaged Cyrillic letters
        (at least two) where each stands alone: ``–∏ —è`` is ``и я``.
        """
        if self.word.search(text):
            return True
        undone = self.undo(text)
        cyrillic = sum(char in _CYRILLIC for char in undone)
        rest = self.sequence.sub("", text)
        return cyrillic >= 2 and rest.isascii() and not any(map(str.isalnum, rest))


@cache
def _misreading(codec: str) -> _Misreading:
    return _Misreading.of(codec)


def _read_as(encoded: bytes, codec: str) -> str:
    """Decode byte by byte; a byte that the table lacks becomes the control character."""
    out = []
    for byte in encoded:
        try:
            out.append(bytes([byte]).decode(codec))
        except UnicodeDecodeError:
            out.append(chr(byte))
    return "".join(out)


def _cyrillic(text: str) -> str:
    # The encodings share characters (Mac Roman and Mac Cyrillic most of their signs): the right
    # one explains most of the text, so it leaves the shortest.
    misreadings = [m for m in map(_misreading, _CODECS) if m.explains(text)]
    return min((m.undo(text) for m in misreadings), key=len, default=text)


def _with_ftfy(text: str) -> str:
    if text.isascii() or not _SUSPICIOUS.search(text):
        return text
    import ftfy  # 110 ms to import, and clean text never needs it

    fixed = ftfy.fix_encoding(text, _ftfy_config())
    # ``hâlâ»…`` would become Chinese, which no damage to our languages hides.
    return fixed if _EUROPEAN.issuperset(set(fixed) - set(text)) else text


@cache
def _ftfy_config():
    from ftfy import TextFixerConfig

    # Only what makes other bytes of the same text; nothing that tidies clean text, and no
    # guessing where characters were lost.
    return TextFixerConfig(
        unescape_html=False,
        remove_terminal_escapes=False,
        fix_encoding=True,
        restore_byte_a0=True,
        replace_lossy_sequences=False,
        decode_inconsistent_utf8=True,
        fix_c1_controls=True,
        fix_latin_ligatures=False,
        fix_character_width=False,
        uncurl_quotes=False,
        fix_line_breaks=False,
        fix_surrogates=False,
        remove_control_chars=False,
        normalization=None,
        explain=False,
    )


def _suspicious() -> re.Pattern[str]:
    tails = bytes(range(0x80, 0xC0))
    # First bytes of Cyrillic letters and the palochka; of Latin letters with marks.
    cyrillic, latin = b"\xd0\xd1\xd3", b"\xc2\xc3\xc4\xc5"
    pairs = {codec: cyrillic for codec in _CODECS}
    pairs |= {"mac_roman": cyrillic + latin, "cp1251": cyrillic + latin, "cp437": cyrillic + latin}
    heads = "".join(_read_as(head, codec) for codec, head in pairs.items())
    options = [
        f"(?<=[{re.escape(_read_as(head, codec))}])[{re.escape(_read_as(tails, codec))}]"
        for codec, head in pairs.items()
    ]
    options.append(f"(?<=[{_LATIN_1_HEADS}])[{_LATIN_1_TAILS}]")
    # First two bytes of dashes, quotation marks and the like.
    for codec in ("cp1252", "mac_roman", "cp1251", "cp437"):
        heads += _read_as(b"\xe2", codec)
        first, second = _read_as(b"\xe2\x80", codec)
        options.append(f"(?<={first}){second}")
    # One class first, then the rest: the search for a class is fast, a list of pairs is not.
    some_head = f"[{re.escape(heads)}{_LATIN_1_HEADS}]"
    return re.compile(f"{some_head}(?:{'|'.join(options)})|[\u0080-\u009f]")


_SUSPICIOUS = _suspicious()
