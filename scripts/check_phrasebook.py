"""Prove that every Kabardian word form of the shipped phrasebook is attested in real text.

The phrasebook was written for this project, so nothing vouches for its Kabardian but this: each
word form must occur in ``../shared/data``, twice in different texts or once in a text that was
not scanned from print, and no sentence of four words or more may be one of those texts. The
script also checks that every group has its five languages and prints how the collection is
balanced. It exits with 0 when nothing is wrong and 1 otherwise.

    python scripts/check_phrasebook.py [--verbose] [--show WORD]
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from searchkbd.text.forms import search_key, words  # noqa: E402  (the checkout, not an install)

PHRASEBOOK = ROOT / "searchkbd" / "resources" / "phrasebook.tsv"
DATA = ROOT.parent / "shared" / "data"
LANGUAGES = ("kbd", "ru", "en", "fr", "tr")
HEADER = ("id", "lang", "text", "group", "origin")

# Dictionaries scanned from print: a form seen there once may be a reading error.
SCANNED = frozenset({"nalchik2013", "kbdru2008", "uasp"})
# Shorter sentences (greetings, "I want water") are nobody's and cannot be avoided.
COPY_WORDS = 4


@dataclass(frozen=True)
class Row:
    """One line of the phrasebook."""

    id: str
    lang: str
    text: str
    group: str
    origin: str


@dataclass
class Attestation:
    """Where one word form occurs: distinct texts, those not scanned, and a few of them."""

    texts: int = 0
    not_scanned: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        return self.texts >= 2 or self.not_scanned >= 1


@dataclass(frozen=True)
class Evidence:
    """What the data says about the phrasebook's words and sentences."""

    words: dict[str, Attestation]
    copied: frozenset[str]


def read_phrasebook(path: Path) -> list[Row]:
    """Return the rows of *path*; raises ``ValueError`` on a line that is not five columns."""
    lines = [line for line in path.read_text("utf-8").splitlines() if not line.startswith("# ")]
    if not lines or tuple(lines[0].split("\t")) != HEADER:
        raise ValueError(f"{path}: the header must be {' '.join(HEADER)}")
    rows = []
    for number, line in enumerate(lines[1:], 1):
        columns = line.split("\t")
        if len(columns) != len(HEADER):
            raise ValueError(f"{path}: row {number} has {len(columns)} columns, not {len(HEADER)}")
        rows.append(Row(*columns))
    return rows


def kabardian_texts(data: Path) -> Iterator[tuple[str, str]]:
    """Yield ``(text, origin)`` for each Kabardian text under *data*, repetitions included.

    The ``corpus/messy_*`` files are left out: their text is damaged on purpose.
    """
    pairs = sorted(data.glob("train/*_kbd_*.tsv")) + sorted(data.glob("dev/*_kbd_*.tsv"))
    for path in pairs:
        for columns in _table(path):
            if columns[0] == "kbd":
                yield columns[2], columns[4]
            if columns[1] == "kbd":
                yield columns[3], columns[4]
    for name in ("demo", "large"):
        for columns in _table(data / "corpus" / f"{name}.tsv"):
            if columns[1] == "kbd":
                yield columns[2], columns[4]
    for line in (data / "lid" / "kbd.txt").read_text("utf-8").splitlines():
        yield line, "lid"


def gather(rows: Iterable[Row], texts: Iterable[tuple[str, str]]) -> Evidence:
    """Look up in *texts* every word and every longer sentence of the Kabardian *rows*."""
    kbd = [row for row in rows if row.lang == "kbd"]
    found = {word: Attestation() for row in kbd for word in forms(row.text)}
    longer = {" ".join(forms(row.text)) for row in kbd if len(forms(row.text)) >= COPY_WORDS}
    copied = set()
    seen: set[tuple[str, bool]] = set()
    for text, origin in texts:
        tokens = forms(text)
        key = " ".join(tokens)
        # One sentence in two dictionaries is one attestation, but a scanned text does not hide
        # the same text from a source that was typed.
        scanned = origin in SCANNED
        if (key, scanned) in seen:
            continue
        seen.add((key, scanned))
        if key in longer:
            copied.add(key)
        for word in set(tokens) & found.keys():
            hit = found[word]
            hit.texts += 1
            hit.not_scanned += not scanned
            if len(hit.examples) < 5 or (len(hit.examples) < 20 and len(text) < 80):
                hit.examples.append(f"{text} [{origin}]")
    return Evidence(found, frozenset(copied))


def forms(text: str) -> list[str]:
    """Return the word forms of *text* as they are compared; parts of hyphenated words count."""
    return words(search_key(text))


def problems(rows: list[Row], evidence: Evidence) -> list[str]:
    """Return one line for each thing that is wrong with the phrasebook, none when it is sound."""
    found = list(structure_problems(rows))
    for row in rows:
        if row.lang != "kbd":
            continue
        for word in forms(row.text):
            if not evidence.words[word].sound:
                found.append(f"{row.id}: {word} is not attested ({row.text})")
        if " ".join(forms(row.text)) in evidence.copied:
            found.append(f"{row.id}: the sentence stands in the data ({row.text})")
    return found


def structure_problems(rows: list[Row]) -> Iterator[str]:
    """Yield what is wrong with ids, groups, languages and repetitions."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.group, []).append(row)
        if row.id != f"{row.group}-{row.lang}":
            yield f"{row.id}: an id is its group and its language"
    for group, members in groups.items():
        if tuple(row.lang for row in members) != LANGUAGES:
            yield f"{group}: not one row each of {', '.join(LANGUAGES)}, in this order"
        if len({row.origin for row in members}) != 1:
            yield f"{group}: rows of one group have different origins"
    for lang in LANGUAGES:
        keys = Counter(" ".join(forms(row.text)) for row in rows if row.lang == lang)
        for key, count in keys.items():
            if count > 1:
                yield f"{lang}: {count} times the same sentence ({key})"


def balance(rows: list[Row]) -> dict[str, int]:
    """Count sentences by kind, as far as the ending of a Kabardian verb tells it."""
    counts: Counter[str] = Counter()
    for row in rows:
        if row.lang != "kbd":
            continue
        tokens = forms(row.text)
        question = row.text.endswith("?")
        counts["groups"] += 1
        counts["words"] += len(tokens)
        counts["questions"] += question
        counts["negations"] += any(token.endswith("къым") for token in tokens)
        counts["past"] += any(re.search(r"(ащ|акъым|ат|эт)$", token) for token in tokens) or (
            question and bool(re.search(r"(а|ар)$", tokens[-1]))
        )
        counts["future"] += any(re.search(r"(нщ|нущ|нукъым)$", token) for token in tokens) or (
            question and bool(re.search(r"(ну|нур)$", tokens[-1]))
        )
    return dict(counts)


def _table(path: Path) -> Iterator[list[str]]:
    with path.open(encoding="utf-8") as lines:
        next(lines, None)
        for line in lines:
            columns = line.rstrip("\n").split("\t")
            if len(columns) == 5:
                yield columns


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Check the shipped phrasebook against real text.")
    parser.add_argument("--phrasebook", type=Path, default=PHRASEBOOK)
    parser.add_argument("--data", type=Path, default=DATA, help="the folder of real corpora")
    parser.add_argument("--verbose", action="store_true", help="list the forms seen only once")
    parser.add_argument("--show", metavar="WORD", help="print where WORD occurs, and stop")
    options = parser.parse_args(argv)
    if not options.data.is_dir():
        parser.error(f"{options.data} is not a folder")

    if options.show:
        rows = [Row("", "kbd", options.show, "", "")]
        for word, hit in gather(rows, kabardian_texts(options.data)).words.items():
            print(f"{word}: {hit.texts} texts, {hit.not_scanned} of them not scanned")
            for example in sorted(hit.examples, key=len)[:5]:
                print("   ", example)
        return 0

    try:
        rows = read_phrasebook(options.phrasebook)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    evidence = gather(rows, kabardian_texts(options.data))
    for kind, count in balance(rows).items():
        print(f"{kind}: {count}")
    themes = Counter(row.origin for row in rows if row.lang == "kbd")
    print("themes:", ", ".join(f"{theme} {count}" for theme, count in themes.items()))
    once = sorted(word for word, hit in evidence.words.items() if hit.texts == 1)
    print(f"word forms: {len(evidence.words)}, {len(once)} of them seen in one text only")
    if options.verbose:
        for word in once:
            print(f"    {word}: {evidence.words[word].examples[0]}")
    found = problems(rows, evidence)
    for problem in found:
        print(problem)
    print(f"{len(found)} problems")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
