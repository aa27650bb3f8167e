"""PO files of gettext: entries filled by translate-toolkit, all other lines as they stand.

Of a file in another encoding than UTF-8, which may lack Kabardian's letters, a UTF-8 one is made.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import zip_longest
from typing import TYPE_CHECKING

from searchkbd.corpus.decompress import DamagedError, byte_chunks, shown
from searchkbd.corpus.po import SOURCE_LANGUAGE
from searchkbd.corpus.rows import RowReader
from searchkbd.corpus.sentence import CorpusError, Reject
from searchkbd.pretranslation.filling import Filling
from searchkbd.pretranslation.options import FileOptions
from searchkbd.pretranslation.units import Part, Segment, SegmentReader, Unit, divided

if TYPE_CHECKING:
    from translate.storage.pypo import pounit

MAX_BYTES = 1 << 27
"""A larger file is refused: it is held in memory."""

NOTE = "searchkbd: "
"""What the translator comment about a translation begins with."""

_MAX_REASON = 200
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_LINE_NUMBER = re.compile(r" on line \d+")
_CHARSET = re.compile(rb'"Content-Type:[^\n"]*charset=\s*([\w.:-]+)', re.ASCII)
_CONTINUES = ('"', "msgstr", "msgid_plural")
_UNDECODABLE = re.compile("[\udc00-\udcff]")
