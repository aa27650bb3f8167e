"""``--recall``: it reaches the search by vectors from every command that makes one."""

from __future__ import annotations

import json

import pytest

from searchkbd.api import open_index
from searchkbd.cli.main import run as run_command
from searchkbd.cli.options import recall_option
from searchkbd.index import codes, partition
from searchkbd.index.codes import Recall

WORDS = ["дом", "река", "вода", "хлеб", "стол", "рука", "школа", "поезд", "снег", "ветер"]
LEVELS = [level.value for level in Recall]


@pytest.fixture(scope="module")
def coded_index(tmp_path_factory):
    """Russian sentences that have codes, and Kabardian ones, which have none."""
    folder = tmp_path_factory.mktemp("coded")
    lines = [f"ru\t{WORDS[n % 10]} и {WORDS[n // 10 % 10]} {n}\tg{n}\n" for n in range(700)]
    lines += ["kbd\tПсыр щIыIэщ.\tg0\n", "kbd\tУэшх къошх.\tg1\n"]
    (folder / "a.tsv").write_text("lang\ttext\tgroup\n" + "".join(lines), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(codes, "CODES_ROWS", 640)
        assert run_command(["build", str(folder / "a.tsv"), "--index", str(folder / "i")]) == 0
    return folder / "i"


@pytest.fixture
def asked(monkeypatch) -> list[Recall]:
    """The levels that partitions were searched with; they are really searched."""
    levels: list[Recall] = []
    nearest = partition.nearest

    def noted(partitions, queries, k, recall, **options):
        levels.append(recall)
        return nearest(partitions, queries, k, recall, **options)

    monkeypatch.setattr(partition, "nearest", noted)
    return levels


def test_the_choices_are_the_levels():
    @recall_option
    def command() -> None: ...

    (option,) = command.__click_params__
    assert list(option.type.choices) == LEVELS and option.default == "balanced"


@pytest.mark.parametrize("level", LEVELS)
def test_search(run, coded_index, asked, level):
    ask = ("search", "дом и река 10", "--index", coded_index, "--lang", "kbd", "--recall", level)
    assert run(*ask).code == 0
    assert set(asked) == {Recall(level)} and len(asked) == 2  # kbd, and ru for paraphrases
    code, out, _ = run(*ask[:4], "--recall", level, "--mode", "semantic", "--json")
    assert code == 0
    assert json.loads(out)["hits"][0]["text"] == "дом и река 10"


@pytest.mark.parametrize("level", LEVELS)
def test_tm(run, write, coded_index, asked, level, tmp_path):
    memory = ("--from", "ru", "--to", "kbd", "--index", coded_index, "--recall", level)
    assert run("tm", "lookup", "вода и дом", *memory).code == 0
    assert asked and set(asked) == {Recall(level)}
    asked.clear()
    file = write("a.tsv", "ru\tkbd\nвода и дом\t\n")
    code, _, err = run("tm", "pretranslate", file, "--dry-run", "--semantic", *memory)
    assert (code, err) == (0, "")
    assert asked and set(asked) == {Recall(level)}


def test_balanced_is_the_default(run, coded_index, asked):
    run("search", "вода", "--index", coded_index)
    run("tm", "lookup", "вода", "--from", "ru", "--to", "kbd", "--index", coded_index)
    assert len(asked) == 2 and set(asked) == {Recall.BALANCED}


def test_lexical_search_asks_no_vectors(run, coded_index, asked):
    assert run("search", "вода", "--mode", "lexical", "--recall", "fast", "--index",
               coded_index).code == 0  # fmt: skip
    assert asked == []


def test_an_unknown_level(run, coded_index):
    code, _, err = run("search", "вода", "--index", coded_index, "--recall", "sure")
    assert code == 2 and all(level in err for level in LEVELS)


def test_python(coded_index, asked):
    with open_index(coded_index) as index:
        exact = index.search("дом и река 10", recall="exact", mode="semantic")
        assert index.search("дом и река 10", recall=Recall.EXACT, mode="semantic") == exact
        index.search_batch(["вода"], recall="fast")
        index.look_up(["вода"], "ru", "kbd", recall="fast")
        assert asked == [Recall.EXACT] * 2 + [Recall.FAST] * 2
        for call in (
            lambda: index.search("вода", recall="sure"),
            lambda: index.look_up(["вода"], "ru", "kbd", recall="sure"),
        ):
            with pytest.raises(ValueError, match="no recall 'sure'; there is: fast, balanced"):
                call()
