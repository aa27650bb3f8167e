"""The translation memory of Weblate: a JSON array of objects, read as a stream.

An object has ``source_language``, ``target_language``, ``source``, ``target``, ``origin``,
``category`` and maybe ``context`` and ``status``.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator

from searchkbd.corpus.decompress import DamagedError, byte_chunks, shown
from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.rows import RowReader
from searchkbd.corpus.sentence import MAX_RAW, CorpusError, Reject, Sentence

_REQUIRED = ("source_language", "target_language", "source", "target")
_OWN_FIELDS = frozenset({*_REQUIRED, "origin", "context"})
_HEAD = 1 << 16
# Where the next object begins, for finding the way on after one that is no JSON. No string of
# JSON has a line end in it.
_NEXT = re.compile(r"(?:\}\s*,|,[ \t\r]*\n)\s*(?=\{)")
_LONGEST_NEXT = 256
# Errors so near to the end of what was read may be due to the end.
_NEAR = 16
_JSON = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\r\n]*")


class _NotAUnit(ValueError):
    """Why an element of the array is not taken."""


def is_weblate(path: str) -> bool:
    """Return whether the file *path* begins as a memory of Weblate does."""
    head = b""
    try:
        for chunk in byte_chunks(path):
            head += chunk
            if len(head) >= _HEAD:
                break
    except DamagedError:
        return False
    try:
        text = _decoder(head).decode(head[:_HEAD])
    except UnicodeError:
        return False
    return text.lstrip("\ufeff \t\r\n").startswith("[") and '"source_language"' in text


def read_weblate(path: str, options: ReadOptions, rows: RowReader) -> Iterator[Sentence | Reject]:
    """Yield the two sentences of each object; a bad one is rejected and the rest is read.

    ``context`` and ``origin`` become those of the sentences; every other field is kept in
    ``unit["weblate"]``. Raises CorpusError when the file is no JSON array.
    """
    for line, raw, element, problem in _elements(path, options.encoding, options.max_line_chars):
        if problem:
            yield rows.reject(line, problem, raw)
            continue
        try:
            unit = _checked(element)
        except _NotAUnit as error:
            yield rows.reject(line, str(error), raw)
            continue
        # One object for both halves: what tells units on one line apart.
        about = {"weblate": {key: unit[key] for key in unit if key not in _OWN_FIELDS}}
        langs = [unit["source_language"], unit["target_language"]]
        for lang, text, suffix in zip(
            langs, (unit["source"], unit["target"]), rows.suffixes(langs), strict=True
        ):
            yield rows.sentence(
                line, raw, text, lang, suffix=suffix, origin=unit.get("origin") or "",
                context=unit.get("context") or None, unit=about,
            )  # fmt: skip


def _checked(element: object) -> dict:
    if not isinstance(element, dict):
        raise _NotAUnit("wrong type: an object is expected")
    for key in _REQUIRED:
        if key not in element:
            raise _NotAUnit(f"missing key: {key!r}")
    for key in _OWN_FIELDS & element.keys():
        if not isinstance(element[key], str) and (key in _REQUIRED or element[key] is not None):
            raise _NotAUnit(f"wrong type: {key!r} is not a string")
    for key in ("source_language", "target_language"):
        if not element[key].strip():
            raise _NotAUnit(f"no language: {key!r} is empty")
    return element


def _elements(
    path: str, encoding: str | None, max_chars: int
) -> Iterator[tuple[int, str, object, str | None]]:
    """Yield line number, text, value and what is wrong of each element of the array *path*."""
    text = _Text(path, encoding)
    if text.peek() != "[":
        raise CorpusError(
            f"{shown(path)} is not a JSON array of translation units, as Weblate exports them"
        )
    text.skip(1)
    while (first := text.peek()) not in ("]", ""):
        start = text.line
        try:
            value, raw = text.value(max_chars)
        except _NotAUnit as error:
            yield start, text.skip_element(), None, str(error)
            continue
        yield start, raw, value, None
        if text.peek() == ",":
            text.skip(1)
        elif text.peek() not in ("]", "", "{"):
            yield text.line, text.skip_element(), None, "bad JSON: no comma between objects"
    text.skip(1)
    if first == "" or text.damage:
        problem = text.damage or "the file ends too early"
        yield text.line, "", None, f"unreadable from here on: {problem}"
    elif text.peek():
        yield text.line, text.skip(MAX_RAW), None, "unreadable from here on: the array has ended"


def _decoder(head: bytes, encoding: str | None = None) -> codecs.IncrementalDecoder:
    # An undecodable byte becomes half of a surrogate pair, which no text may have.
    encoding = encoding or json.detect_encoding(head)
    return codecs.getincrementaldecoder(encoding)("surrogateescape")


class _Text:
    """The decoded text of a file, of which only what is not read yet is held."""

    def __init__(self, path: str, encoding: str | None) -> None:
        self._chunks = byte_chunks(path)
        self._encoding = encoding
        self._decoder: codecs.IncrementalDecoder | None = None
        self._buffer = ""
        self._at = 0
        self.line = 1
        self.damage = ""

    def more(self) -> bool:
        """Read on; return whether there was anything."""
        try:
            chunk = next(self._chunks, b"")
            self._decoder = self._decoder or _decoder(chunk, self._encoding)
            text = self._decoder.decode(chunk, final=not chunk)
        except DamagedError as error:
            self.damage = str(error)
            return False
        except UnicodeError as error:
            self.damage = f"it is not {error.encoding}"
            return False
        self._buffer = self._buffer[self._at :] + text
        self._at = 0
        return bool(chunk)

    def skip(self, count: int) -> str:
        """Leave *count* characters behind, and return them."""
        passed = self._buffer[self._at : self._at + count]
        self.line += passed.count("\n")
        self._at += len(passed)
        return passed

    def peek(self) -> str:
        """Return the next character that is no white space, ``""`` at the end."""
        while True:
            self.skip(_SPACE.match(self._buffer, self._at).end() - self._at)
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self.more():
                return ""

    def value(self, max_chars: int) -> tuple[object, str]:
        """Return the JSON value that begins here and its text; _NotAUnit when there is none."""
        while True:
            try:
                value, end = _JSON.raw_decode(self._buffer, self._at)
            except json.JSONDecodeError as error:
                at_end = len(self._buffer) - error.pos < _NEAR or error.msg.startswith("Unterm")
                if len(self._buffer) - self._at > max_chars:
                    raise _NotAUnit(f"too long: more than {max_chars} characters") from None
                if at_end and self.more():
                    continue
                raise _NotAUnit(f"bad JSON: {error.msg}") from None
            except RecursionError:
                raise _NotAUnit("bad JSON: nested too deeply") from None
            except ValueError:  # Python refuses to convert it
                raise _NotAUnit("bad JSON: a number has too many digits") from None
            if end < len(self._buffer) or not self.more():  # a number may go on
                return value, self.skip(end - self._at)

    def skip_element(self) -> str:
        """Go on to where the next object seems to begin; return how what is skipped begins."""
        raw = ""
        while not (found := _NEXT.search(self._buffer, self._at)):
            raw += self.skip(max(0, len(self._buffer) - self._at - _LONGEST_NEXT))
            raw = raw[:MAX_RAW]
            if not self.more():
                rest = self._buffer[self._at :].rstrip()
                return raw + self.skip(len(rest) - rest.endswith("]"))
        return raw + self.skip(found.end() - self._at)
