"""Groups of rows that came without one."""

from __future__ import annotations

from searchkbd.corpus.groups import PREFIX


def test_a_repeated_row_has_the_group_of_the_first(read):
    sentences, _ = read(
        "lang\ttext\nru\tРаз\nru\tДва\nru\tРАЗ\nen\tРаз\n", name="числа.tsv"
    )
    groups = [s.group for s in sentences]
    assert groups[0] == groups[2] and len(set(groups)) == 3
    assert all(group.startswith(PREFIX) for group in groups)


def test_the_two_halves_of_a_pair_share_a_group_that_depends_on_both(read):
    sentences, _ = read("kbd\tru\nПсы\tВода\nПсы\tРека\nпсы\tвода\n")
    groups = [s.group for s in sentences]
    assert groups[0] == groups[1] == groups[4] == groups[5]
    assert groups[2] == groups[3] != groups[0]


def test_a_half_that_was_rejected_leaves_the_other_its_own_group(read):
    sentences, rejects = read("kbd\tru\nПсы\t...\n", langs=("kbd", "ru"))
    assert len(sentences) == len(rejects) == 1
    alone, _ = read("lang\ttext\nkbd\tПсы\n")
    assert sentences[0].group == alone[0].group


def test_a_group_that_the_file_gives_is_kept(read):
    sentences, _ = read("lang\ttext\tgroup\nru\tРаз\tg\nru\tРаз\t\n")
    assert sentences[0].group == "g" != sentences[1].group
