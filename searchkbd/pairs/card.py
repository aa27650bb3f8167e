"""README.md of prepared pairs: what they are, made of what, and how."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from searchkbd.pairs.options import SPLITS
from searchkbd.text.languages import NAMES

_SHOWN = 120  # characters of a sample
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&$])")


def card(statistics: Mapping[str, Any]) -> str:
    """Return the card, in Markdown, of what statistics.json says; with no date and no place."""
    return "\n".join(_lines(statistics)) + "\n"


def _lines(said: Mapping[str, Any]) -> Iterator[str]:
    sets = said["sets"]
    counts = ", ".join(f"{said['splits'][split]:,} {split}" for split in SPLITS)
    yield from ("# Pairs of translations", "")
    yield from (f"Made by `searchkbd pairs prepare`: {counts}.", "")
    yield from _table(
        ("languages", *SPLITS, "sentences", "by machine", "share asked", "share"),
        [
            (
                one["name"], *(f"{_pairs(one, split):,}" for split in SPLITS),
                " + ".join(f"{n:,}" for n in _train(one, "sentences", {"a": 0, "b": 0}).values()),
                _share(_train(one, "machine", 0), _pairs(one, "train")),
                f"{one['share']['asked']:.1%}", f"{one['share']['got']:.1%}",
            )
            for one in sets
        ],
    )  # fmt: skip
    yield from ("", "Sentences, those by a machine and shares are of the training pairs.", "")
    yield from ("## Lengths", "", "Least / mean / greatest, of the training pairs.", "")
    measures = ["words", "characters"] + (["tokens"] if said["tokenizer"] else [])
    rows = []
    for one in sets:
        lengths = _train(one, "lengths", {})
        for side, lang in zip("ab", one["languages"], strict=True):
            spreads = (lengths.get(side, {}).get(what) for what in measures)
            rows.append((one["name"], NAMES.get(lang, lang), *map(_spread, spreads)))
    yield from _table(("languages", "side", *measures), rows)
    if said["tokenizer"]:
        yield from ("", f"Tokens by {_text(said['tokenizer'])}, special ones included.")
    yield from _repeats(said)
    yield from _samples(sets)
    yield from ("", "## What was left out", "")
    yield from _table(("reason", "pairs"), [(k, f"{v:,}") for k, v in said["left_out"].items()])
    yield from ("", "## Made of", "")
    yield from _table(
        ("source", "kind", "SHA-256"),
        [(_text(s["name"]), s["kind"], f"`{s['sha256']}`") for s in said["sources"]],
    )
    yield ""
    yield "Of an index, a data set and standard input, the hash is of the sentences that it gave."
    yield from ("", "```sh", said["command"], "```")


def _repeats(said: Mapping[str, Any]) -> Iterator[str]:
    repeated = said["repeated"]
    batches = repeated["a"]["batches"]
    yield from ("", "## Repeated texts", "")
    yield "Pairs whose text is that of another pair too, and the share of random batches in which a"
    yield "text stands twice: there, in-batch negatives hold a right answer. Of all training pairs:"
    yield ""
    yield from _table(
        ("side", "pairs", *(f"batch of {batch}" for batch in batches)),
        [
            (name, _percent(own["pairs"]), *map(_percent, own["batches"].values()))
            for name, own in (("first", repeated["a"]), ("second", repeated["b"]))
        ],
    )


def _samples(sets: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield from ("", "## Samples", "")
    rows = [
        (one["name"], *(_text(text[:_SHOWN]) for text in sample))
        for one in sets
        for sample in _train(one, "samples", [])
    ]
    yield from _table(("languages", "first", "second"), rows)
    spellings = sum((list(_train(one, "palochka", {}).items()) for one in sets), [])
    counts: dict[str, int] = {}
    for char, count in spellings:
        counts[char] = counts.get(char, 0) + count
    if counts:
        found = ", ".join(
            f"`{char}` U+{ord(char):04X} {count:,}"
            for char, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        )
        yield from ("", f"The palochka is written {found}.")


def _train(one: Mapping[str, Any], name: str, default: Any) -> Any:
    return one["splits"].get("train", {}).get(name, default)


def _pairs(one: Mapping[str, Any], split: str) -> int:
    return one["splits"].get(split, {}).get("pairs", 0)


def _spread(spread: Mapping[str, Any] | None) -> str:
    if not spread or spread["mean"] is None:
        return "–"
    return f"{spread['min']} / {spread['mean']:.2f} / {spread['max']}"


def _share(part: int, whole: int) -> str:
    return _percent(part / whole if whole else None)


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _text(text: str) -> str:
    """Return *text* as Markdown that shows it as it is, on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for row in (head, ["---"] * len(head), *rows):
        yield f"| {' | '.join(row)} |"
