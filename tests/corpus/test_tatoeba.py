"""Tatoeba exports, in the forms in which they are offered."""

from __future__ import annotations

import bz2
import io
import tarfile

import pytest

from searchkbd.corpus.events import Remark
from searchkbd.corpus.files import corpora
from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.read import read_corpus
from searchkbd.corpus.sentence import CorpusError, Reject, Sentence

# Sentence 1 translates 2 directly and 3 by way of it; 8 stands alone; 9 is in no known language.
ROWS = [
    ("1", "kbd", "Псыр щӏыӏэщ."), ("2", "rus", "Вода холодная."), ("3", "eng", "Cold water."),
    ("5", "kbd", "Уэшх къошх."), ("6", "eng", "It is raining."), ("8", "tur", "Ekmek sıcak."),
]  # fmt: skip
SENTENCES = "".join("\t".join(row) + "\n" for row in ROWS)
LINKS = "2\t1\n1\t2\n2\t3\n3\t2\n5\t6\n6\t5\n8\t77\n77\t8\n"
DETAILED = (
    "1\tkbd\tПсыр щӏыӏэщ.\tadam\t2010-05-18 13:03:20\t2021-02-03 04:05:06\n"
    "2\trus\tВода холодная.\t\\N\t2010-05-18 13:03:20\t0000-00-00 00:00:00\n"
    "3\teng\tThe water is cold.\teve\t\\N\t\\N\n"
)


def archived(name: str, content: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:bz2") as tar:
        member = tarfile.TarInfo(name)
        member.size = len(content.encode())
        tar.addfile(member, io.BytesIO(content.encode()))
    return out.getvalue()


@pytest.fixture
def export(tmp_path):
    """Write files, and read them as they are named: export({name: content}, "sentences.csv")."""

    def export(files, *named, **options):
        for name, content in files.items():
            data = content if isinstance(content, bytes) else content.encode()
            (tmp_path / name).write_bytes(data)
        events = []
        options = {
            key: str(tmp_path / value) if key == "links" else value
            for key, value in options.items()
        }
        reading = ReadOptions(on_event=events.append, **options)
        paths = [str(tmp_path / name) for name in named or ("",)]
        ((file, reading),) = corpora(paths, reading)
        items = list(read_corpus(file, reading))
        export.events = events
        return (
            [item for item in items if isinstance(item, Sentence)],
            [item for item in items if isinstance(item, Reject)],
        )

    return export


def groups(sentences) -> dict[str, str]:
    return {sentence.id: sentence.group for sentence in sentences}


PER_LANGUAGE = {
    f"{lang}_sentences.tsv.bz2": bz2.compress(
        "".join("\t".join(row) + "\n" for row in ROWS if row[1] == lang).encode()
    )
    for lang in ("kbd", "rus", "eng", "tur")
}


@pytest.mark.parametrize(
    ("files", "named"),
    [
        ({"sentences.csv": SENTENCES, "links.csv": LINKS}, [""]),
        ({"sentences.csv": SENTENCES, "links.csv": LINKS}, ["sentences.csv"]),
        ({"sentences.tar.bz2": archived("sentences.csv", SENTENCES),
          "links.tar.bz2": archived("links.csv", LINKS)}, ["sentences.tar.bz2"]),
        ({"sentences.csv.bz2": bz2.compress(SENTENCES.encode()),
          "links.csv.bz2": bz2.compress(LINKS.encode())}, [""]),
        ({**PER_LANGUAGE, "links.csv": LINKS}, [""]),
        ({**PER_LANGUAGE, "links.csv": LINKS}, sorted(PER_LANGUAGE)),
        ({**PER_LANGUAGE, "kbd-rus_links.tsv": "1\t2\n", "rus-eng_links.tsv": "2\t3\n",
          "kbd-eng_links.tsv": "5\t6\n"}, [""]),
    ],
)  # fmt: skip
def test_groups_are_what_links_lead_to_and_direct_links_are_noted(export, files, named):
    sentences, rejects = export(files, *named)
    assert not rejects
    assert groups(sentences) == {
        "tatoeba:1": "tatoeba:1", "tatoeba:2": "tatoeba:1", "tatoeba:3": "tatoeba:1",
        "tatoeba:5": "tatoeba:5", "tatoeba:6": "tatoeba:5", "tatoeba:8": "tatoeba:8",
    }  # fmt: skip
    by_id = {sentence.id: sentence for sentence in sentences}
    assert [by_id[f"tatoeba:{row[0]}"].text for row in ROWS] == [row[2] for row in ROWS]
    assert by_id["tatoeba:1"].meta == {"tatoeba": {"links": [2]}}
    assert by_id["tatoeba:2"].meta == {"tatoeba": {"links": [1, 3]}}
    assert by_id["tatoeba:8"].meta is None
    assert {sentence.origin for sentence in sentences} == {"tatoeba"}
    assert by_id["tatoeba:2"].lang == "ru"


def test_files_that_are_called_otherwise_with_their_links(export):
    cut = SENTENCES.index("5\tkbd")
    files = {"mine.txt": SENTENCES[:cut], "more.txt": SENTENCES[cut:], "l.txt": LINKS}
    sentences, _ = export(files, "mine.txt", "more.txt", links="l.txt")
    assert len(sentences) == 6 and groups(sentences)["tatoeba:3"] == "tatoeba:1"


def test_only_languages_that_are_taken(export):
    files = {"sentences.csv": SENTENCES + "9\t\\N\tx\n", "links.csv": LINKS}
    sentences, rejects = export(files, take=("kbd", "en"))
    assert not rejects and [s.lang for s in sentences] == ["kbd", "en", "kbd", "en"]
    # 1 and 3 are joined by a sentence that is not read
    assert groups(sentences)["tatoeba:3"] == "tatoeba:3"
    assert sentences[2].group == sentences[3].group == "tatoeba:5"


def test_owners_and_dates(export):
    files = {"sentences_detailed.csv": DETAILED, "sentences.csv": "no such", "links.csv": "1\t2\n"}
    sentences, rejects = export(files)
    assert not rejects
    assert [s.date for s in sentences] == ["2021-02-03T04:05:06Z", "2010-05-18T13:03:20Z", None]
    assert [(s.meta or {}).get("tatoeba", {}).get("owner") for s in sentences] == [
        "adam", None, "eve",
    ]  # fmt: skip
    (sentence,), _ = export({"sentences_CC0.csv": "1\tkbd\tПсыр щӏыӏэщ.\t2020-01-02 03:04:05\n"},
                            "sentences_CC0.csv")  # fmt: skip
    assert sentence.date == "2020-01-02T03:04:05Z"


def test_bad_rows_are_rejected_and_the_rest_is_read(export):
    bad = "9\t\\N\tx\nx\tkbd\ty\n10\tkbd\n11\txxqq\tz\n99999999999\teng\tt\n12\teng\t...\n"
    files = {"sentences.csv": SENTENCES + bad, "links.csv": LINKS}
    sentences, rejects = export(files)
    assert len(sentences) == 6
    assert [(reject.place.line, reject.kind) for reject in rejects] == [
        (7, "unknown language"), (8, "wrong number"), (9, "wrong column count"),
        (10, "unknown language"), (11, "wrong number"), (12, "no text"),
    ]  # fmt: skip


def test_sentences_without_links_are_read_and_it_is_said(export):
    sentences, _ = export({"kbd_sentences.tsv": SENTENCES}, "kbd_sentences.tsv")
    assert len(set(groups(sentences).values())) == 6
    assert any(isinstance(event, Remark) and "--links" in event.text for event in export.events)


def test_a_table_of_ones_own_that_is_called_the_same(export):
    sentences, _ = export({"sentences.csv": "lang,text\nru,Вода\n"}, "sentences.csv")
    assert [(s.lang, s.text) for s in sentences] == [("ru", "Вода")]


@pytest.mark.parametrize(
    ("files", "named", "options", "said"),
    [
        ({}, [""], {}, "is a directory; name the files in it"),
        ({"sentences.csv": SENTENCES}, ["sentences.csv"], {"links": "none.csv"},
         "none.csv does not exist"),
        ({}, ["sentences.csv"], {"format": "tatoeba"}, "sentences.csv does not exist"),
        ({}, ["no/sentences.csv"], {"format": "tatoeba"}, "no/sentences.csv does not exist"),
        ({"sentences.csv": SENTENCES}, ["sentences.csv"], {"take": ("qqq1",)}, "unknown language"),
    ],
)  # fmt: skip
def test_what_cannot_be_read(export, files, named, options, said):
    with pytest.raises(CorpusError, match=said):
        export(files, *named, **options)


def test_standard_input_is_read_once_only():
    with pytest.raises(CorpusError, match="standard input is read once"):
        list(read_corpus("-", ReadOptions(format="tatoeba")))
