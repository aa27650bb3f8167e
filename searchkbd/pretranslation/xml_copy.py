"""An XML file of units as it stands: every character of it, cut where its pieces begin and end.

:mod:`searchkbd.corpus.xml_units` finds the pieces in the decoded text with line ends made one;
here they are found again in the text as it is, so that all of it can be written again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from searchkbd.corpus.decompress import shown
from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.sentence import CorpusError
from searchkbd.corpus.xml_parse import MalformedError
from searchkbd.corpus.xml_text import xml_codec
from searchkbd.corpus.xml_units import Dialect, Piece, xml_pieces
from searchkbd.pretranslation.blocks import BlockDecoder, byte_blocks
from searchkbd.pretranslation.units import Part, SegmentReader, Unit

_LINE_END = re.compile(r"\r\n|\r|\n")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_SUBSET = re.compile(r"""<!DOCTYPE(?:[^\[>"']|"[^"]*"|'[^']*')*\[""")


class XmlCopy:
    """The text of an XML file, given out piece by piece.

    Raises CorpusError when the file cannot be read, or declares entities or the like of its own:
    they are never read, and no file with them is written.
    """

    def __init__(self, path: str, options: ReadOptions, dialect: Dialect) -> None:
        self._path = path
        self._options = options
        self._dialect = dialect
        self._blocks = byte_blocks(path)
        head = next(self._blocks, b"")
        self.codec, skip = xml_codec(head, shown(path), options.encoding)
        self.mark = head[:skip]
        self._decoder = BlockDecoder(shown(path), self.codec)
        self._window = self._decoder.decode(head[skip:])
        self._at = 0
        self._line = 1
        self._ended = False

    def pieces(self) -> Iterator[str | tuple[Piece, str]]:
        """Yield all of the text in order: pieces, each as the reader sees it and as it stands
        (``""`` for one with a problem), and what lies between them."""
        prologue: list[str] | None = []
        for piece in xml_pieces(self._path, self._options, self._dialect):
            if piece.problem:
                yield piece, ""
                continue
            for text in self._up_to(piece):
                if prologue is not None:
                    prologue.append(text)
                yield text
            if prologue is not None:
                self._check("".join(prologue))
                prologue = None
            raw = self._window[self._at : _end_of(piece.text, self._window, self._at)]
            self._line += len(_LINE_END.findall(raw))
            self._at += len(raw)
            yield piece, raw
        yield self._window[self._at :]
        self._at = len(self._window)
        while self._more():
            yield self._window
            self._at = len(self._window)

    def _up_to(self, piece: Piece) -> Iterator[str]:
        """Yield the text before *piece*, and stand at its beginning then."""
        start = self._at
        while self._line < piece.line:
            end = _LINE_END.search(self._window, self._at)
            if end:
                self._at = end.end()
                self._line += 1
                continue
            yield self._window[start:]
            self._at, start = len(self._window), 0
            self._read_on()
        yield self._window[start : self._at]
        first = piece.text.partition("\n")[0]
        past = 0
        while True:
            at = _outside_comments(first, self._window, self._at, self._at + past)
            if at is None:
                self._read_on()
                continue
            past = at - self._at
            # As many characters again, for line ends that are two.
            while len(self._window) - self._at < past + 2 * len(piece.text) and self._more():
                pass
            at = self._at + past
            if _end_of(piece.text, self._window, at) is not None:
                break
            past += 1
        yield self._window[self._at : at]
        self._at = at

    def _read_on(self) -> None:
        if not self._more():
            raise CorpusError(f"{shown(self._path)} was changed while it was read; try again")

    def _more(self) -> bool:
        """Read on and forget what was passed; False at the end."""
        text = ""
        while not text and not self._ended:
            block = next(self._blocks, None)
            self._ended = block is None
            text = self._decoder.decode(block or b"", final=self._ended)
        self._window, self._at = self._window[self._at :] + text, 0
        return bool(text)

    def _check(self, prologue: str) -> None:
        if _SUBSET.search(_COMMENT.sub("", prologue)):
            raise CorpusError(
                f"{shown(self._path)} declares entities or elements of its own "
                "(<!DOCTYPE … [ … ]>), which are never read; remove the part in brackets, and "
                "write out what they stand for"
            )


def _outside_comments(text: str, window: str, start: int, least: int) -> int | None:
    """Return where *text* stands in *window* from *least* on, not within a comment that begins
    after *start*."""
    while (at := window.find(text, least)) >= 0:
        comment = window.rfind("<!--", start, at)
        if comment < 0:
            return at
        end = window.find("-->", comment)
        if end < 0:
            return None
        if end < at:
            return at
        least = end
    return None


def _end_of(text: str, window: str, at: int) -> int | None:
    """Return where *text* ends that begins at *at*, None if it does not stand there.

    Line ends are compared whatever they are.
    """
    for number, line in enumerate(text.split("\n")):
        if number:
            end = _LINE_END.match(window, at)
            if not end:
                return None
            at = end.end()
        if not window.startswith(line, at):
            return None
        at += len(line)
    return at


def xml_parts(
    copy: XmlCopy,
    segments: SegmentReader,
    read: Callable[[Piece, str], Part],
    file: Callable[[], int] = lambda: 0,
) -> Iterator[Part]:
    """Yield the parts of an XML file: what *read* makes of each piece, and what lies between.

    A piece that is not well-formed stays as it stands, and is a reject of the *file* (its number)
    that it is in.
    """
    for item in copy.pieces():
        if isinstance(item, str):
            yield item
            continue
        piece, raw = item
        try:
            if piece.problem:
                raise MalformedError(piece.problem)
            yield read(piece, raw)
        except MalformedError as error:
            reject = segments.reject(piece.line, str(error), piece.raw)
            yield Unit(raw, [], lambda found, raw=raw: raw, [reject], file())
