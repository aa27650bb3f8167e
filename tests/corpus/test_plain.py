"""Plain text."""

from __future__ import annotations


def test_a_sentence_a_line(read):
    sentences, rejects = read("Зы.\n\n \tТӏу.\t\n# Щы.\n", name="in.txt", lang="kbd")
    assert rejects == []
    assert [(s.id, s.text, s.lang) for s in sentences] == [
        ("in.txt:1", "Зы.", "kbd"),
        ("in.txt:3", "Тӏу.", "kbd"),
        ("in.txt:4", "# Щы.", "kbd"),
    ]


def test_bad_lines_are_told(read):
    content = "Зы.\n".encode() + b"\xfe\n" + "Ты\0у.\n***\nЩы.".encode()
    sentences, rejects = read(content, name="in.txt", lang="kbd")
    assert [s.source.line for s in sentences] == [1, 5]
    assert [(r.place.line, r.kind) for r in rejects] == [
        (2, "not UTF-8"), (3, "NUL byte"), (4, "no text"),
    ]  # fmt: skip
