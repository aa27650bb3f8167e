"""PO files of gettext: entries are filled by translate-toolkit, all other lines stay as they are.

Of a file in another encoding than UTF-8, which may lack Kabardian's letters, a UTF-8 one is made.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from searchkbd.corpus.decompress import shown
from searchkbd.corpus.lines import UNDECODABLE
from searchkbd.corpus.po import SOURCE_LANGUAGE, load_toolkit
from searchkbd.corpus.rows import RowReader
from searchkbd.corpus.sentence import CorpusError
from searchkbd.pretranslation.blocks import byte_blocks
from searchkbd.pretranslation.filling import Filling
from searchkbd.pretranslation.options import FileOptions
from searchkbd.pretranslation.units import Part, SegmentReader, Unit, divided

if TYPE_CHECKING:
    from translate.storage.pypo import pounit

MAX_BYTES = 1 << 27
"""A larger file is refused: it is held in memory."""

NOTE = "searchkbd: "
"""What the translator comment about a translation begins with."""

_MAX_REASON = 200
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")
_LINE_NUMBER = re.compile(r" on line \d+")
_CHARSET = re.compile(r'("Content-Type:[^\n"]*charset=\s*)([\w.:-]+)', re.ASCII)
_NO_LANGUAGE = re.compile(r'"Language:[ \t]*\\n"')
_NPLURALS = re.compile(r"nplurals\s*=\s*(\d)")
_UNDECODABLE = re.compile("[\udc00-\udcff]")
# A blank line before one of these is within an entry.
_CONTINUES = ('"', "msgstr", "msgid_plural")


class PoDocument:
    """A PO file; its segments are msgid and msgid_plural of each entry, in order."""

    codec = "utf-8"

    def __init__(self, path: str, options: FileOptions) -> None:
        self._parser, pypo = load_toolkit(path)
        self._unit_class = pypo.pounit
        self._name = shown(path)
        self._options = options
        self._segments = SegmentReader(RowReader(path, options.reading), options.overwrite)
        self._source: str | None = None
        self._forms = 0
        self._recoded = False
        self.mark = b""
        self._lines = _LINE.findall(self._decoded(_bounded(path)))
        self._newline = "\r\n" if self._lines and self._lines[0].endswith("\r\n") else "\n"

    def parts(self) -> Iterator[Part]:
        at = 0
        for start, end in self._blocks():
            yield "".join(self._lines[at:start])
            yield from self._entries(start, end)
            at = end
        yield "".join(self._lines[at:])

    def _decoded(self, data: bytes) -> str:
        if data.startswith(codecs.BOM_UTF8):
            self.mark, data = codecs.BOM_UTF8, data[len(codecs.BOM_UTF8) :]
        if not data.strip():
            raise CorpusError(f"{self._name} is empty")
        named = self._options.reading.encoding
        if named is None:
            said = _CHARSET.search(data[: 1 << 16].decode("latin-1"))
            named = said[2] if said else "utf-8"
        try:
            codec = codecs.lookup(named).name
        except LookupError:  # "CHARSET" stands in templates
            codec = "utf-8"
        self._recoded = codec != "utf-8" or named == "CHARSET"
        try:
            return data.decode(codec, UNDECODABLE if codec == "utf-8" else "strict")
        except UnicodeError as error:
            raise CorpusError(
                f"{self._name} cannot be read as {named}: {error}; name its encoding: --encoding"
            ) from None

    def _blocks(self) -> Iterator[tuple[int, int]]:
        """Yield where the lines of each block begin and end: what is between blank lines."""
        start: int | None = None
        end = 0
        for at, line in enumerate(self._lines):
            if not line.strip():
                continue
            if start is not None and end < at and not line.startswith(_CONTINUES):
                yield start, end
                start = None
            start = at if start is None else start
            end = at + 1
        if start is not None:
            yield start, end

    def _entries(self, start: int, end: int) -> Iterator[Part]:
        lines = self._lines[start:end]
        for number, line in enumerate(lines, start + 1):
            if _UNDECODABLE.search(line):
                yield self._rejected(lines, number, "not UTF-8")
                return
        state = self._parser.PoParseState(
            [line.rstrip("\r\n") + "\n" for line in lines], self._unit_class, "utf-8"
        )
        at = 0
        while at < len(lines):
            try:
                unit = self._parser.parse_unit(state)
                if unit is None or _is_half(unit):
                    raise self._parser.PoParseError(state, "incomplete entry")
            except (ValueError, IndexError) as error:
                reason = _LINE_NUMBER.sub("", str(error))[:_MAX_REASON]
                yield self._rejected(lines[at:], start + at + 1, f"bad PO: {reason}")
                return
            after = state.lineno - 1 if state.next_line else len(lines)
            yield self._part(unit, start + at + 1, "".join(lines[at:after]))
            at = after

    def _rejected(self, lines: Sequence[str], line: int, reason: str) -> Unit:
        raw = "".join(lines)
        reject = self._segments.reject(line, reason, _UNDECODABLE.sub("\ufffd", raw))
        return Unit(raw, [], lambda found: raw, [reject], document=1)

    def _part(self, unit: pounit, line: int, raw: str) -> Part:
        if unit.isheader():
            return self._header(unit, raw)
        if unit.isobsolete() or not unit.msgid:  # or a comment alone
            return raw
        if self._source is None:
            self._source = self._options.source_of(self._name, SOURCE_LANGUAGE)
        sources, targets = _strings(unit.source), _strings(unit.target)
        translated = [targets[0] if targets else "", "".join(targets[1:] or targets)]
        context = unit.getcontext() or None
        found = [
            self._segments.segment(line, source, self._source, target, context=context)
            for source, target in zip(sources, translated, strict=False)
        ]
        places, rejects = divided(found)
        return Unit(raw, places, partial(self._rendered, unit, raw), rejects, document=1)

    def _header(self, unit: pounit, raw: str) -> str:
        """Note what the header says; return it with the target language, and as UTF-8."""
        from translate.storage.poheader import parseheaderstring

        said = {key.lower(): value.strip() for key, value in parseheaderstring(unit.target).items()}
        self._options.check_target(self._name, said.get("language", ""))
        source = said.get("x-source-language") or SOURCE_LANGUAGE
        self._source = self._options.source_of(self._name, source)
        plurals = _NPLURALS.search(said.get("plural-forms", ""))
        self._forms = int(plurals[1]) if plurals else 0
        if self._recoded:
            raw = _CHARSET.sub(r"\1UTF-8", raw)
        if not said.get("language"):
            line = f'"Language: {self._options.target}\\n"'
            if _NO_LANGUAGE.search(raw):
                return _NO_LANGUAGE.sub(lambda found: line, raw, count=1)
            ends = raw[len(raw.rstrip("\r\n")) :]
            return f"{raw.rstrip()}{self._newline}{line}{ends or self._newline}"
        return raw

    def _rendered(self, unit: pounit, raw: str, found: Sequence[Filling | None]) -> str:
        sources, targets = _strings(unit.source), _strings(unit.target)
        fillings = [filling for filling in found if filling is not None]
        if len(sources) == 1:
            targets = [fillings[0].text]
        else:
            forms = self._forms or len(targets) or 2
            targets = [*targets, *[""] * forms][:forms]
            if forms == 1:  # it is used for every number
                targets = [fillings[-1].text]
            else:
                if found[0] is not None:
                    targets[0] = found[0].text
                if found[1] is not None:
                    targets[1:] = [found[1].text] * (forms - 1)
        unit.target = targets if len(sources) > 1 else targets[0]
        review = any(filling.review for filling in fillings) or not all(targets)
        unit.markfuzzy(review)
        unit.prev_source = None
        if review:
            unit.prev_source = [
                source if filling is None else filling.match.source
                for source, filling in zip(sources, found, strict=True)
            ]
        unit.othercomments = [c for c in unit.othercomments if not c.startswith(f"# {NOTE}")]
        for about in dict.fromkeys(f"{NOTE}{f.label}, {f.origin}" for f in fillings):
            unit.addnote(about, origin="translator")
        text = str(unit)
        if not raw.endswith(("\r", "\n")):
            text = text.rstrip("\n")
        return text.replace("\n", self._newline)


def _bounded(path: str) -> bytes:
    data = bytearray()
    for block in byte_blocks(path):
        data += block
        if len(data) > MAX_BYTES:
            raise CorpusError(
                f"{shown(path)} has more than {MAX_BYTES >> 20} MB, which is no PO file; split it"
            )
    return bytes(data)


def _strings(text: object) -> list[str]:
    """Return the forms of a msgid or msgstr: a plural has several."""
    return list(getattr(text, "strings", [text]))


def _is_half(unit: pounit) -> bool:
    """Return whether an entry breaks off before its translation."""
    return not unit.isobsolete() and not unit.msgstr and bool(unit.msgctxt or unit.msgid)
