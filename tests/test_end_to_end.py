"""From files that another program made to files that another program reads, by the commands."""

from __future__ import annotations

import csv
import json
import subprocess
import sys

import pytest

from searchkbd.cli.main import run as run_command
from searchkbd.resources import PHRASEBOOK

pytest.importorskip("translate", reason="needs translate-toolkit: pip install searchkbd[formats]")

from translate.storage import pypo, tmx, xliff  # noqa: E402


def phrasebook_pairs(source: str, target: str) -> list[tuple[str, str]]:
    groups: dict[str, dict[str, str]] = {}
    with open(PHRASEBOOK, encoding="utf-8", newline="") as file:
        lines = (line for line in file if not line.startswith("#"))
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            groups.setdefault(row["group"], {})[row["lang"]] = row["text"]
    return [(texts[source], texts[target]) for texts in groups.values()]


@pytest.fixture
def command(capsys, tmp_path, monkeypatch):
    """Run a command in a directory of its own and return what it printed."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, code: int = 0) -> str:
        found = run_command([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        assert found == code, (arguments, out, err)
        return out

    return run


def write_po(path, pairs, **header: str) -> None:
    store = pypo.pofile()
    store.updateheader(add=True, Content_Type="text/plain; charset=UTF-8", **header)
    for number, (source, target) in enumerate(pairs):
        unit = store.addsourceunit(source)
        unit.target = target
        unit.addnote(f"string {number}", origin="developer")
    path.write_bytes(bytes(store))


def convert(name: str, *arguments: object) -> None:
    """Run a converter of translate-toolkit as a user does."""
    subprocess.run(
        [sys.executable, "-m", f"translate.convert.{name}", "--progress=none",
         *map(str, arguments)],
        check=True,
    )  # fmt: skip


def test_a_memory_made_by_po2tmx_from_import_to_export(command, tmp_path):
    pairs = phrasebook_pairs("en", "ru")
    known, new = pairs[:200], pairs[200:220]
    write_po(tmp_path / "known.po", known, Language="ru")
    convert("po2tmx", "-l", "ru", tmp_path / "known.po", tmp_path / "known.tmx")

    built = json.loads(command("build", "known.tmx", "--index", "memory", "--json"))
    assert (built["rejected"], built["languages"]) == (0, {"en": 200, "ru": 200})

    source, target = known[7]
    (lookup,) = [
        json.loads(command(
            "tm", "lookup", source, "--from", "en", "--to", "ru", "--index", "memory", "--json",
        ))["matches"][0]
    ]  # fmt: skip
    assert (lookup["kind"], lookup["quality"], lookup["target"]) == ("exact", 100, target)

    word = max(source.rstrip(".?!").split(), key=len)
    found = json.loads(command("concordance", word, "--index", "memory", "--lang", "en", "--json"))
    assert source in {line["text"] for line in found["lines"]}
    assert found["sentences"] == sum(
        word.lower() in line.lower().replace("?", "").replace(".", "").split() for line, _ in known
    )

    write_po(tmp_path / "new.po", [(s, "") for s, _ in (*known[:50], *new)], Language="ru")
    statistics = json.loads(command(
        "tm", "pretranslate", "new.po", "--to", "ru", "--index", "memory", "-o", "done.po",
        "--json",
    ))  # fmt: skip
    with open(tmp_path / "done.po", "rb") as file:
        units = [unit for unit in pypo.pofile(file).units if not unit.isheader()]
    assert len(units) == 70 and statistics["segments"] == 70
    assert [unit.target for unit in units[:50]] == [target for _, target in known[:50]]
    assert not any(unit.isfuzzy() for unit in units[:50])
    assert all(unit.isfuzzy() or not unit.target for unit in units[50:])
    assert "string 3" in units[3].getnotes(origin="developer")

    command("export", "--index", "memory", "-o", "out.tmx")
    with open(tmp_path / "out.tmx", "rb") as file:
        exported = tmx.tmxfile(file, sourcelanguage="en", targetlanguage="ru")
    assert [(unit.source, unit.target) for unit in exported.units] == known


def test_an_xliff_made_by_po2xliff_is_filled_and_read_back(command, tmp_path):
    pairs = phrasebook_pairs("en", "kbd")[:30]
    command("build", "--demo", "--index", "memory")
    write_po(tmp_path / "a.po", [(source, "") for source, _ in pairs])
    convert("po2xliff", tmp_path / "a.po", tmp_path / "a.xlf")
    command(
        "tm", "pretranslate", "a.xlf", "--from", "en", "--to", "kbd", "--index", "memory",
        "-o", "b.xlf",
    )  # fmt: skip
    with open(tmp_path / "b.xlf", "rb") as file:
        store = xliff.xlifffile(file)
    filled = {unit.source: unit.target for unit in store.units if unit.target}
    assert {source: filled.get(source) for source, _ in pairs} == dict(pairs)


def test_a_tatoeba_export_made_of_real_data(command, tmp_path, shared_data):
    """Sentences, links between translations, and the groups that come of them."""
    groups: dict[str, list[dict[str, str]]] = {}
    codes = {"kbd": "kbd", "ru": "rus", "en": "eng", "fr": "fra", "tr": "tur"}
    with open(shared_data / "corpus" / "demo.tsv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            groups.setdefault(row["group"], []).append(row)
    chosen = [rows for rows in groups.values() if len(rows) > 1][:200]
    (tmp_path / "export").mkdir()
    number = 0
    expected = {}
    with (
        open(tmp_path / "export" / "sentences.csv", "w", encoding="utf-8") as sentences,
        open(tmp_path / "export" / "links.csv", "w", encoding="utf-8") as links,
    ):
        for rows in chosen:
            first = number + 1
            for row in rows:
                number += 1
                sentences.write(f"{number}\t{codes[row['lang']]}\t{row['text']}\n")
                if number > first:  # a chain: the ends are linked by way of the others
                    links.write(f"{number - 1}\t{number}\n{number}\t{number - 1}\n")
            expected[f"tatoeba:{first}"] = {f"tatoeba:{n}" for n in range(first, number + 1)}

    command("build", "export", "--index", "memory", "--json")
    from searchkbd.index.reader import IndexReader

    found: dict[str, set[str]] = {}
    with IndexReader(tmp_path / "memory") as reader:
        for sentence in reader.iterate():
            found.setdefault(sentence.group, set()).add(sentence.id)
    # What is the same sentence twice in a group is merged.
    assert found.keys() == expected.keys()
    assert all(found[group] <= expected[group] for group in found)

    command("export", "--index", "memory", "-o", "again/", "--format", "tatoeba")
    command("build", "again", "--index", "second", "--json")
    with IndexReader(tmp_path / "second") as reader:
        again: dict[str, set[str]] = {}
        for sentence in reader.iterate():
            again.setdefault(sentence.group, set()).add(sentence.id)
    assert sorted(map(sorted, again.values())) == sorted(map(sorted, found.values()))
