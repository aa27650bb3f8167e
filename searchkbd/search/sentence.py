"""One sentence, with all that an index knows of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from searchkbd.index.reader import IndexReader
from searchkbd.search.hit import Translation


@dataclass(frozen=True, slots=True)
class SentenceDetails:
    """A sentence and the others of its group.

    ``markup`` is its text with inline tags, ``context`` what tells it from others of the same
    text, ``date`` when it was last changed (ISO 8601, UTC), ``meta`` what else its file said.
    """

    id: str
    lang: str
    text: str
    origin: str
    group: str
    date: str
    context: str | None
    markup: str | None
    meta: dict[str, Any]
    translations: tuple[Translation, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the shape of ``/api/sentences/{id}`` (docs/json.md)."""
        return {**asdict(self), "translations": [asdict(each) for each in self.translations]}


def sentence_details(reader: IndexReader, id: str) -> SentenceDetails | None:
    """Return the sentence with this id, None when there is none."""
    found = reader.with_id(id)
    if found is None:
        return None
    group = reader.groups([found.group_row])[found.group_row]
    return SentenceDetails(
        id=found.id,
        lang=found.lang,
        text=found.text,
        origin=found.origin,
        group=found.group,
        date=found.date,
        context=found.context,
        markup=found.markup,
        meta=found.meta,
        translations=tuple(
            Translation(other.id, other.lang, other.text, other.origin)
            for other in group
            if other.row != found.row
        ),
    )
