"""XML that is damaged or made to do harm: it is told, costs little, and the good units stay."""

from __future__ import annotations

import bz2
import gzip
import subprocess
import sys
import time
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchkbd.corpus import xml_units
from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.read import read_corpus
from searchkbd.corpus.sentence import CorpusError, Reject

HEAD = '<?xml version="1.0" encoding="utf-8"?>\n{}<tmx version="1.4"><header srclang="ru"/><body>\n'
TAIL = "</body></tmx>\n"


def unit(text: str, lang: str = "ru") -> str:
    return f'<tu><tuv xml:lang="{lang}"><seg>{text}</seg></tuv></tu>\n'


GOOD = unit("Начало"), unit("Конец")


def between(bad: str, doctype: str = "") -> str:
    """A file of a good unit, *bad* on line 4 (without a DOCTYPE), and another good unit."""
    return HEAD.format(doctype) + GOOD[0] + bad + GOOD[1] + TAIL


def kept(sentences) -> bool:
    return [s.text for s in sentences] == ["Начало", "Конец"]


# --- entities ----------------------------------------------------------------------------------

LAUGHS = "".join(
    f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ха"}">\n' for n in range(10)
)  # fmt: skip


def test_entities_of_the_file_are_not_expanded(read):
    doctype = f"<!DOCTYPE tmx [\n{LAUGHS}]>\n"
    started = time.perf_counter()
    sentences, rejects = read(between(unit("&l9;"), doctype), "in.tmx")
    assert time.perf_counter() - started < 5
    assert kept(sentences)
    assert [r.reason for r in rejects] == [
        "not well-formed: Entity 'l9' not defined; entities that a file declares are never expanded"
    ]
    assert rejects[0].place.line == 4 + doctype.count("\n")


def test_a_long_entity_used_often_takes_no_memory(read):
    doctype = f'<!DOCTYPE tmx [<!ENTITY a "{"а" * 100_000}">]>\n'
    tracemalloc.start()
    try:
        sentences, rejects = read(between(unit("&a;" * 10_000), doctype), "in.tmx")
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()
    assert kept(sentences)
    assert [r.kind for r in rejects] == ["not well-formed"]


def test_external_entities_and_parameter_entities_are_not_read(read, tmp_path):
    secret = tmp_path / "secret.dtd"
    secret.write_text('<!ENTITY y "тайна">тайна')
    doctype = (
        f'<!DOCTYPE tmx SYSTEM "{secret}" [<!ENTITY x SYSTEM "file://{secret}">'
        f'<!ENTITY % p SYSTEM "file://{secret}"> %p;]>\n'
    )
    bad = unit("&x;") + unit("&y;") + f'<tu a="&x;">{unit("нет")[4:]}'
    sentences, rejects = read(between(bad, doctype), "in.tmx")
    assert kept(sentences)
    assert [r.kind for r in rejects] == ["not well-formed"] * 3
    assert not any("тайна" in r.reason + r.raw for r in rejects)


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE tmx SYSTEM "tmx14.dtd">',
        '<!DOCTYPE tmx PUBLIC "-//LISA OSCAR:1998//DTD for Translation Memory eXchange//EN" "http://x/t.dtd">',
        "<!DOCTYPE tmx>",
        '<!DOCTYPE tmx [<!ENTITY a "]>"> <!-- ]> \' --> <?pi ]> ?> <!ELEMENT tmx ANY>]>',
        """<!DOCTYPE tmx SYSTEM 'a">b' [<!ENTITY b '<tu>"'>] >""",
    ],
)  # fmt: skip
def test_a_doctype_is_passed_over(read, doctype):
    sentences, rejects = read(between("", doctype), "in.tmx")
    assert kept(sentences)
    assert rejects == []


def test_a_doctype_without_an_end_is_told(read):
    doctype = "<!DOCTYPE tmx [" + '<!ENTITY a "b">\n' * 100_000
    sentences, rejects = read(between("", doctype), "in.tmx")
    assert kept(sentences)
    assert [(r.place.line, r.reason) for r in rejects] == [
        (2, "not well-formed: a DOCTYPE that does not end")
    ]


# --- one damaged unit --------------------------------------------------------------------------

BAD = {
    "mismatched tags": '<tu><tuv xml:lang="ru"><seg>плохо</tuv></seg></tu>\n',
    "no end of the text": '<tu><tuv xml:lang="ru"><seg>плохо</tuv></tu>\n',
    "no end of the unit": '<tu><tuv xml:lang="ru"><seg>плохо</seg></tuv>\n',
    "no start of the unit": '<tuv xml:lang="ru"><seg>плохо</seg></tuv></tu>\n',
    "no end of a comment": unit("плохо <!-- "),
    "no end of a section": unit("плохо <![CDATA[ "),
    "no end of an instruction": unit("плохо <?x "),
    "an ampersand": unit("плохо & так"),
    "a bracket": unit("плохо < так"),
    "a control character": unit("плохо \x03"),
    "a reference to one": unit("плохо &#3;"),
    "a reference to a surrogate": unit("плохо &#xD800;"),
    "an attribute twice": '<tu a="1" a="2"><tuv xml:lang="ru"><seg>плохо</seg></tuv></tu>\n',
    "a value without quotes": "<tu><tuv xml:lang=ru><seg>плохо</seg></tuv></tu>\n",
    "an unknown prefix": unit("<q:b>плохо</q:b>"),
    "an unknown entity": unit("плохо&nbsp;так"),
    "a doctype inside": unit('<!DOCTYPE a [<!ENTITY b "c">]>плохо'),
    "three thousand levels": unit("<hi>" * 3000 + "плохо" + "</hi>" * 3000),
    "three thousand levels without end": "<tu>" + "<tuv>" * 3000 + "</tu>\n",
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_a_damaged_unit_is_told_and_the_others_kept(read, bad):
    sentences, rejects = read(between(bad), "in.tmx")
    assert kept(sentences)
    assert [(r.place.line, r.kind) for r in rejects] == [(4, "not well-formed")]
    assert rejects[0].raw.lstrip().startswith(bad[:20].rstrip())


def test_undecodable_bytes_cost_their_unit_alone(read):
    content = between(unit("пло@хо")).encode().replace(b"@", b"\xe9\xff")
    sentences, rejects = read(content, "in.tmx")
    assert kept(sentences)
    assert [(r.place.line, r.kind) for r in rejects] == [(4, "undecodable bytes")]
    assert "пло\\xe9\\xffхо" in rejects[0].raw
    halves = between(unit("пло@хо")).encode("utf-16").replace(b"@\0", b"\x00\xd8")
    sentences, rejects = read(halves, "in.tmx")
    assert kept(sentences)
    assert [r.kind for r in rejects] == ["undecodable bytes"]


def test_mixed_encodings_cost_the_units_of_the_other_one(read):
    content = between("").encode().replace(GOOD[1].encode(), unit("Плохо").encode("cp1251"))
    content = content.replace(TAIL.encode(), GOOD[1].encode() + TAIL.encode())
    sentences, rejects = read(content, "in.tmx")
    assert kept(sentences)
    assert [r.kind for r in rejects] == ["undecodable bytes"]


@pytest.mark.parametrize(
    "aside",
    [
        f"<!-- {unit('нет')} -->",
        f"<![CDATA[{unit('нет')}]]>",
        f"<?x {unit('нет')} ?>",
        "<tux/><tuv2></tuv2>",
    ],
)
def test_what_is_no_unit_is_none(read, aside):
    sentences, rejects = read(between(aside), "in.tmx")
    assert kept(sentences)
    assert rejects == []


def test_a_unit_may_hold_what_looks_like_its_end(read):
    inside = "<![CDATA[</tu><tu>]]><!-- </tu> --><?x </tu> ?>"
    sentences, rejects = read(between(unit(f"так{inside}!")), "in.tmx")
    assert [s.text for s in sentences] == ["Начало", "так</tu><tu>!", "Конец"]
    assert rejects == []


def test_a_comment_that_does_not_end_hides_nothing(read):
    sentences, rejects = read(between("<!-- \n"), "in.tmx")
    assert kept(sentences)
    assert [(r.place.line, r.reason) for r in rejects] == [
        (4, "not well-formed: a comment that does not end")
    ]


def test_a_start_tag_that_does_not_end_is_told(read):
    sentences, rejects = read(between("").replace("<header ", "<header a=' "), "in.tmx")
    assert kept(sentences)
    assert [(r.place.line, r.reason) for r in rejects] == [
        (2, "not well-formed: <header that does not end")
    ]


def test_many_comments_that_do_not_end_take_linear_time(read):
    started = time.perf_counter()
    sentences, rejects = read(between("<!-- <![CDATA[ <? \n" * 20_000), "in.tmx")
    assert time.perf_counter() - started < 5
    assert kept(sentences)
    assert len(rejects) == 60_000


# --- size --------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [30_000, 10 << 20])
def test_a_text_that_is_too_long_is_told(read, length):
    tracemalloc.start()
    try:
        path_content = between(unit("б" * length) + unit("в"))
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        sentences, rejects = read(path_content.encode(), "in.tmx")
        # The test itself holds the bytes; a window, a unit and their copies come on top.
        assert tracemalloc.get_traced_memory()[1] - before < 2 * length + 20_000_000
    finally:
        tracemalloc.stop()
    assert [s.text for s in sentences] == ["Начало", "в", "Конец"]
    assert [(r.place.line, r.kind) for r in rejects] == [(4, "text too long")]
    assert rejects[0].raw.startswith(("<tu>", "ббб"))
    assert len(rejects[0].raw) == 500


@pytest.mark.parametrize(
    "bad",
    [
        unit("a\x7f"),
        unit("a<ph>\x7f</ph>"),
        unit("a").replace("<tu>", "<tu tuid='&#127;'>"),
        unit("a").replace("<seg>", "<note>\x7f</note><seg>"),
    ],
)
def test_a_control_character_that_xml_allows_is_told(read, bad):
    sentences, rejects = read(between(bad), "in.tmx")
    assert kept(sentences)
    assert [r.reason for r in rejects] == ["control character: U+007F"]


def test_fields_and_tags_are_bounded_too(read):
    long = "x" * 30_000
    bad = (
        f'<tu creationid="{long}">{unit("a")[4:]}'
        f'<tu><prop type="a">{long}</prop>{unit("b")[4:]}' + unit(f"b<ph>{long * 8}</ph>")
    )
    sentences, rejects = read(between(bad), "in.tmx")
    assert kept(sentences)
    assert [r.kind for r in rejects] == ["field too long", "field too long", "text too long"]


PROPS = '<prop type="a">b</prop>'
TUV = '<tuv xml:lang="ru"><seg>а</seg></tuv>'
MULTIPLYING = {
    "too many texts": f"<tu>{PROPS * 9000}{TUV * 9000}</tu>",
    "field too long": f"<tu>{PROPS * 20_000}{TUV * 400}</tu>",
    "not well-formed": "<tu" + "".join(f' a{n}=""' for n in range(50_000)) + f">{TUV * 400}</tu>",
}


@pytest.mark.parametrize("kind, bad", MULTIPLYING.items(), ids=MULTIPLYING.keys())
def test_a_unit_cannot_multiply(read, kind, bad):
    """What is said of a unit is kept with each of its texts, and looked up by name."""
    started = time.perf_counter()
    sentences, rejects = read(between(bad), "in.tmx")
    assert time.perf_counter() - started < 5
    assert kept(sentences)
    assert {r.kind for r in rejects} == {kind}


def test_namespaces_are_bounded(read):
    spaces = "".join(f' xmlns:a{n}="urn:{n}"' for n in range(10_000))
    used = "".join(f' a{n}:b=""' for n in range(10_000))
    sentences, rejects = read(between(f"<tu{spaces}{used}>{TUV}</tu>"), "in.tmx")
    assert kept(sentences)
    assert [r.reason for r in rejects] == ["not well-formed: more than 200 namespaces"]


def bomb(path, fill: bytes, megabytes: int, head: bytes = b"", tail: bytes = b""):
    engine = zlib.compressobj(9, zlib.DEFLATED, 31)
    with open(path, "wb") as file:
        file.write(engine.compress(head))
        for _ in range(megabytes):
            file.write(engine.compress(fill * (1 << 20)))
        file.write(engine.compress(tail) + engine.flush())
    return path


def measured(path):
    """Read *path*; return what comes of it, the seconds, and the peak of memory."""
    tracemalloc.start()
    started = time.perf_counter()
    try:
        items: object = list(read_corpus(path, ReadOptions()))
    except CorpusError as error:
        items = str(error)
    seconds = time.perf_counter() - started
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return items, seconds, peak


@pytest.mark.parametrize("fill", [b" ", b"\0"])
def test_a_bomb_before_the_root_is_no_tmx(tmp_path, fill):
    path = bomb(tmp_path / "bomb.tmx.gz", fill, 200)
    message, seconds, peak = measured(path)
    assert message.endswith("is not TMX: no <tmx> element; say what it is: --format")
    assert seconds < 5
    assert peak < 20_000_000


@pytest.mark.parametrize("inside", ["", "<tu><tuv xml:lang='ru'><seg>", "<!-- "])
def test_a_bomb_among_the_units_is_given_up(tmp_path, inside, monkeypatch):
    monkeypatch.setattr(xml_units, "MAX_GAP", 32 << 20)
    head = (HEAD.format("") + GOOD[0] + inside).encode()
    items, seconds, peak = measured(bomb(tmp_path / "bomb.tmx.gz", b" ", 100, head))
    assert items[0].text == "Начало"
    assert items[-1].reason.startswith("unreadable from here on: no end of a unit in")
    assert seconds < 10
    assert peak < 20_000_000


@pytest.mark.parametrize("cut", [1, 30, 200])
def test_a_truncated_file_keeps_its_good_units(tmp_path, cut):
    content = (HEAD.format("") + "".join(unit(f"Да {n}") for n in range(3000)) + TAIL).encode()
    (tmp_path / "plain.tmx").write_bytes(content[: -cut - 12])
    (tmp_path / "gz.tmx.gz").write_bytes(gzip.compress(content)[:-cut])
    (tmp_path / "bz.tmx.bz2").write_bytes(bz2.compress(content)[:-cut])
    for name, fewest in (("plain.tmx", 2990), ("gz.tmx.gz", 1000), ("bz.tmx.bz2", 0)):
        try:
            items = list(read_corpus(tmp_path / name, ReadOptions()))
        except CorpusError as error:  # bzip2 has blocks of 900 kB
            assert name == "bz.tmx.bz2" and "cannot be read: " in str(error)
            continue
        good = [item for item in items if not isinstance(item, Reject)]
        assert [item.text for item in good] == [f"Да {n}" for n in range(len(good))]
        assert len(good) >= fewest
        assert len(items) == len(good) + 1
        assert items[-1].kind in ("unreadable from here on", "ends too early")
        assert items[-1].place.line >= len(good)


MEMORY = """
import resource, sys
from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.read import read_corpus
count = sum(1 for item in read_corpus(sys.argv[1], ReadOptions()))
print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_file(tmp_path):
    about = f'<prop type="x">{"Where does this road lead? " * 600}</prop>'
    peaks = []
    for number in (100, 4000):
        path = tmp_path / f"{number}.tmx"
        with open(path, "w", encoding="utf-8") as file:
            file.write(HEAD.format(""))
            for n in range(number):
                file.write(unit(f"Куда {n}").replace("<tu>", f'<tu tuid="{n}">{about}'))
            file.write(TAIL)
        done = subprocess.run(
            [sys.executable, "-c", MEMORY, str(path)], capture_output=True, text=True, check=True
        )
        count, kilobytes = map(int, done.stdout.split())
        assert count == number
        peaks.append(kilobytes)
    assert path.stat().st_size > 60_000_000
    assert peaks[1] - peaks[0] < 5_000


# --- not the format at all ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"plain text", "is not TMX: no <tmx> element"),
        (b"<xliff><file/></xliff>", "is not TMX: no <tmx> element"),
        (unit("Да").encode(), "is not TMX: no <tmx> element"),
        (b"<html><tmxx></html>", "is not TMX: no <tmx> element"),
        (b'<?xml version="1.0" encoding="klingon"?><tmx/>', "unknown encoding 'klingon'"),
        (b'<?xml version="1.0" encoding="zlib"?><tmx/>', "unknown encoding 'zlib'"),
        (b"%PDF-1.7", "PDF"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(read, content, message):
    with pytest.raises(CorpusError, match=message):
        read(content, "in.tmx")


def test_the_tags_of_another_format_are_no_tmx_units(read):
    with pytest.raises(CorpusError, match="is not XLIFF: no <xliff> element"):
        read(between(""), "in.xlf")


NOISE = st.sampled_from(
    ["<tu>", "</tu>", "<tu/>", "<tuv xml:lang='ru'>", "</tuv>", "<seg>", "</seg>", "<!--", "-->",
     "<![CDATA[", "]]>", "<?", "?>", "<!DOCTYPE", "[", "]", ">", '"', "'", "&", "Да", "\n",
     "\ufffe", "<tmx>", "</tmx>", "<body>", "<header>", "<header a='", " ", "<", unit("Ещё")]
)  # fmt: skip


@given(st.lists(NOISE, max_size=30).map("".join), st.integers(1, 7))
def test_nothing_stops_the_import(tmp_path_factory, noise, block):
    path = tmp_path_factory.mktemp("noise") / "in.tmx"
    path.write_text(HEAD.format("") + GOOD[0] + noise + "</tu>" + GOOD[1] + TAIL)
    items = list(read_corpus(path, ReadOptions()))
    texts = [item.text for item in items if not isinstance(item, Reject)]
    assert texts[0] == "Начало"
    if "<!--" not in noise and "<![CDATA[" not in noise and "<?" not in noise:
        assert texts[-1] == "Конец"
    assert list(_pieces(path, block)) == list(xml_units.xml_pieces(str(path), ReadOptions(), TMX))


TMX = xml_units.Dialect("TMX", "tmx", ("tu",), ("header",))


def _pieces(path, block):
    """The pieces of a file that comes in small blocks."""
    scanner = xml_units._Scanner(str(path), ReadOptions(), TMX)
    text = "".join(scanner._texts)
    scanner._texts = iter([text[at : at + block] for at in range(0, len(text), block)])
    return scanner.pieces()
