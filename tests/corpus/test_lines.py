"""Lines of text in any encoding, whole or broken."""

from __future__ import annotations

import tempfile
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from searchkbd.corpus.lines import text_lines
from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.sentence import MAX_RAW, CorpusError

# No line ends, and no characters that UTF-8 lacks; NUL makes a line unusable.
LINE = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=40)
PLAIN = st.text(alphabet="щыӏэ Iabç,;\"'\t\x85\u2028\u2029\x0b\x0c\x1c", max_size=40)


def lines_of(content: bytes, **options) -> list[tuple[int, str, str | None]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "in.txt")
        path.write_bytes(content)
        return list(text_lines(str(path), ReadOptions(**options)))


@settings(max_examples=60)
@given(
    st.lists(st.one_of(LINE, PLAIN), min_size=1),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
    st.booleans(),
)
def test_lines_come_back_whatever_ends_them(lines, end, encoding, ended):
    lines = [line.lstrip("\ufeff") for line in lines]
    lines[-1] = lines[-1] or "х"  # an empty last line that is not ended is no line
    content = (end.join(lines) + (end if ended else "")).encode(encoding)
    assert lines_of(content) == [(n, line, None) for n, line in enumerate(lines, 1)]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_without_a_mark(encoding):
    text = "id\tтекст\n1\tЗы псалъэ 12\n"
    assert [line for _, line, _ in lines_of(text.encode(encoding))] == text.split("\n")[:2]


@pytest.mark.parametrize("encoding", ["cp1251", "koi8-r", "mac-cyrillic", "utf-16-be"])
def test_the_encoding_can_be_named(encoding):
    assert lines_of("Сабий\nдахэ".encode(encoding), encoding=encoding) == [
        (1, "Сабий", None),
        (2, "дахэ", None),
    ]


def test_a_mark_decides_the_byte_order_of_a_named_family():
    for encoding in ("utf-16-le", "utf-16-be"):
        content = "\ufeffУнэ".encode(encoding)
        assert lines_of(content, encoding="utf-16") == [(1, "Унэ", None)]


@pytest.mark.parametrize("encoding", ["klingon", "rot13", "zlib", "", "\0"])
def test_an_unknown_encoding_is_named(encoding):
    with pytest.raises(CorpusError, match="unknown encoding"):
        lines_of(b"x", encoding=encoding)


def test_a_line_that_is_not_utf8_is_told_and_the_others_come():
    content = "Уей\nбжэ ".encode() + b"\xff\xfe!\n" + "ӏэгу\n".encode()
    assert lines_of(content) == [
        (1, "Уей", None),
        (2, "бжэ \\xff\\xfe!", "not UTF-8: byte 8 of the line"),
        (3, "ӏэгу", None),
    ]


def test_a_letter_cut_off_at_the_end_of_the_file_is_told():
    *_, last = lines_of("один\nдва\nтри".encode()[:-1])
    assert last == (3, "тр\\xd0", "not UTF-8: byte 5 of the line")


def test_half_a_surrogate_pair_in_utf16_is_told():
    content = b"\xff\xfe" + "а\n".encode("utf-16-le") + b"\x00\xd8" + "\nб\n".encode("utf-16-le")
    assert [problem for _, _, problem in lines_of(content)] == [None, "not UTF-16-LE", None]


def test_a_byte_that_a_named_encoding_lacks_is_told():
    assert lines_of(b"\xe0\n\x98\n", encoding="cp1251") == [
        (1, "а", None),
        (2, "\\x98", "not CP1251"),
    ]


def test_a_file_in_another_encoding_says_so_at_once():
    with pytest.raises(CorpusError, match=r"not UTF-8 \(see line 1\).*--encoding"):
        lines_of("Дыгъэ\nмазэ\nвагъуэ\n".encode("cp1251"))


def test_nul_is_told_and_is_not_taken_for_utf16():
    assert lines_of("а\0б\nв\n".encode()) == [(1, "а\\x00б", "NUL byte"), (2, "в", None)]
    assert lines_of(b"ab\0d\nef\n")[0] == (1, "ab\\x00d", "NUL byte")


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\xff\xfe"])
def test_an_empty_file_says_so(content):
    with pytest.raises(CorpusError, match="in.txt is empty"):
        lines_of(content)


def test_a_line_that_is_too_long_is_told_by_its_beginning():
    content = "короткая\n" + "ю" * 5000 + "\nещё\n" + "я" * 101
    assert lines_of(content.encode(), max_line_chars=100) == [
        (1, "короткая", None),
        (2, "ю" * MAX_RAW, "line too long: more than 100 characters"),
        (3, "ещё", None),
        (4, "я" * 101, "line too long: more than 100 characters"),
    ]


def test_an_endless_line_is_not_held_in_memory(tmp_path):
    path = tmp_path / "long.txt"
    with path.open("wb") as file:
        for _ in range(60):
            file.write(b"x" * 1_000_000)
        file.write(b"\nok\n")
    tracemalloc.start()
    try:
        lines = list(text_lines(str(path), ReadOptions(max_line_chars=1_000_000)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert [(number, problem is None) for number, _, problem in lines] == [(1, False), (2, True)]
    assert peak < 10_000_000


def test_line_ends_that_fall_between_two_pieces():
    # Pieces are 256 KiB long: the carriage return is the last byte of one.
    first = "a" * ((1 << 18) - 1)
    assert lines_of(f"{first}\r\nb\r\n".encode()) == [(1, first, None), (2, "b", None)]


def test_a_letter_that_falls_between_two_pieces():
    first = "a" * ((1 << 18) - 1)
    assert lines_of(f"{first}ж\nb".encode()) == [(1, first + "ж", None), (2, "b", None)]


@pytest.mark.parametrize("content", [b"\x00\xd8", b"\x00\xd8\n\x00"])
def test_utf16_that_ends_before_its_byte_order_is_known(content):
    """Python's decoder raises then, whatever error handler it is given."""
    with pytest.raises(CorpusError, match="cannot be read as utf-16"):
        lines_of(content, encoding="utf-16")
