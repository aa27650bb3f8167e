"""Data sets of Tatoeba's sentences translated by machine, known by the names of their columns.

``panagoa/tatoeba_kbd`` has the columns ``source_tatoeba_id, source_lang, source_text, target_text,
similarity_score, nllb_model_version``, and its targets are Kabardian; ``panagoa/tatoeba_raw_*``
have ``tatoeba_id, source_lang, target_lang, source, target, similarity, model``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.rows import RowReader
from searchkbd.corpus.sentence import Reject, Sentence

MACHINE = "mt"
"""The origin of what a machine translated is this, a colon and the name of its model."""

_ORIGIN = re.compile(rf"{MACHINE}(?:[:/-]|$)")

SOURCE = "tatoeba"
"""The origin of what it translated."""

_FILTERED = (
    "source_tatoeba_id", "source_lang", "source_text", "target_text", "similarity_score",
    "nllb_model_version",
)  # fmt: skip
_RAW = (
    "tatoeba_id", "source_lang", "source", "target", "similarity", "model", "target_lang",
)  # fmt: skip
_TARGET_LANGUAGE = "kbd"


def is_machine(origin: str) -> bool:
    """Return whether what has this *origin* was translated by a machine: ``mt``, or what begins
    with ``mt:``, ``mt-`` or ``mt/``."""
    return _ORIGIN.match(origin) is not None


@dataclass(frozen=True, slots=True)
class MachineTranslated:
    """How a row of such a set is read: its ``columns``, in that order."""

    columns: list[str]
    options: ReadOptions
    rows: RowReader

    def read(self, number: int, row: Sequence[object]) -> Sequence[Sentence | Reject]:
        """Return the two sentences of the row *number*.

        Origins are :data:`SOURCE` and :data:`MACHINE` with the model; the similarity is kept in
        ``unit``. The ids are made of Tatoeba's, and may be had by other sentences already: a row
        may be in several sets.
        """
        values = [value.strip() if isinstance(value, str) else value for value in row]
        tatoeba, source_lang, source, target, similarity, model, *rest = values
        target_lang = rest[0] if rest else _TARGET_LANGUAGE
        raw = "\t".join("" if value is None else str(value) for value in values)
        if not (source or target):
            return ()
        unit = None
        if isinstance(similarity, int | float) and math.isfinite(similarity):
            unit = {"similarity": round(similarity, 6)}
        origins = (
            self.options.origin or SOURCE,
            f"{MACHINE}:{model}" if model else MACHINE,
        )
        halves = zip(
            (source, target), (source_lang, target_lang), origins, ("", f":{target_lang}"),
            strict=True,
        )  # fmt: skip
        out = []
        for text, lang, origin, suffix in halves:
            item = self.rows.sentence(
                number, raw, text or "", lang or "", origin=origin, unit=unit,
                id="" if tatoeba is None else f"{SOURCE}:{tatoeba}{suffix}",
            )  # fmt: skip
            out.append(replace(item, own_id=False) if isinstance(item, Sentence) else item)
        return out


def machine_translated(
    names: Sequence[str], options: ReadOptions, rows: RowReader
) -> MachineTranslated | None:
    """Return how to read a file with the columns *names*, None when it is no such set."""
    for columns in (_FILTERED, _RAW):
        if set(columns) <= set(names):
            return MachineTranslated(list(columns), options, rows)
    return None
