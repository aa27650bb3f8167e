"""What holds for every format: batches, penalties, meaning, and files whole or not at all."""

from __future__ import annotations

import pytest

from searchkbd.corpus.sentence import CorpusError
from searchkbd.pretranslation import answers, run
from searchkbd.pretranslation.statistics import ROWS, Summary, word_count


def test_more_segments_than_one_batch(fill, memory_index, monkeypatch):
    asked = []
    look_up = memory_index.look_up

    def counted(queries, *rest, **named):
        asked.append(len(queries))
        return look_up(queries, *rest, **named)

    monkeypatch.setattr(memory_index, "look_up", counted)
    nothing = [f"Nothing like {n * n} it" for n in range(200)]
    texts = ["The water is cold.", *nothing, "It is raining."]
    done = fill("en\n" + "".join(f"{text}\n" for text in texts * 2), "a.tsv")
    assert sum(asked) == 202 and max(asked) <= run._BATCH_SEGMENTS
    lines = done.text.splitlines()
    assert lines[1] == lines[203] == "The water is cold.\tПсыр щӏыӏэщ.\texact\t100"
    assert done.row("repetitions") == 202
    assert done.summary.total.segments == 404


def test_what_is_remembered_is_bounded(fill, monkeypatch):
    monkeypatch.setattr(answers, "MAX_REMEMBERED", 2)
    monkeypatch.setattr(run, "_BATCH_SEGMENTS", 1)
    text = "en\nIt is raining.\nOne\nTwo\nTwo\nIt is raining.\n"
    assert fill(text, "a.tsv").row("repetitions") == 1


def test_penalties(fill):
    text = "en\nThe bread is warm.\n"
    assert "exact\t90" in fill(text, "a.tsv").text
    free = fill(text, "a.tsv", penalties=(("mt*", 0),))
    assert "exact\t100" in free.text and free.summary.translated == 1
    assert "exact" not in fill(text, "a.tsv", penalties=(("mt*", 16),)).text


def test_by_meaning_only_when_asked_and_never_as_fuzzy(fill):
    po = 'msgid "raining cats"\nmsgstr ""\n'
    assert fill(po, "a.po", min_quality=85).summary.review == 0
    done = fill(po, "a.po", min_quality=85, semantic=True, min_similarity=0.3)
    assert "#, fuzzy" in done.text and "# searchkbd: semantic 0." in done.text
    assert (done.summary.semantic, done.summary.review, done.summary.translated) == (1, 1, 0)
    assert done.row("semantic") == 1 and done.row("none") == 0
    exact = fill('msgid "It is raining."\nmsgstr ""\n', "b.po", semantic=True)
    assert "exact 100" in exact.text and exact.summary.semantic == 0


def test_a_failure_leaves_what_was_there(fill, tmp_path, memory_index, monkeypatch):
    out = tmp_path / "out-a.tsv"
    out.write_text("of before")

    def fails(*arguments, **named):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(memory_index, "look_up", fails)
    with pytest.raises(OSError, match="No space"):
        fill("en\nx\n", "a.tsv")
    assert out.read_text() == "of before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tsv", "out-a.tsv"]


@pytest.mark.parametrize("name", ["a.po", "a.xlf", "a.tmx", "a.tsv", "a.csv"])
@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"PK\x03\x04zip", b"\x1f\x8bbroken"])
def test_files_that_are_none(fill, name, content):
    with pytest.raises(CorpusError):
        fill(content, name, source="en")


def test_a_format_that_is_not_filled(fill):
    with pytest.raises(CorpusError, match="say --format"):
        fill("x", "a.txt")
    with pytest.raises(CorpusError, match="say --format"):
        fill("x", "a.unknown")


def test_texts_without_words_are_left_and_not_counted(fill):
    done = fill('msgid "…"\nmsgstr ""\n\nmsgid "It is raining."\nmsgstr ""\n', "a.po")
    assert 'msgid "…"\nmsgstr ""\n' in done.text and done.summary.total.segments == 1


def test_words_and_percents():
    assert word_count("Well - it's 20 km, isn't it?") == 6
    summary = Summary()
    summary.count("one two three", None, None, repeated=False)
    summary.count("four", None, None, repeated=True)
    assert summary.percent("none") == 75 and summary.percent("repetitions") == 25
    shape = summary.to_dict()
    assert [row["match"] for row in shape["rows"]] == list(ROWS)
    assert (shape["segments"], shape["words"]) == (2, 4)
    assert Summary().percent("none") == 0
