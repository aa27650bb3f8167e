"""An XML file of translation units, cut into its units without parsing it as a whole.

An XML parser stops at the first error, keeps what it has read and obeys what a file says of
itself. So the text is cut first, at the tags of units, by a scan that knows comments, CDATA
sections, processing instructions and the DOCTYPE, and each unit is parsed on its own. One that is
damaged does not touch the next, memory is bounded by the longest unit, and no parser ever sees
a DOCTYPE, so there are no entities to expand and nothing to fetch.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from searchkbd.corpus.decompress import DamagedError, shown
from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.sentence import MAX_RAW, CorpusError
from searchkbd.corpus.xml_text import xml_text

UNIT_FACTOR = 50
"""How many times longer than the longest text a unit may be, its markup included."""

MAX_PROLOGUE = 1 << 24
"""Characters that may stand before the root element."""

MAX_GAP = 1 << 28
"""Characters after which a file without the end of another unit is given up."""

_NAME = r"[\w.-]{1,32}"
_LONGEST_TOKEN = 128
_TERMINATORS = {"!--": "-->", "![CDATA[": "]]>", "?": "?>"}
_KINDS = {"!--": "comment", "![CDATA[": "CDATA section", "?": "processing instruction"}
_START_TAG = re.compile(r"""<(?:[^<>"']|"[^"<]*"|'[^'<]*')*>""")
_IN_DOCTYPE = re.compile(r"""["'\[\]>]|<!--|<\?""")
_UNDECODABLE = re.compile("[\udc00-\udcff]")


@dataclass(frozen=True, slots=True)
class Dialect:
    """The names of a format's elements: its root, its units, and those between that matter."""

    name: str
    root: str
    units: tuple[str, ...]
    containers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """A unit, or the start tag of another element of the dialect (``name``), or a ``problem``."""

    line: int
    name: str
    text: str
    problem: str = ""

    @property
    def raw(self) -> str:
        r"""The beginning of the text for a reject, undecodable bytes written ``\xNN``."""
        return _UNDECODABLE.sub(
            lambda match: f"\\x{ord(match[0]) - 0xDC00:02x}", self.text[:MAX_RAW]
        )


def xml_pieces(path: str, options: ReadOptions, dialect: Dialect) -> Iterator[Piece]:
    """Yield the pieces of the file *path* in their order.

    The texts of units are not checked: one without its end tag goes to the start of the next.
    Raises :class:`CorpusError` when the file is not of the dialect, or as
    :func:`~searchkbd.corpus.xml_text.xml_text` does.
    """
    yield from _Scanner(path, options, dialect).pieces()


class _Scanner:
    """Looks for the tags of a dialect in a text of which a window is held.

    ``_at`` is where the scan goes on in the window, ``_unit`` where the unit begins that is being
    read, ``_long`` the beginning of one that is too long to be held.
    """

    def __init__(self, path: str, options: ReadOptions, dialect: Dialect) -> None:
        self._name = shown(path)
        self._texts = xml_text(path, options)
        self._dialect = dialect
        self._limit = UNIT_FACTOR * options.max_chars
        self._token = _tokens(dialect, f"(?:{_NAME}:)?")
        self._window = ""
        self._at = 0
        self._offset = 0  # of the window in the text
        self._line = 1
        self._counted = 0  # up to where in the window lines are counted
        self._unit: int | None = None
        self._unit_line = 0
        self._long: str | None = None
        self._root = ""  # "open" from the root's start tag on, "closed" from its end tag on
        self._doctype = False
        self._since = 0  # offset of the last piece
        self._none_before = dict.fromkeys(_TERMINATORS, 0)
        self._end = ""  # why there is no more text

    def pieces(self) -> Iterator[Piece]:
        while True:
            token = self._token.search(self._window, self._at)
            if token is None:
                # The last characters may be the beginning of a tag.
                self._at = max(self._at, len(self._window) - _LONGEST_TOKEN)
                if not self._more():
                    break
            elif token["special"]:
                yield from self._special(token)
            elif token["end"]:
                yield from self._end_tag(token)
            elif token["name"] in self._dialect.units and self._root:
                yield from self._cut(token.start())
                self._unit, self._unit_line = token.start(), self._line_at(token.start())
                self._at = token.end()
            else:
                yield from self._start_tag(token)
        yield from self._last()

    def _special(self, token: re.Match[str]) -> Iterator[Piece]:
        """Skip a comment or the like; one without an end is taken for text."""
        kind = token["special"]
        if self._long is not None:
            end: int | None = token.end()
        elif kind == "!DOCTYPE":
            end = token.end() if self._root or self._doctype else self._doctype_end(token.end())
        else:
            end = self._terminator(kind, token.end())
        self._at = token.start() if end is None else end
        if end is not None:
            self._doctype = self._doctype or kind == "!DOCTYPE"
            return
        if len(self._window) - token.start() <= self._limit and self._more():
            return
        self._doctype = self._doctype or kind == "!DOCTYPE"
        start = self._at  # the window may have moved
        if self._unit is None and self._long is None:
            what = _KINDS.get(kind, "DOCTYPE")
            text = self._window[start : start + MAX_RAW]
            reason = f"not well-formed: a {what} that does not end"
            yield Piece(self._line_at(start), "", text, reason)
        self._at = start + len(token[0])

    def _terminator(self, kind: str, start: int) -> int | None:
        """Return where the text after ``kind`` at *start* ends; each text is searched once."""
        end = _TERMINATORS[kind]
        searched = self._none_before[kind] - self._offset
        found = self._window.find(end, max(start, searched))
        if found >= 0:
            return found + len(end)
        self._none_before[kind] = self._offset + max(len(self._window) - len(end) + 1, 0)
        return None

    def _doctype_end(self, at: int) -> int | None:
        inside = False
        while token := _IN_DOCTYPE.search(self._window, at):
            at = token.end()
            if token[0] in "[]":
                inside = token[0] == "["
            elif token[0] == ">":
                if not inside:
                    return at
            else:
                end = _TERMINATORS.get(token[0][1:], token[0])
                found = self._window.find(end, at)
                if found < 0:
                    return None
                at = found + len(end)
        return None

    def _end_tag(self, token: re.Match[str]) -> Iterator[Piece]:
        if token["name"] == self._dialect.root:
            yield from self._cut(token.start())
            self._root = self._root and "closed"
        elif token["name"] in self._dialect.containers:
            pass
        elif self._unit is None and self._long is None and self._root:
            start = self._line_at(token.start())
            reason = f"not well-formed: {token[0]} without a start tag"
            yield Piece(start, "", self._window[self._at : token.end()], reason)
        else:
            yield from self._cut(token.end())
        self._at = token.end()

    def _start_tag(self, token: re.Match[str]) -> Iterator[Piece]:
        tag = _START_TAG.match(self._window, token.start())
        if tag is None:
            self._at = token.start()
            if len(self._window) - token.start() <= self._limit and self._more():
                return
            if self._root:
                text = self._window[self._at : self._at + MAX_RAW]
                reason = f"not well-formed: {token[0]} that does not end"
                yield Piece(self._line_at(self._at), "", text, reason)
            self._at += len(token[0])
            return
        name = token["name"]
        if name == self._dialect.root:
            self._root = "open"
            prefix = token[0][1:].rpartition(":")[0]
            self._token = _tokens(self._dialect, re.escape(prefix and prefix + ":"))
        if self._root:
            yield from self._cut(tag.start())
            yield self._piece(Piece(self._line_at(tag.start()), name, tag[0]))
        self._at = tag.end()

    def _cut(self, end: int) -> Iterator[Piece]:
        """Yield the unit that is being read, if there is one, up to *end*."""
        if self._unit is not None:
            text = self._window[self._unit : end]
            self._unit = None
            if len(text) > self._limit:
                self._long = text[:MAX_RAW]
            else:
                yield self._piece(Piece(self._unit_line, self._dialect.units[0], text))
        if self._long is not None:
            text, self._long = self._long, None
            yield self._piece(Piece(self._unit_line, "", text, self._too_long()))

    def _too_long(self) -> str:
        return f"text too long: a unit of more than {self._limit} characters"

    def _piece(self, piece: Piece) -> Piece:
        self._since = self._offset + self._at
        return piece

    def _last(self) -> Iterator[Piece]:
        """Yield what is to be said of the end of the text."""
        if not self._root:
            raise CorpusError(self._not_this())
        if self._unit is not None or self._long is not None:
            text = self._long if self._unit is None else self._window[self._unit :]
            reason = self._end or "ends too early: in the middle of a unit"
            yield Piece(self._unit_line, "", text or "", reason)
        elif self._end or self._root == "open":
            text = self._window[self._at :].strip()
            reason = self._end or f"ends too early: no </{self._dialect.root}>"
            yield Piece(self._line_at(len(self._window)), "", text, reason)

    def _not_this(self) -> str:
        name, root = self._dialect.name, self._dialect.root
        return f"{self._name} is not {name}: no <{root}> element; say what it is: --format"

    def _more(self) -> bool:
        """Read on; False at the end of the text. The window keeps the unit that is being read."""
        base = self._at if self._unit is None else self._unit
        if self._unit is not None and len(self._window) - base > self._limit:
            self._long = self._window[base : base + MAX_RAW]
            self._unit, base = None, self._at
        self._line_at(base)
        consumed = self._offset + len(self._window)
        if not self._root and consumed > MAX_PROLOGUE:
            return False
        if consumed - self._since > MAX_GAP:
            self._end = f"unreadable from here on: no end of a unit in {MAX_GAP} characters"
            return False
        try:
            text = next(self._texts, None)
        except DamagedError as error:
            self._end, text = f"unreadable from here on: {error}", None
        if text is None:
            return False
        if not consumed and not text.lstrip().startswith("<") and text.strip():
            raise CorpusError(self._not_this())
        self._window = self._window[base:] + text
        self._offset += base
        self._at -= base
        self._counted -= base
        if self._unit is not None:
            self._unit = 0
        return True

    def _line_at(self, at: int) -> int:
        if at > self._counted:
            self._line += self._window.count("\n", self._counted, at)
            self._counted = at
        return self._line


def _tokens(dialect: Dialect, prefix: str) -> re.Pattern[str]:
    names = "|".join(map(re.escape, (*dialect.units, dialect.root, *dialect.containers)))
    return re.compile(
        r"<(?:(?P<special>!--|!\[CDATA\[|\?|!DOCTYPE)"
        rf"|(?P<end>/)?{prefix}(?P<name>{names})(?(end)\s{{0,16}}>|(?=[\s/>])))"
    )
