"""Inline tags: those of the segment, put into the memory's target."""

from __future__ import annotations

from collections.abc import Sequence

from searchkbd.corpus.inline import Tag, escaped, runs

_Place = tuple[str, object]


def with_tags_of(segment: str, source: str | None, target: str | None) -> str | None:
    """Return the markup *target* with the tags of the markup *segment* in place of its own.

    The tags of segment and *source*, the memory's two, correspond by their order, those of source
    and target by what they are. None where they do not: tags of other kinds, more or fewer.

    Raises :class:`~searchkbd.corpus.xml_parse.MalformedError` for markup that is not well-formed.
    """
    if not (source and target):
        return None
    wanted, theirs = _tags(segment), _tags(source)
    found = runs(target)
    placed = [run for run in found if isinstance(run, Tag)]
    ends = _ends(wanted)
    if [tag.name for tag in wanted] != [tag.name for tag in theirs] or ends != _ends(theirs):
        return None
    order = _correspondence(theirs, placed)
    if order is None:
        return None
    new = iter([wanted[at].xml for at in order])
    return "".join(next(new) if isinstance(run, Tag) else escaped(run) for run in found)


def _tags(markup: str) -> list[Tag]:
    return [run for run in runs(markup) if isinstance(run, Tag)]


def _ends(tags: Sequence[Tag]) -> list[int | None]:
    """Return for each tag that ends a pair where the other half is, None for all others."""
    open_: dict[str, int] = {}
    nested: list[int] = []
    ends: list[int | None] = []
    for at, tag in enumerate(tags):
        end = None
        if tag.name == "bpt":
            open_[tag.attributes.get("i", "")] = at
        elif tag.name == "ept":
            end = open_.pop(tag.attributes.get("i", ""), None)
        elif tag.xml == "</hi>":
            end = nested.pop()
        elif tag.name == "hi":
            nested.append(at)
        ends.append(end)
    return ends


def _correspondence(source: Sequence[Tag], target: Sequence[Tag]) -> list[int] | None:
    """Return for each tag of *target* which of *source* it is; each is one, and all are there."""
    if len(source) != len(target):
        return None
    free: dict[_Place, list[int]] = {}
    for at, (tag, end) in enumerate(zip(source, _ends(source), strict=True)):
        free.setdefault(_place(tag, end), []).append(at)
    order: list[int] = []
    for tag, end in zip(target, _ends(target), strict=True):
        same = free.get(_place(tag, None if end is None else order[end]))
        if not same:
            return None
        order.append(same.pop(0))
    return order


def _place(tag: Tag, begun_at: int | None) -> _Place:
    """Return what a tag is told by: the second of a pair by its first, others by what they say.

    Their numbers (``i``, ``x``) differ from text to text.
    """
    if begun_at is not None:
        return "end", begun_at
    said = frozenset(item for item in tag.attributes.items() if item[0] not in ("i", "x"))
    return tag.name, (said, tag.code)
