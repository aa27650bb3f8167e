"""The text of an XML file, whatever its encoding, in blocks of bounded size."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator

from searchkbd.corpus.decompress import DamagedError, byte_blocks, shown
from searchkbd.corpus.lines import UNDECODABLE, known_codec
from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.sentence import CorpusError

# How files in each encoding begin (XML 1.0, appendix F), and how much of that is a mark.
_SIGNATURES = (
    (codecs.BOM_UTF8, "utf-8", 3),
    (codecs.BOM_UTF32_LE, "utf-32-le", 4),  # before UTF-16, whose mark begins it
    (codecs.BOM_UTF32_BE, "utf-32-be", 4),
    (codecs.BOM_UTF16_LE, "utf-16-le", 2),
    (codecs.BOM_UTF16_BE, "utf-16-be", 2),
    (b"<\0\0\0", "utf-32-le", 0),
    (b"\0\0\0<", "utf-32-be", 0),
    (b"<\0", "utf-16-le", 0),
    (b"\0<", "utf-16-be", 0),
)
_DECLARATION = re.compile(rb"""\s*<\?xml[^>]{0,200}?\sencoding\s*=\s*["']([\w.:-]+)["']""")


def xml_text(path: str, options: ReadOptions) -> Iterator[str]:
    r"""Yield the text of the file *path*, decompressed and decoded, with ``\n`` as line end.

    The encoding is told by the mark or the first bytes, else by ``options.encoding``, else by the
    XML declaration, else it is UTF-8. A byte that cannot be decoded comes as U+DC00 plus its
    value, which no XML text contains.

    Raises :class:`CorpusError` when the file is empty, cannot be read at all or names an unknown
    encoding, and :class:`DamagedError` where compressed data is damaged or ends too early.
    """
    name = shown(path)
    blocks = byte_blocks(path)
    try:
        head = next(blocks, b"")
    except DamagedError as error:
        raise CorpusError(f"{name} cannot be read: {error}") from None
    codec, skip = xml_codec(head, name, options.encoding)
    if len(head) == skip:
        raise CorpusError(f"{name} is empty")
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(codec)(UNDECODABLE), True)
    try:
        yield decoder.decode(head[skip:])
        for block in blocks:
            yield decoder.decode(block)
        yield decoder.decode(b"", final=True)
    except UnicodeError as error:  # some codecs ignore error handlers
        raise CorpusError(f"{name} cannot be read as {codec}: {error}") from None


def xml_codec(head: bytes, name: str, named: str | None) -> tuple[str, int]:
    """Return the codec for an XML file *name* that begins with *head*, and its mark's length.

    *named* is the encoding that the user gave. Raises CorpusError for one that there is not.
    """
    for start, codec, skip in _SIGNATURES:
        if head.startswith(start):
            return codec, skip
    where = "" if named else " in the XML declaration"
    if named is None:
        declared = _DECLARATION.match(head)
        named = declared[1].decode() if declared else "utf-8"
        # Were it in one of these, the declaration could not have been read.
        if re.match(r"(?i)utf-?(16|32)|ucs", named):
            named = "utf-8"
    codec = known_codec(named)
    if codec is None:
        raise CorpusError(
            f"{name}: unknown encoding {named!r}{where}; say which it is in, "
            "for example --encoding cp1251"
        )
    return codec, 0
