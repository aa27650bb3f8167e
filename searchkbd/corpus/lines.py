"""The lines of a text file, numbered, whatever its encoding; a bad line is told, not raised."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain

from searchkbd.corpus.decompress import DamagedError, byte_chunks, shown
from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.sentence import MAX_RAW, CorpusError

Line = tuple[int, str, str | None]
"""Line number from 1, the text without its line end, and why it is unusable (or None)."""

_HEAD = 1 << 16
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark begins it
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Bytes that cannot be decoded become U+DC00 + byte, which no decoded text contains.
_ESCAPED = re.compile("[\udc00-\udcff]")
_EUROPEAN = re.compile("[\\t\\n\\r -~\u00a0-\u052f\u1e00-\u206f]")
_LINE_END = re.compile(rb"\r\n|\r|\n")


UNDECODABLE = "searchkbd.escape"
"""The error handler (PEP 293) under which bytes that cannot be decoded become U+DC00 + byte."""


def _escape(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    bad = error.object[error.start : error.end]
    return "".join(chr(0xDC00 + byte) for byte in bad), error.end


codecs.register_error(UNDECODABLE, _escape)


def text_lines(path: str, options: ReadOptions) -> Iterator[Line]:
    r"""Yield the lines of the file *path*, decompressed and decoded.

    Line ends are ``\n``, ``\r\n`` and ``\r`` and nothing else. A line that cannot be decoded,
    has a NUL or is longer than ``options.max_line_chars`` comes with the reason, at most
    :data:`MAX_RAW` characters of it; so does the end of damaged compressed data.

    Raises :class:`CorpusError` when the file is empty, cannot be read at all, or is mostly in
    an encoding that nobody named.
    """
    chunks = byte_chunks(path)
    name = shown(path)
    head = b""
    damage = ""
    try:
        for chunk in chunks:
            head += chunk
            if len(head) >= _HEAD:
                break
    except DamagedError as error:
        if not head:
            raise CorpusError(f"{name} cannot be read: {error}") from None
        damage = str(error)
    encoding, skip = text_encoding(head, name, options.encoding)
    if len(head) == skip:
        raise CorpusError(f"{name} is empty")
    decoder = codecs.getincrementaldecoder(encoding)(UNDECODABLE)
    splitter = _Splitter(encoding, options.max_line_chars)
    try:
        try:
            for chunk in chain([head[skip:]], chunks):
                yield from splitter.feed(decoder.decode(chunk))
        except DamagedError as error:
            damage = str(error)
        if damage:
            yield splitter.broken_off(f"unreadable from here on: {damage}")
        else:
            yield from splitter.feed(decoder.decode(b"", final=True), final=True)
    except UnicodeError as error:  # some codecs ignore error handlers
        raise CorpusError(f"{name} cannot be read as {encoding}: {error}") from None


class _Splitter:
    """Cuts decoded text, which comes in pieces, into lines."""

    def __init__(self, encoding: str, max_chars: int) -> None:
        self._name = encoding.upper()
        self._max = max_chars
        self._number = 0
        self._carry = ""
        self._too_long = ""  # the beginning of a line that is being skipped

    def feed(self, text: str, final: bool = False) -> Iterator[Line]:
        data = self._carry + text
        held = ""
        if data.endswith("\r") and not final:
            # The other half of \r\n may come with the next piece.
            data, held = data[:-1], "\r"
        if "\r" in data:
            data = data.replace("\r\n", "\n").replace("\r", "\n")
        lines = data.split("\n")
        last = lines.pop()
        if final and (last or self._too_long):
            lines.append(last)
            last = ""
        suspect = len(data) > self._max or self._too_long or "\0" in data or _is_escaped(data)
        for line in lines:
            self._number += 1
            if suspect:
                yield self._checked(line)
            else:
                yield self._number, line, None
        if len(last) > self._max or self._too_long:
            self._too_long = self._too_long or last[:MAX_RAW]
            last = ""
        self._carry = last + held

    def broken_off(self, reason: str) -> Line:
        """Return the unfinished line, unusable for *reason*."""
        return self._number + 1, _shown(self._too_long or self._carry), reason

    def _checked(self, line: str) -> Line:
        number = self._number
        if self._too_long or len(line) > self._max:
            start, self._too_long = self._too_long or line, ""
            return number, _shown(start), f"line too long: more than {self._max} characters"
        escaped = _ESCAPED.search(line)
        if escaped:
            where = ""
            if self._name == "UTF-8":
                where = f": byte {len(line[: escaped.start()].encode()) + 1} of the line"
            return number, _shown(line), f"not {self._name}{where}"
        if "\0" in line:
            return number, _shown(line), "NUL byte"
        return number, line, None


def _is_escaped(text: str) -> bool:
    if text.isascii():
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _shown(line: str) -> str:
    r"""The beginning of *line* with undecodable bytes and NULs written ``\xNN``."""
    return _ESCAPED.sub(
        lambda match: f"\\x{ord(match.group()) - 0xDC00:02x}", line[:MAX_RAW]
    ).replace("\0", "\\x00")


def text_encoding(head: bytes, name: str, named: str | None) -> tuple[str, int]:
    """Return the codec for a file that begins with *head*, and the length of its mark."""
    for bom, codec in _BOMS:
        if head.startswith(bom) and (named is None or _same_family(named, codec)):
            return codec, len(bom)
    if named is not None:
        return _named_codec(named), 0
    guess = _utf16_without_mark(head)
    if guess:
        return guess, 0
    _insist_on_utf8(head, name)
    return "utf-8", 0


def _same_family(named: str, codec: str) -> bool:
    # "utf-16" names both byte orders, "utf-8" and "utf-8-sig" the same encoding.
    return codec.startswith(_named_codec(named).removesuffix("-sig"))


def _named_codec(named: str) -> str:
    name = known_codec(named)
    if name is None:
        raise CorpusError(
            f"unknown encoding {named!r} (expected one like utf-8, cp1251, utf-16 or mac-cyrillic)"
        )
    return name


def known_codec(named: str) -> str | None:
    """Return Python's name of the text encoding *named*, None if there is none that streams."""
    info = None
    with suppress(LookupError, ValueError):
        with suppress(UnicodeError):
            b"a".decode(named)  # a LookupError for what is a codec but not a text encoding
        info = codecs.lookup(named)
    return info.name if info is not None and info.incrementaldecoder is not None else None


def _utf16_without_mark(head: bytes) -> str | None:
    """UTF-16 text has a zero byte in every space, digit and line end, all on the same side."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    if len(head) < 4 or (even > 0) == (odd > 0):
        return None
    codec = "utf-16-be" if even else "utf-16-le"
    try:
        text = codecs.getincrementaldecoder(codec)().decode(head)
    except UnicodeDecodeError:
        return None
    # One stray NUL in UTF-8 gives the same sign, but then the rest becomes Chinese.
    return codec if len(_EUROPEAN.findall(text)) > 0.9 * len(text) else None


def _insist_on_utf8(head: bytes, name: str) -> None:
    """Raise CorpusError if most lines of *head* are not UTF-8."""
    if head.isascii():
        return
    lines = _LINE_END.split(head)
    if len(head) >= _HEAD and len(lines) > 1:
        lines.pop()  # it may end in the middle of a letter
    bad = [number for number, line in enumerate(lines, 1) if not _is_utf8(line)]
    if len(bad) * 2 > sum(map(bool, lines)):
        raise CorpusError(
            f"{name} is not UTF-8 (see line {bad[0]}); say which encoding it is in, "
            "for example --encoding cp1251"
        )


def _is_utf8(line: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(line, final=len(line) < _HEAD)
    except UnicodeDecodeError:
        return False
    return True
