"""TMX: texts added to units, read back by translate-toolkit and by our own reader."""

from __future__ import annotations

import gzip

import pytest

from searchkbd.corpus.read import read_corpus
from searchkbd.corpus.sentence import CorpusError

tmx = pytest.importorskip("translate.storage.tmx")

WATER, BREAD = "Псыр щӏыӏэщ.", "Щакхъуэр хуабэщ."
HEADER = '<header creationtool="x" srclang="en-US" datatype="plaintext" segtype="sentence"/>'


def file(*units: str, header: str = HEADER) -> str:
    body = "\n".join(units)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE tmx SYSTEM "tmx14.dtd">\n'
        f'<tmx version="1.4">{header}<body>\n{body}\n</body></tmx>\n'
    )


def unit(text: str, more: str = "", lang: str = "EN-US") -> str:
    return (
        f'  <tu tuid="1">\n    <prop type="x">p</prop>\n    <tuv xml:lang="{lang}">'
        f"<seg>{text}</seg></tuv>{more}\n  </tu>"
    )


def texts(data: bytes, lang: str) -> list[str | None]:
    store = tmx.tmxfile.parsestring(data, sourcelanguage="en-US", targetlanguage=lang)
    return [u.target for u in store.units]


def test_a_text_is_added_and_all_else_stays(fill):
    french = '<tuv xml:lang="fr"><seg>x &#65; <bpt i=\'1\'/>y</seg></tuv>'
    xml = file(unit("The water is cold.", french), unit("Nothing like it"),
               unit("The bread is warm."), unit("Old", '<tuv xml:lang="KBD-RU"><seg>т</seg></tuv>'))
    done = fill(xml, "a.tmx")

    def added(match: str, origin: str, text: str) -> str:
        return (
            '\n    <tuv xml:lang="kbd" creationid="searchkbd">'
            f'<prop type="x-searchkbd:match">{match}</prop>'
            f'<prop type="x-searchkbd:origin">{origin}</prop>'
            f"<seg>{text}</seg></tuv>"
        )

    expected = xml.replace(french, french + added("exact 100", "human", WATER))
    expected = expected.replace(
        "The bread is warm.</seg></tuv>",
        "The bread is warm.</seg></tuv>" + added("exact 90", "mt:model:fuzzy", BREAD),
    )
    assert done.text == expected
    assert texts(done.data, "kbd") == [WATER, None, BREAD, None]
    assert (done.summary.kept, done.summary.translated, done.summary.review) == (1, 1, 1)
    assert fill(done.data, "b.tmx").data == done.data


def test_our_reader_knows_what_is_to_be_reviewed(fill, tmp_path):
    fill(file(unit("The water is very cold.")), "a.tmx", min_quality=70)
    found = {s.lang: s for s in read_corpus(tmp_path / "out-a.tmx")}
    assert (found["kbd"].text, found["kbd"].origin) == (WATER, "human:fuzzy")
    assert found["en"].origin == "out-a.tmx"


def test_an_empty_text_is_filled_in_place(fill):
    for empty in ("<seg/>", "<seg></seg>", "<note>n</note>\n<seg> </seg>", ""):
        there = f'<tuv xml:lang="kbd" usagecount="3">{empty}</tuv>'
        done = fill(file(unit("The water is cold.", there)), "a.tmx")
        assert texts(done.data, "kbd") == [WATER]
        assert done.text.count("<tuv ") == 2 and 'usagecount="3"' in done.text


def test_overwriting_twice_is_overwriting_once(fill):
    there = '<tuv xml:lang="kbd"><seg>т</seg></tuv>'
    done = fill(file(unit("The water is cold.", there)), "a.tmx", overwrite=True)
    assert texts(done.data, "kbd") == [WATER]
    assert fill(done.data, "b.tmx", overwrite=True).data == done.data


def test_tags(fill):
    pair = '<bpt i="4" type="bold">{{</bpt>{}<ept i="4">}}</ept>'
    done = fill(file(unit(f"Press the {pair.format('red')} key now.")), "a.tmx", target="ru")
    assert f"<seg>Сейчас нажмите {pair.format('красную')} клавишу.</seg>" in done.text


def test_context_of_properties(fill):
    key = unit("Open").replace('type="x">p', 'type="x-context">door')
    done = fill(file(key), "a.tmx", target="ru")
    assert "context 101" in done.text and "<seg>Открыть</seg>" in done.text


def test_the_source_language(fill):
    every = HEADER.replace("en-US", "*all*")
    with pytest.raises(CorpusError, match="--from LANG"):
        fill(file(unit("The water is cold."), header=every), "a.tmx")
    done = fill(file(unit("The water is cold."), unit("x", lang="fr"), header=every), "a.tmx",
                source="en")  # fmt: skip
    assert texts(done.data, "kbd")[0] == WATER and done.summary.total.segments == 1


def test_a_file_made_by_po2tmx(fill, tmp_path):
    po2tmx = pytest.importorskip("translate.convert.po2tmx")
    po = tmp_path / "a.po"
    po.write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'
        'msgid "The water is cold."\nmsgstr "Вода холодная."\n', "utf-8",
    )  # fmt: skip
    made = tmp_path / "made.tmx"
    store = po2tmx.tmxmultifile(str(made))
    with po.open("rb") as source:
        po2tmx.convertpo(source, store, None, targetlanguage="ru")
    made.write_bytes(bytes(store.tmxfile))
    done = fill(made.read_bytes(), "a.tmx")

    def pairs(data: bytes, lang: str):
        found = tmx.tmxfile.parsestring(data, sourcelanguage="en", targetlanguage=lang)
        return [(u.source, u.target) for u in found.units]

    assert pairs(done.data, "kbd") == [("The water is cold.", WATER)]
    assert pairs(done.data, "ru") == pairs(made.read_bytes(), "ru")


def test_many_units_on_one_line_and_compressed(fill):
    """More text than is held at once, in which units are told from their copies in comments."""
    one = unit("The water is cold.").replace("\n", " ")
    kept = unit("Old", '<tuv xml:lang="kbd"><seg>т</seg></tuv>').replace("\n", " ")
    line = f"<!-- {one} -->{one}{kept}" * 500
    xml = file(line)
    done = fill(gzip.compress(xml.encode()), "a.tmx.gz")
    back = gzip.decompress(done.data).decode()
    assert back.count("exact 100") == 500 == done.row("repetitions") + done.row("100")
    assert back.count(f"<!-- {one} -->") == 500
    added = back.partition(f"<!-- {one} -->")[2].partition("cold.</seg></tuv>")[2]
    added = added.partition("   </tu>")[0]
    assert back.replace(added, "") == xml
