"""The default encoder: works offline, without a GPU, from files that come with the package."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from searchkbd.encoders.base import Vectors, check_batch

if TYPE_CHECKING:
    from searchkbd.encoders.student import StudentEncoder
    from searchkbd.encoders.use import UniversalSentenceEncoder

_VERSION = "searchkbd-embedded-2"
_ABBREVIATION = 4  # letters
_STUDENT_LANGUAGES = frozenset({"kbd", "ady"})


class EmbeddedEncoder:
    """Kabardian by the student, every other language by its teacher, in one space.

    Each half is loaded when a text first needs it. Adyghe, close enough to share most of its
    features, goes to the student. Raises EncoderError when a half is missing or damaged.
    """

    name = "embedded"
    dim = 512

    def __init__(self, student: StudentEncoder | None = None) -> None:
        """*student* replaces the one that ships, for measuring another."""
        if student is not None:
            self._student = student

    @cached_property
    def fingerprint(self) -> str:
        """Identity (16 hex digits) of the weights of both halves; reads no weights."""
        parts = (_VERSION, self._teacher.fingerprint, self._student.fingerprint)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]

    def encode(self, texts: Sequence[str], langs: Sequence[str | None] | None = None) -> Vectors:
        """See ``Encoder.encode``."""
        batch, codes = check_batch(texts, langs)
        known = identified(batch, codes)
        for_student = np.array([code in _STUDENT_LANGUAGES for code in known], bool)
        out = np.empty((len(batch), self.dim), dtype=np.float32)
        if for_student.any():
            out[for_student] = self._student.encode(_pick(batch, for_student))
        if not for_student.all():
            out[~for_student] = self._teacher.encode(
                [
                    _sentence_case(batch[place], known[place])
                    for place in np.flatnonzero(~for_student)
                ]
            )
        return out

    @cached_property
    def _teacher(self) -> UniversalSentenceEncoder:
        from searchkbd.encoders.use import UniversalSentenceEncoder

        return UniversalSentenceEncoder()

    @cached_property
    def _student(self) -> StudentEncoder:
        from searchkbd.encoders.student import StudentEncoder

        return StudentEncoder()


def identified(batch: Sequence[str], codes: Sequence[str | None] | None) -> list[str]:
    """Return a language for each text, identifying those that have none."""
    codes = list(codes) if codes is not None else [None] * len(batch)
    missing = [place for place, code in enumerate(codes) if not code]
    if missing:
        from searchkbd.text.identify import identify_batch

        found = identify_batch([batch[place] for place in missing])
        for place, guess in zip(missing, found, strict=True):
            codes[place] = guess.lang
    return [code or "" for code in codes]


def _pick(batch: list[str], mask: np.ndarray) -> list[str]:
    return [batch[place] for place in np.flatnonzero(mask)]


def _sentence_case(text: str, lang: str) -> str:
    """Return *text* in sentence case if it is all capitals, which the teacher can hardly read.

    A short word in capitals is left alone: it is an abbreviation.
    """
    if not text.isupper() or len(text) <= _ABBREVIATION:
        return text
    rest = text[1:]
    if lang == "tr":
        rest = rest.replace("\u0130", "i").replace("I", "\u0131")
    return text[0] + rest.lower()
