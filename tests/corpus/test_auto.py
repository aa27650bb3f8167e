"""Identification of languages while reading."""

from __future__ import annotations

SAMPLES = {
    "kbd": "Сэ нобэ псыхъуэм сыкӏуэри жыгхэм сеплъащ.",
    "ru": "Сегодня я ходил к реке и смотрел на деревья.",
    "en": "Today I went to the river and looked at the trees.",
    "fr": "Aujourd'hui je suis allé à la rivière et j'ai regardé les arbres.",
    "tr": "Bugün nehre gittim ve ağaçlara uzun uzun baktım.",
}


def test_each_line_gets_its_language_in_order(read):
    content = "".join(text + "\n" for text in SAMPLES.values()) * 250  # more than one batch
    sentences, _ = read(content, name="in.txt", lang="auto")
    assert [s.lang for s in sentences] == list(SAMPLES) * 250
    assert [s.source.line for s in sentences] == list(range(1, 1251))


def test_another_language_is_undetermined(read):
    sentences, _ = read("今日は川へ行って、木を見ました。\n", name="in.txt", lang="auto")
    assert [s.lang for s in sentences] == ["und"]


def test_only_rows_without_a_language_are_identified(read):
    sentences, _ = read(f"lang\ttext\nfr\t{SAMPLES['ru']}\n\t{SAMPLES['ru']}\n", lang="auto")
    assert [s.lang for s in sentences] == ["fr", "ru"]


def test_pairs_are_identified_one_text_at_a_time(read):
    content = f"text_a\ttext_b\n{SAMPLES['kbd']}\t{SAMPLES['tr']}\n"
    sentences, _ = read(content, lang="auto")
    assert [(s.lang, s.id) for s in sentences] == [("kbd", "in.tsv:2:a"), ("tr", "in.tsv:2:b")]
    assert len({s.group for s in sentences}) == 1


def test_rejects_keep_their_place(read):
    content = f"{SAMPLES['en']}\n???\n{SAMPLES['fr']}\n"
    sentences, rejects = read(content, name="in.txt", lang="auto")
    assert [s.lang for s in sentences] == ["en", "fr"]
    assert [r.place.line for r in rejects] == [2]
