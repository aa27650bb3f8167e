"""Damaged files: what ``verify`` says of each, and what searches answer.

An index is damaged in one place at a time, in a process of its own, since what reads it is partly
not Python; then it is made whole again.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import sqlite3
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from searchkbd import api
from searchkbd.errors import SearchkbdError
from searchkbd.index.codes import Recall
from searchkbd.index.compaction import compact
from searchkbd.index.editing import delete_rows
from searchkbd.index.reader import IndexReader
from searchkbd.index.schema import FULL_TEXT, KINDS, database_path
from searchkbd.index.verify import verify_index
from searchkbd.index.writer import build_index
from searchkbd.search.engine import search
from searchkbd.search.hit import SearchMode
from searchkbd.text.forms import search_key, words
from tests.conftest import TrigramEncoder
from tests.index.crash.model import (
    Operation,
    State,
    World,
    Wrong,
    check,
    check_vectors,
    new_sentences,
    state_of,
)

PLACES = ("database", *KINDS)
"""Kinds of files of an index."""

Answers = dict[str, str]
"""What was asked → what was answered, or REFUSED."""

REFUSED = "refused"


@dataclass(frozen=True)
class Outcome:
    """What one damage led to.

    ``found``: by ``verify``. ``refused`` and ``wrong`` count the answers that were an error for
    the user, and those that were other answers. ``means_nothing``: every row of every table reads
    as before. ``broken``: an error that is not for the user, or the death of the process.
    """

    found: bool = False
    refused: int = 0
    wrong: int = 0
    means_nothing: bool = False
    broken: str = ""

    @property
    def is_bad(self) -> bool:
        """Whether nobody is told of a change, or somebody is told in the wrong way."""
        return bool(self.broken) or not (self.found or (self.means_nothing and not self.wrong))

    def names(self) -> list[str]:
        """Return what there is to count in it."""
        said = {
            "damages": True,
            "found": self.found,
            "means nothing": not self.found and self.means_nothing,
            "some refused": self.refused > 0,
            "some wrong": self.wrong > 0,
            "broken": bool(self.broken),
            "bad": self.is_bad,
        }
        return [name for name, happened in said.items() if happened]


class Patient:
    """A sound index that is damaged and made whole again."""

    def __init__(self, directory: Path, seed: int) -> None:
        self.directory = directory
        self.rng = random.Random(seed)
        self._world = World(seed)
        self.state = _build(directory, self._world)
        self._questions = _questions(self.state, self.rng)
        self._sound = _answers(directory, self._questions)
        self._content = _content(directory)
        if REFUSED in self._sound.values() or not verify_index(directory).ok:
            raise AssertionError("damaged before anything was done")

    def files(self, place: str) -> list[Path]:
        """Return the files of this kind."""
        if place == "database":
            return [database_path(self.directory)]
        return sorted((self.directory / place).iterdir())

    def flipped(self, place: str, times: int) -> Iterator[tuple[str, Outcome]]:
        """Flip one bit after the other, *times* in all; yield where, and what came of it.

        One of four is in the first hundred bytes, where headers are.
        """
        for _ in range(times):
            path = self.rng.choice(self.files(place))
            data = path.read_bytes()
            end = min(100, len(data)) if self.rng.random() < 0.25 else len(data)
            at, bit = self.rng.randrange(end), self.rng.randrange(8)
            changed = bytearray(data)
            changed[at] ^= 1 << bit
            where = f"{path.name} byte {at} bit {bit}"
            yield where, self.examined(path, lambda p, new=bytes(changed): p.write_bytes(new))

    def cut(self, place: str) -> Iterator[tuple[str, Outcome]]:
        """Take away, empty, shorten, lengthen and zero a file of this kind; yield as above."""
        path = self.rng.choice(self.files(place))
        size = path.stat().st_size
        for name, damage in {
            "missing": lambda p: p.unlink(),
            "empty": lambda p: os.truncate(p, 0),
            "half": lambda p: os.truncate(p, size // 2),
            "a byte short": lambda p: os.truncate(p, size - 1),
            "a byte long": lambda p: os.truncate(p, size + 1),
            "zeros": lambda p: p.write_bytes(bytes(size)),
            "of noise": lambda p: p.write_bytes(self.rng.randbytes(size)),
        }.items():
            yield f"{path.name} {name}", self.examined(path, damage)

    def written_to(self, place: str, times: int) -> Iterator[tuple[str, Outcome]]:
        """Flip bits and write to the index then; yield as above.

        Damage must not become the index: what is written is right, or refused, or still known to
        be damaged.
        """
        for number in range(times):
            name = ("add", "delete", "edit")[number % 3]
            operation = self._world.make(name, self.state)
            path = self.rng.choice(self.files(place))
            data = bytearray(path.read_bytes())
            at, bit = self.rng.randrange(len(data)), self.rng.randrange(8)
            data[at] ^= 1 << bit
            outcome = self.examined(
                path, lambda p, new=bytes(data): p.write_bytes(new), partial(self._write, operation)
            )
            yield f"{name} after {path.name} byte {at} bit {bit}", outcome

    def _write(self, operation: Operation) -> Outcome:
        copy = Path(shutil.copytree(self.directory, self.directory.with_name("written")))
        try:
            operation.run(copy)
            compact(copy)  # copies what is there into new files, with new checksums
        except SearchkbdError:
            return Outcome(found=True, refused=1)
        else:
            try:
                if not verify_index(copy).ok:
                    return Outcome(found=True)
                check(copy, [operation.after], self.rng)
                check_vectors(copy)
            except SearchkbdError:
                return Outcome(found=True)
            except Wrong:
                return Outcome(wrong=1)
            return Outcome(means_nothing=True)
        finally:
            shutil.rmtree(copy)

    def examined(
        self,
        path: Path,
        damage: Callable[[Path], object],
        examine: Callable[[], Outcome] | None = None,
    ) -> Outcome:
        """Do *damage* to *path*, see what comes of it, and make it whole again."""
        data = path.read_bytes()
        damage(path)
        try:
            return _in_child(examine or self._examine)
        finally:
            path.write_bytes(data)
            for suffix in ("-wal", "-shm"):
                Path(f"{database_path(self.directory)}{suffix}").unlink(missing_ok=True)

    def _examine(self) -> Outcome:
        try:
            found = not verify_index(self.directory).ok
        except SearchkbdError:
            found = True
        answers = _answers(self.directory, self._questions)
        refused = sum(answer == REFUSED for answer in answers.values())
        same = sum(answer == self._sound[name] for name, answer in answers.items())
        return Outcome(
            found,
            refused,
            len(answers) - refused - same,
            means_nothing=_content(self.directory) == self._content,
        )


def _build(directory: Path, world: World) -> State:
    """Build an index of every kind of file, with sentences deleted and changed; return it."""
    # Inverted lists for the one, codes without them for the other, neither for the third.
    langs = ["kbd"] * 6 + ["ru"] * 4 + ["en"]
    new = new_sentences(world.rng, world.numbers, 220, world.rng.sample(langs, len(langs)))
    build_index(directory, new, world.encoder)
    compact(directory)
    state = state_of(new)
    doomed = world.rng.sample(sorted(state), 12)
    delete_rows(directory, doomed)
    state = {id: said for id, said in state.items() if id not in set(doomed)}
    operation = world.make("edit", state)
    operation.run(directory)
    with IndexReader(directory) as reader:
        if {entry.kind for entry, _ in reader.codes} != {"pq", "ivfpq"} or not any(
            entry.dead for entry in reader.segments
        ):
            raise AssertionError("not every kind of thing is in the index")
    return operation.after


def _questions(state: State, rng: random.Random) -> list[tuple[str, str]]:
    """Return languages and texts to ask for: of sentences that are there, with a word left out."""
    chosen = [state[id] for id in rng.sample(sorted(state), 3)]
    return [(lang, " ".join(text.split()[1:])) for lang, text in chosen]


def _answers(directory: Path, questions: list[tuple[str, str]]) -> Answers:
    answers: Answers = {}
    opened: list[api.Index] = []
    for name, question in _asked(questions):
        try:
            if not opened:
                opened.append(api.open_index(directory, TrigramEncoder(), map_vectors=False))
            answers[name] = repr(question(opened[0]))
        except SearchkbdError:
            answers[name] = REFUSED
            while opened:  # one refusal is no excuse for the next
                opened.pop().close()
    while opened:
        opened.pop().close()
    return answers


def _asked(questions: list[tuple[str, str]]) -> Iterator[tuple[str, Callable[[api.Index], object]]]:
    """Yield what is asked of an index, with a name."""
    for number, (lang, text) in enumerate(questions):
        for mode, recall in (
            (SearchMode.SEMANTIC, Recall.FAST),
            (SearchMode.SEMANTIC, Recall.EXACT),
            (SearchMode.FUSED, Recall.BALANCED),
            (SearchMode.LEXICAL, Recall.BALANCED),
        ):
            yield f"{number} {mode.value} {recall.value}", _search(lang, text, mode, recall)
        other = "ru" if lang != "ru" else "kbd"
        yield f"{number} memory", lambda i, t=text, a=lang, b=other: i.look_up([t], a, b)
        word = words(search_key(text))[0]
        yield (
            f"{number} concordance",
            lambda i, w=word: list(i.concordance(w, order="left").lines(None)),
        )


def _search(
    lang: str, text: str, mode: SearchMode, recall: Recall
) -> Callable[[api.Index], object]:
    def question(index: api.Index) -> object:
        with index._reader.damage_reported():
            return search(
                index._reader, index.encoder, [text], [lang], k=5, mode=mode, recall=recall
            )

    return question


# Of full-text tables: row 1 has the totals, which only ranking by BM25 would read; row 10 begins
# with four bytes that tell other connections when to read the configuration again.
_MEANINGFUL = "SELECT id, substr(block, CASE id WHEN 1 THEN 1e6 WHEN 10 THEN 5 ELSE 1 END) FROM"


def _content(directory: Path) -> str:
    """Return a digest of every row of every table, and of what SQLite says of them."""
    digest = hashlib.sha256()
    path = database_path(directory).absolute()
    if not path.exists():
        return "not there"
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    connection.text_factory = bytes
    try:
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE rootpage > 0 AND type = 'table' ORDER BY name"
        ).fetchall():
            name = name.decode()
            sql = _MEANINGFUL if name in {f"{each}_data" for each in FULL_TEXT} else "SELECT * FROM"
            for row in connection.execute(f"{sql} {name}"):
                digest.update(repr(row).encode())
        for row in connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master"):
            digest.update(repr(row).encode())
        digest.update(repr(connection.execute("PRAGMA integrity_check").fetchall()).encode())
    except (sqlite3.Error, UnicodeDecodeError) as error:
        return f"cannot be read: {error}"
    finally:
        connection.close()
    return digest.hexdigest()


def _in_child(work: Callable[[], Outcome]) -> Outcome:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reading)
            try:
                outcome = work()
            except BaseException:
                outcome = Outcome(broken=traceback.format_exc()[-2000:])
            os.write(writing, json.dumps(asdict(outcome)).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading, encoding="utf-8") as said:
        text = said.read()
    _, status = os.waitpid(pid, 0)
    return Outcome(**json.loads(text)) if text else Outcome(broken=f"died with status {status}")
