"""PO: what translate-toolkit and gettext read in a filled file, and that the rest stays."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from searchkbd.corpus.sentence import CorpusError

pypo = pytest.importorskip("translate.storage.pypo")

WATER, RAIN = "Псыр щӏыӏэщ.", "Уэшх къошх."

HEADER = """\
# A comment, with  two spaces
msgid ""
msgstr ""
"Project-Id-Version: menu 1.0\\n"
"PO-Revision-Date: 2026-01-01 00:00+0000\\n"
"Last-Translator: A <a@example.org>\\n"
"Language-Team: B <b@example.org>\\n"
"Language: \\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"
"""


def read(data: bytes):
    return pypo.pofile.parsestring(data)


def unit(data: bytes, source: str):
    return next(u for u in read(data).units if str(u.source) == source)


def entry(msgid: str, msgstr: str = "", before: str = "") -> str:
    return f'\n{before}msgid "{msgid}"\nmsgstr "{msgstr}"\n'


def test_exact_is_translated_and_fuzzy_is_fuzzy(fill):
    po = HEADER + entry("The water is cold.") + entry("The water is very cold.")
    done = fill(po, "a.po", min_quality=70)
    exact = unit(done.data, "The water is cold.")
    assert (exact.target, exact.isfuzzy(), exact.prev_source) == (WATER, False, "")
    assert exact.istranslated() and exact.getnotes("translator") == "searchkbd: exact 100, human"
    fuzzy = unit(done.data, "The water is very cold.")
    assert (fuzzy.target, fuzzy.isfuzzy()) == (WATER, True)
    assert fuzzy.prev_source == "The water is cold."
    assert fuzzy.getnotes("translator") == "searchkbd: fuzzy 77, human"
    assert (done.summary.translated, done.summary.review) == (1, 1)
    assert (done.row("100"), done.row("75-84")) == (1, 1)


def test_below_the_least_quality_it_is_counted_and_not_filled(fill):
    done = fill(HEADER + entry("The water is very cold."), "a.po")
    assert unit(done.data, "The water is very cold.").target == ""
    assert (done.row("75-84"), done.summary.review) == (1, 0)


def test_all_else_stays_byte_for_byte(fill):
    odd = (
        entry("Old", "Жьы", "#: a.c:1  b.c:2\n#, c-format, no-wrap\n#= x\n")
        + '\n#, fuzzy\n#| msgid "Former"\nmsgid ""\n"Two "\n"lines"\nmsgstr "Т"\n"у"\n'
        + "\n\n\n# stray comment\n\n"
        + '#~ msgid "gone"\n#~ msgstr "нет"\n'
    )
    done = fill(HEADER + odd + entry("The water is cold.") + odd, "a.po")
    before, filled, after = done.text.partition("# searchkbd: exact 100, human\n")
    assert before == HEADER.replace("Language: ", "Language: kbd") + odd + "\n"
    assert after == entry("The water is cold.", WATER)[1:] + odd
    assert done.summary.kept == 4


def test_line_ends_and_a_mark_stay(fill):
    po = (HEADER + entry("The water is cold.") + entry("Old", "Жьы")).replace("\n", "\r\n")
    done = fill(b"\xef\xbb\xbf" + po.encode(), "a.po")
    assert done.data.startswith(b"\xef\xbb\xbf# A comment")
    assert done.data.count(b"\n") == done.data.count(b"\r\n")
    assert unit(done.data, "The water is cold.").target == WATER


def test_the_last_line_without_a_line_end(fill):
    done = fill((HEADER + entry("The water is cold.")).rstrip("\n"), "a.po")
    assert done.text.endswith(f'msgstr "{WATER}"')


def test_the_header_names_the_language(fill):
    without = HEADER.replace('"Language: \\n"\n', "")
    for header in (HEADER, without):
        done = fill(header + entry("The water is cold."), "a.po")
        assert read(done.data).parseheader()["Language"] == "kbd"
        assert read(done.data).parseheader()["Project-Id-Version"] == "menu 1.0"
    with pytest.raises(CorpusError, match="translated into ru, not kbd"):
        fill(HEADER.replace("Language: ", "Language: ru"), "a.po")


def test_the_source_language_of_the_header(fill):
    header = HEADER.replace('"Language: ', '"X-Source-Language: ru\\n"\n"Language: ')
    done = fill(header + entry("Открыть"), "a.po", target="en")
    assert done.summary.source == "ru" and unit(done.data, "Открыть").target == "Open"


def test_plurals_are_filled_when_both_forms_match(fill):
    def plural(one: str, other: str) -> str:
        return (f'\nmsgid "{one}"\nmsgid_plural "{other}"\n'
                'msgstr[0] ""\nmsgstr[1] ""\nmsgstr[2] ""\n')  # fmt: skip

    header = HEADER.replace("nplurals=2; plural=(n != 1)", "nplurals=3; plural=n%3")
    done = fill(
        header + plural("The water is cold.", "It is raining.")
        + plural("Nothing like it", "It is raining."),
        "a.po",
    )  # fmt: skip
    both, half = read(done.data).units[1:]
    assert both.target.strings == [WATER, RAIN, RAIN] and not both.isfuzzy()
    assert half.target.strings == ["", RAIN, RAIN] and half.isfuzzy()
    one = fill(
        HEADER.replace("nplurals=2; plural=(n != 1)", "nplurals=1; plural=0")
        + '\nmsgid "The water is cold."\nmsgid_plural "It is raining."\nmsgstr[0] ""\n', "b.po",
    )  # fmt: skip
    assert read(one.data).units[1].target.strings == [RAIN]


def test_context_tells_units_of_one_text_apart(fill):
    keyed = '\nmsgctxt "door"\nmsgid "Open"\nmsgstr ""\n'
    done = fill(HEADER + keyed, "a.po", target="ru")
    found = read(done.data).units[1]
    assert found.target == "Открыть"
    assert found.getnotes("translator") == "searchkbd: context 101, human"
    placed = fill(HEADER + entry("Lid", "Крышка") + entry("Open"), "a.po", target="ru")
    assert unit(placed.data, "Open").target == "Раскрыть" and placed.row("101") == 1


def test_a_repetition_is_answered_alike_and_a_context_match_of_its_own(fill):
    text = (
        entry("Lid", "Крышка")
        + entry("Cold and rainy days")
        + '\nmsgctxt "x"\nmsgid "Cold and rainy days"\nmsgstr ""\n'
        + '\nmsgctxt "y"\nmsgid "Open"\nmsgstr ""\n'
        + '\nmsgctxt "z"\nmsgid "Open"\nmsgstr ""\n'
        + '\nmsgctxt "door"\nmsgid "Open"\nmsgstr ""\n'
    )
    done = fill(HEADER + text, "a.po", target="ru")
    units = read(done.data).units[2:]
    assert units[0].target == units[1].target == "Холодный и дождливый день"
    assert all(each.isfuzzy() for each in units[:2])
    assert units[4].target == "Открыть" and not units[4].isfuzzy()
    assert {row: done.row(row) for row in ("101", "100", "repetitions", "95-99", "85-94")} == {
        "101": 1, "100": 1, "repetitions": 2, "95-99": 0, "85-94": 1,
    }  # fmt: skip


def test_numbers_are_put_in_and_reviewed(fill):
    done = fill(HEADER + entry("There are 25 pupils in the class."), "a.po", target="ru")
    found = read(done.data).units[1]
    assert (found.target, found.isfuzzy()) == ("В классе 25 учеников.", True)
    assert found.prev_source == "There are 20 pupils in the class."


def test_line_ends_of_the_text_itself_are_kept(fill):
    done = fill(HEADER + entry("\\n The water is cold.\\n"), "a.po")
    assert read(done.data).units[1].target == f"\n {WATER}\n"


def test_overwrite_replaces_and_clears(fill):
    po = HEADER + entry("The water is cold.", "x", '#, fuzzy, c-format\n#| msgid "Water"\n')
    assert fill(po, "a.po").summary.kept == 1
    found = unit(fill(po, "a.po", overwrite=True).data, "The water is cold.")
    assert (found.target, found.isfuzzy(), found.prev_source) == (WATER, False, "")
    assert found.hastypecomment("c-format")
    again = HEADER + entry("The water is cold.", "x", "# searchkbd: fuzzy 77, o\n# mine\n")
    notes = unit(fill(again, "a.po", overwrite=True).data, "The water is cold.")
    assert notes.getnotes("translator") == "mine\nsearchkbd: exact 100, human"


def test_a_bad_entry_is_told_and_stays(fill):
    bad = '\nmsgid "half\nmsgstr ""\n'
    done = fill(HEADER + bad + entry("The water is cold."), "a.po")
    assert bad in done.text and f'msgstr "{WATER}"' in done.text
    assert done.summary.rejected == 1
    assert done.rejects[0].place.line == 14 and done.rejects[0].reason.startswith("bad PO")
    latin = HEADER.encode() + b'\n# caf\xe9\nmsgid "x"\nmsgstr ""\n'
    undecodable = fill(latin + entry("The water is cold.").encode(), "a.po")
    assert b"# caf\xe9\n" in undecodable.data and undecodable.rejects[0].reason == "not UTF-8"
    assert undecodable.rejects[0].place.line == 14


def test_another_encoding_becomes_utf_8(fill):
    po = HEADER.replace("UTF-8", "windows-1251") + entry("Old", "Старый")
    done = fill((po + entry("The water is cold.")).encode("cp1251"), "a.po")
    assert "charset=UTF-8" in done.text
    assert unit(done.data, "Old").target == "Старый"
    assert unit(done.data, "The water is cold.").target == WATER


@pytest.mark.skipif(shutil.which("msgfmt") is None, reason="gettext is not installed")
def test_gettext_accepts_it(fill, tmp_path):
    plural = '\nmsgid "The water is cold."\nmsgid_plural "It is raining."\nmsgstr[0] ""\n'
    done = fill(
        HEADER + entry("The bread is warm.\\n", before="#, c-format\n") + plural
        + 'msgstr[1] ""\n' + entry("It is raining. "), "a.po",
    )  # fmt: skip
    assert done.summary.translated + done.summary.review == 4
    path = tmp_path / "out-a.po"
    checked = subprocess.run(
        ["msgfmt", "-c", "-v", "-o", tmp_path / "a.mo", path], capture_output=True, text=True,
        env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert (checked.returncode, checked.stderr.strip()) == (
        0, "2 translated messages, 1 fuzzy translation.",
    )  # fmt: skip
