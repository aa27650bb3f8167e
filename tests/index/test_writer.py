"""Building an index: what is kept, what is merged, what is refused, and all or nothing."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from searchkbd.corpus.groups import with_groups
from searchkbd.corpus.sentence import Place, Reject, Sentence
from searchkbd.errors import (
    EncoderMismatchError,
    IndexBusyError,
    IndexDamagedError,
    IndexExistsError,
    IndexNotFoundError,
    NothingToBuildError,
)
from searchkbd.index import segments, writer
from searchkbd.index.reader import IndexReader
from searchkbd.index.verify import verify_index
from searchkbd.index.writer import Mode, build_index


def sentence(id, text, lang="ru", group=None, **more) -> Sentence:
    return Sentence(id, lang, text, group or id, more.pop("origin", "test"), None, Place("t", 1))


PAIR = [sentence("1", "Вода холодная.", group="g"), sentence("2", "Псыр щӀыӀэщ.", "kbd", "g")]


def texts(directory) -> set[tuple[str, str]]:
    with IndexReader(directory) as reader:
        return set(reader.connection.execute("SELECT id, text FROM sentences"))


def test_what_goes_in_comes_out(tmp_path, trigrams):
    meta = {"note": "из письма"}
    item = Sentence("a1", "kbd", "Уэс къесащ", "g7", "mine", meta, Place("f.tsv", 3))
    summary = build_index(tmp_path / "i", [item, *PAIR], trigrams)
    assert (summary.read, summary.added, summary.total) == (3, 3, 3)
    assert summary.languages == {"kbd": 2, "ru": 1}
    with IndexReader(tmp_path / "i") as reader:
        (stored,) = reader.with_key("уэс къесащ", "kbd")
        assert (stored.id, stored.text, stored.group, stored.origin, stored.meta) == (
            "a1", "Уэс къесащ", "g7", "mine", meta,
        )  # fmt: skip
        expected = trigrams.encode([item.text])
        assert np.allclose(reader.vectors([stored.row]), expected, atol=1e-3)
        group = reader.groups([reader.with_key("вода холодная.", "ru")[0].group_row])
        assert [s.id for members in group.values() for s in members] == ["1", "2"]
    assert verify_index(tmp_path / "i").ok


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 12), st.sampled_from(["kbd", "ru", "de"]),
            st.text(alphabet="аэӏI1 xb", min_size=1, max_size=6), st.integers(0, 3),
        ),
        min_size=1, max_size=40,
    )
)  # fmt: skip
def test_every_row_is_added_merged_or_rejected(tmp_path_factory, trigrams, rows):
    directory = tmp_path_factory.mktemp("p") / "i"
    items = [sentence(f"s{i}", text, lang, f"g{g}") for i, lang, text, g in rows]
    rejects: list[Reject] = []
    summary = build_index(directory, items, trigrams, on_reject=rejects.append)
    assert summary.read == len(items) == summary.added + summary.merged + summary.rejected
    assert summary.rejected == len(rejects)
    with IndexReader(directory) as reader:
        stored = reader.connection.execute(
            "SELECT count(*), count(DISTINCT id) FROM sentences"
        ).fetchone()
        assert stored == (summary.added, summary.added)
    assert verify_index(directory).ok


def test_duplicates_are_merged_by_key_language_and_group(tmp_path, trigrams):
    items = [
        sentence("1", "ЩIалэр къэкIуащ.", "kbd", "g"),
        sentence("2", "щ1алэр  къэк1уащ.", "kbd", "g"),
        sentence("3", "ЩIалэр къэкIуащ.", "kbd", "other group"),
        sentence("4", "ЩIалэр къэкIуащ.", "ady", "g"),
    ]
    summary = build_index(tmp_path / "i", items, trigrams)
    assert (summary.added, summary.merged) == (3, 1)
    assert {id for id, _ in texts(tmp_path / "i")} == {"1", "3", "4"}


def test_100_000_duplicates_are_one_sentence(tmp_path, trigrams):
    items = (sentence(str(n), "Одно и то же.", group="g") for n in range(100_000))
    summary = build_index(tmp_path / "i", items, trigrams)
    assert (summary.added, summary.merged) == (1, 99_999)


def test_an_id_used_twice_is_rejected_with_its_place(tmp_path, trigrams):
    rejects: list[Reject] = []
    second = Sentence("1", "ru", "Другое.", "h", "test", None, Place("b.tsv", 9))
    summary = build_index(tmp_path / "i", [*PAIR, second], trigrams, on_reject=rejects.append)
    assert (summary.added, summary.rejected) == (2, 1)
    (reject,) = rejects
    assert str(reject.place) == "b.tsv:9"
    assert "'1'" in reject.reason and "Вода холодная." in reject.reason


def test_an_id_that_was_made_is_never_a_reason_to_reject(tmp_path, trigrams):
    def line(text):
        return Sentence("in.txt:1", "ru", text, text, "t", None, Place("t", 1), own_id=False)

    build_index(tmp_path / "i", [line("Один.")], trigrams)
    summary = build_index(
        tmp_path / "i", [line("Другой."), line("Третий.")], trigrams, mode=Mode.ADD
    )
    assert (summary.added, summary.rejected) == (2, 0)
    found = texts(tmp_path / "i")
    assert {text for _, text in found} == {"Один.", "Другой.", "Третий."}
    assert ("in.txt:1", "Один.") in found and len({id for id, _ in found}) == 3


def test_rejects_pass_through(tmp_path, trigrams):
    reject = Reject(Place("t", 4), "no text", "")
    seen: list[Reject] = []
    summary = build_index(tmp_path / "i", [reject, *PAIR], trigrams, on_reject=seen.append)
    assert seen == [reject] and summary.rejected == 1


@pytest.mark.parametrize("items", [[], [Reject(Place("t", 1), "no text", "")]])
def test_nothing_to_build_leaves_nothing(tmp_path, trigrams, items):
    with pytest.raises(NothingToBuildError):
        build_index(tmp_path / "i", items, trigrams)
    assert list(tmp_path.iterdir()) == []


def test_an_index_is_not_overwritten_unasked(tmp_path, trigrams):
    build_index(tmp_path / "i", PAIR, trigrams)
    before = texts(tmp_path / "i")
    with pytest.raises(IndexExistsError, match="--add"):
        build_index(tmp_path / "i", [sentence("9", "Новое.")], trigrams)
    assert texts(tmp_path / "i") == before


def test_add_keeps_the_old_and_finds_duplicates_of_it(tmp_path, trigrams):
    build_index(tmp_path / "i", PAIR, trigrams)
    summary = build_index(
        tmp_path / "i", [*PAIR, sentence("3", "Новое.")], trigrams, mode=Mode.ADD
    )
    assert (summary.added, summary.merged, summary.total) == (1, 2, 3)
    assert {id for id, _ in texts(tmp_path / "i")} == {"1", "2", "3"}
    assert verify_index(tmp_path / "i").ok


def test_replace_leaves_only_the_new(tmp_path, trigrams):
    build_index(tmp_path / "i", PAIR, trigrams)
    build_index(tmp_path / "i", [sentence("3", "Новое.")], trigrams, mode=Mode.REPLACE)
    assert {id for id, _ in texts(tmp_path / "i")} == {"3"}
    result = verify_index(tmp_path / "i")
    assert result.ok and not result.orphans


def test_a_reader_keeps_its_snapshot_while_the_index_is_replaced(tmp_path, trigrams):
    build_index(tmp_path / "i", PAIR, trigrams)
    with IndexReader(tmp_path / "i") as reader:
        assert reader.partitions
        build_index(tmp_path / "i", [sentence("3", "Новое.")], trigrams, mode=Mode.REPLACE)
        (stored,) = reader.with_key("вода холодная.", "ru")
        expected = trigrams.encode([stored.text])
        assert np.allclose(reader.vectors([stored.row]), expected, atol=1e-3)
    assert {id for id, _ in texts(tmp_path / "i")} == {"3"}


def test_another_encoder_is_refused(tmp_path, trigrams):
    build_index(tmp_path / "i", PAIR, trigrams)
    other = type("Other", (type(trigrams),), {"name": "other", "fingerprint": "f2"})()
    with pytest.raises(EncoderMismatchError, match=r"trigrams .*other \(f2\)"):
        build_index(tmp_path / "i", [sentence("3", "Новое.")], other, mode=Mode.ADD)
    build_index(tmp_path / "i", PAIR, other, mode=Mode.REPLACE)


def test_places_that_are_no_index(tmp_path, trigrams):
    (tmp_path / "file").write_text("x")
    with pytest.raises(IndexExistsError, match="a file"):
        build_index(tmp_path / "file", PAIR, trigrams)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("x")
    with pytest.raises(IndexExistsError, match="letter.txt"):
        build_index(tmp_path / "full", PAIR, trigrams, mode=Mode.REPLACE)
    assert (tmp_path / "full" / "letter.txt").read_text() == "x"
    (tmp_path / "foreign").mkdir()
    sqlite3.connect(tmp_path / "foreign" / "index.db").executescript("CREATE TABLE t (x)")
    for mode in Mode:
        with pytest.raises(IndexNotFoundError, match="something else"):
            build_index(tmp_path / "foreign", PAIR, trigrams, mode=mode)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "index.db").write_bytes(b"not a database " * 100)
    with pytest.raises(IndexDamagedError, match="not a database"):
        build_index(tmp_path / "broken", PAIR, trigrams)
    (tmp_path / "empty").mkdir()
    build_index(tmp_path / "empty", PAIR, trigrams)
    assert len(texts(tmp_path / "empty")) == 2


def test_an_error_in_the_input_leaves_the_old_index(tmp_path, trigrams, monkeypatch):
    monkeypatch.setattr(writer, "ENCODE_BATCH", 1)
    monkeypatch.setattr(segments, "SEGMENT_ROWS", 1)
    build_index(tmp_path / "i", PAIR, trigrams)
    before = texts(tmp_path / "i")

    def items():
        yield sentence("8", "Успело.")
        yield sentence("9", "И это.")
        raise KeyboardInterrupt

    for mode in (Mode.ADD, Mode.REPLACE):
        with pytest.raises(KeyboardInterrupt):
            build_index(tmp_path / "i", items(), trigrams, mode=mode)
        assert texts(tmp_path / "i") == before
        result = verify_index(tmp_path / "i")
        assert result.ok and not result.orphans
    with pytest.raises(KeyboardInterrupt):
        build_index(tmp_path / "new", items(), trigrams)
    assert not (tmp_path / "new").exists()


def test_one_writer_at_a_time(tmp_path, trigrams):
    build_index(tmp_path / "i", PAIR, trigrams)

    def items():
        yield sentence("5", "Первый пишет.")
        with pytest.raises(IndexBusyError, match=f"process {os.getpid()} "):
            build_index(tmp_path / "i", [sentence("6", "Второй.")], trigrams, mode=Mode.ADD)

    build_index(tmp_path / "i", items(), trigrams, mode=Mode.ADD)
    assert {id for id, _ in texts(tmp_path / "i")} == {"1", "2", "5"}


def test_many_small_segments_are_searched_as_one(tmp_path, trigrams, monkeypatch):
    monkeypatch.setattr(writer, "ENCODE_BATCH", 3)
    monkeypatch.setattr(segments, "SEGMENT_ROWS", 5)
    items = [sentence(str(n), f"Предложение номер {n}.") for n in range(23)]
    build_index(tmp_path / "i", items, trigrams)
    with IndexReader(tmp_path / "i") as reader:
        assert [entry.rows for entry in reader.segments] == [5, 5, 5, 5, 3]
        rows = [row for (row,) in reader.connection.execute("SELECT row FROM sentences")]
        stored = reader.sentences(rows)
        vectors = trigrams.encode([stored[row].text for row in rows])
        assert np.allclose(reader.vectors(rows), vectors, atol=1e-3)
    assert verify_index(tmp_path / "i").ok


KILLED = textwrap.dedent(
    """
    import sys, time
    from pathlib import Path
    sys.path[:0] = sys.argv[3:]
    from conftest import TrigramEncoder
    from searchkbd.corpus.sentence import Place, Sentence
    from searchkbd.index import segments, writer
    writer.ENCODE_BATCH, segments.SEGMENT_ROWS = 7, 20
    def items():
        for n in range(400):
            if n == 60:
                print("started", flush=True)
            yield Sentence(f"k{n}", "kbd", f"ЩIалэ {n}", f"g{n}", "t", None, Place("t", n))
    writer.build_index(sys.argv[1], items(), TrigramEncoder(), mode=writer.Mode(sys.argv[2]))
    print("done", flush=True)
    """
)


@pytest.mark.skipif(os.name != "posix", reason="kills processes by POSIX signals")
@pytest.mark.parametrize("mode", ["new", "add", "replace"])
def test_killed_at_any_moment_the_index_is_the_old_or_the_new(tmp_path, trigrams, mode):
    """kill -9 after a growing delay: what opens is one of the two, whole, and a rerun works."""
    new = {(f"k{n}", f"ЩIалэ {n}") for n in range(400)}
    old = {(s.id, s.text) for s in PAIR} if mode != "new" else set()
    after = new | old if mode == "add" else new
    outcomes = set()
    here = os.path.dirname(os.path.dirname(__file__))
    for attempt in range(8):
        directory = tmp_path / f"i{attempt}"
        if old:
            build_index(directory, PAIR, trigrams)
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(directory), mode, here, os.path.dirname(here)],
            stdout=subprocess.PIPE,
        )
        assert process.stdout.readline() == b"started\n"
        time.sleep(0.004 * attempt**2)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        try:
            found = texts(directory)
        except IndexNotFoundError:
            found = set()
        assert found in (old, after)
        outcomes.add(found == after)
        if found:
            assert verify_index(directory).ok
        if found != after:
            retry = [sentence(id, text, "kbd") for id, text in sorted(new)]
            build_index(directory, retry, trigrams, mode=Mode(mode))
            assert texts(directory) == after
            result = verify_index(directory)
            assert result.ok and not result.orphans
    assert False in outcomes  # at least the first kill came before the commit


def unit_of(texts, unit, line=1):
    """Sentences of one unit of an exchange format, as readers make them: one ``unit`` object."""
    return [
        Sentence(f"l{line}:{n}", lang, text, "", "o", None, Place("x.tmx", line), unit=unit)
        for n, (lang, text) in enumerate(texts)
    ]


def test_a_unit_keeps_what_it_says_twice_and_a_repeated_unit_is_merged(tmp_path, trigrams):
    texts = [("ru", "Да"), ("ru", "да"), ("en", "Yes")]
    items = [
        *unit_of(texts, {"tmx": {}}),
        *unit_of(texts, {"tmx": {}}),  # on the same line
        *unit_of(texts, {"tmx": {}}, line=2),
        *unit_of(texts, {"tmx": {"attributes": {"tuid": "2"}}}, line=3),
    ]
    summary = build_index(tmp_path / "i", with_groups(items), trigrams)
    assert (summary.read, summary.added, summary.merged) == (12, 6, 6)
    with IndexReader(tmp_path / "i") as reader:
        groups = {}
        for sentence in reader.iterate():
            groups.setdefault(sentence.group, []).append((sentence.lang, sentence.text))
        assert list(groups.values()) == [texts, texts]
        last = [s.unit for s in reader.iterate()][3:]
        assert last == [{"tmx": {"attributes": {"tuid": "2"}}}] * 3
