"""How to fill a file, as the user said it."""

from __future__ import annotations

from dataclasses import dataclass, field

from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.sentence import CorpusError
from searchkbd.text.languages import UnknownLanguageError, normalize_language


@dataclass(frozen=True, slots=True)
class FileOptions:
    """*target* and *source* are codes of languages; a *source* of None is what the file says.

    *overwrite*: also replace translations that are there. *reading*: format, encoding and columns.
    """

    target: str
    source: str | None = None
    overwrite: bool = False
    reading: ReadOptions = field(default_factory=ReadOptions)

    def check_target(self, file: str, tag: str) -> None:
        """Raise CorpusError when the file translates into another language, tagged *tag*."""
        if tag.strip() and code_or_none(tag) != self.target:
            raise CorpusError(
                f"{file} is translated into {tag.strip()}, not {self.target}; "
                f"for its language: --to {tag.strip()}"
            )

    def source_of(self, file: str, tag: str) -> str:
        """Return the source language of a file that says it is *tag*; raises CorpusError."""
        source = self.source or code_or_none(tag)
        if source is None:
            said = f"{tag!r} is no language" if tag else "it names no source language"
            raise CorpusError(f"{file}: {said}; say which it is: --from LANG")
        if source == self.target:
            raise CorpusError(f"{file}: source and target language are both {source}")
        return source


def code_or_none(tag: str) -> str | None:
    """Return our code of the language *tag*, None where it names none."""
    try:
        return normalize_language(tag)
    except UnknownLanguageError:
        return None
