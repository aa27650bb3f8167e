"""Removing near duplicates from files."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.sentence import CorpusError
from searchkbd.mining.dedupe import dedupe_files

HEAD = ("lang_a", "lang_b", "text_a", "text_b")
LONG = "Поезд опоздал сегодня утром на целый час из-за снега на путях"


@pytest.fixture
def deduped(trigrams, tmp_path, rejects, read_table):
    """Dedupe files: returns the summary, the rows kept and the report."""

    def deduped(*files, encoder=trigrams, lang=None, name="out.tsv", **options):
        out, report = tmp_path / name, tmp_path / "report.tsv"
        summary = dedupe_files(
            files, str(out), encoder, ReadOptions(lang=lang), report=str(report),
            on_reject=rejects.append, **{"similarity": 0.95, **options},
        )  # fmt: skip
        return summary, read_table(out), read_table(report)

    return deduped


def test_pairs(deduped, pairs_file, rejects):
    summary, rows, report = deduped(pairs_file)
    assert (summary.form, summary.units, summary.kept) == ("pairs", 5, 4)
    assert (summary.by_key, summary.near, rejects) == (1, 0, [])
    assert list(rows[0]) == [*HEAD, "origin"]
    assert [row["text_b"] for row in rows][-1] == "The train was late."
    assert report == [{
        "file": str(pairs_file), "line": "5", "text": "Псыр щ1ы1эщ. | вода холодная.",
        "kept_file": str(pairs_file), "kept_line": "2",
        "kept_text": "Псыр щIыIэщ. | Вода холодная.",
        "reason": "key", "similarity": "", "edit": "",
    }]  # fmt: skip


def test_near_sentences(deduped, write):
    lines = [f"{LONG}.", f"{LONG}!", f"{LONG} 2.", "Вода холодная.", f"{LONG.lower()}."]
    summary, rows, report = deduped(write("x.txt", "\n".join(lines) + "\n"), lang="ru")
    assert [row["text"] for row in rows] == [lines[0], lines[2], lines[3]]  # numbers differ in one
    assert (summary.form, summary.by_key, summary.near) == ("sentences", 1, 1)
    assert [(row["line"], row["kept_line"], row["reason"]) for row in report] == [
        ("2", "1", "near"), ("5", "1", "key"),
    ]  # fmt: skip
    assert float(report[0]["similarity"]) >= 0.95 and float(report[0]["edit"]) >= 0.9
    assert list(rows[0]) == ["lang", "text", "origin"]


def test_both_sides_of_a_pair_have_to_be_near(deduped, table):
    rows = [
        ("ru", "en", f"{LONG}.", "The train was late."),
        ("ru", "en", f"{LONG}!", "Trains are expensive here, are they not?"),
        ("en", "ru", "The train was late!", f"{LONG}!"),
    ]
    summary, kept, report = deduped(table("x.tsv", rows), similarity=0.8)
    assert [(row["text_a"], row["text_b"]) for row in kept] == [row[2:] for row in rows[:2]]
    assert report[0]["line"] == "4" and report[0]["kept_line"] == "2" and summary.near == 1


def test_languages_are_never_mixed(deduped, table):
    rows = [("ru", "радио"), ("kbd", "радио"), ("ru", "радио")]
    _, kept, _ = deduped(table("x.tsv", rows, ("lang", "text")))
    assert [row["lang"] for row in kept] == ["ru", "kbd"]


def test_a_group_is_kept_or_dropped_as_a_whole(deduped, table):
    head = ("id", "lang", "text", "group")
    rows = [
        ("1", "ru", "Вода.", "g"), ("2", "en", "Water.", "g"), ("3", "ru", "Вода.", "h"),
        ("4", "fr", "Eau.", "h"), ("5", "en", "water.", "i"), ("6", "ru", "вода.", "i"),
    ]  # fmt: skip
    summary, kept, _ = deduped(table("x.tsv", rows, head))
    assert [row["id"] for row in kept] == ["1", "2", "3", "4"]
    assert (summary.form, summary.units, summary.kept) == ("sentences", 3, 2)


def test_the_best_is_kept(deduped, table):
    head = (*HEAD, "similarity")
    rows = [("ru", "en", "Вода.", "Water.", value) for value in (0.2, 0.9, "", 0.5)]
    file = table("x.tsv", rows, head)
    _, kept, report = deduped(file, keep="best")
    assert [row["similarity"] for row in kept] == ["0.9"]
    assert {row["kept_line"] for row in report} == {"3"} and len(report) == 3
    assert deduped(file)[1][0]["similarity"] == "0.2"
    with pytest.raises(CorpusError, match="none is the best"):
        deduped(table("y.tsv", [row[:4] for row in rows]), keep="best")


def test_a_duplicate_of_what_is_dropped_stands_for_what_is_kept(deduped, table):
    head = ("lang", "text", "similarity")
    rows = [("ru", f"{LONG}!", 0.5), ("ru", f"{LONG}!", 0.4), ("ru", f"{LONG}.", 0.9)]
    summary, kept, report = deduped(table("x.tsv", rows, head), keep="best")
    assert [row["text"] for row in kept] == [f"{LONG}."]
    assert [(row["line"], row["kept_line"], row["reason"]) for row in report] == [
        ("2", "4", "near"), ("3", "4", "near"),
    ]  # fmt: skip
    assert (summary.by_key, summary.near) == (0, 2)


def test_by_key_only(deduped, write):
    lines = f"{LONG}.\n{LONG}!\n{LONG.upper()}.\n"
    summary, rows, _ = deduped(write("x.txt", lines), lang="ru", encoder=None)
    assert (summary.by_key, summary.near, len(rows)) == (1, 0, 2)


WORDS = ["вода", "холодная", "сегодня", "поезд", "опоздал", "утром", "2", "3"]
lines = st.lists(
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join), min_size=1, max_size=12
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=lines, edit=st.sampled_from([0.5, 0.9]))
def test_a_second_time_changes_nothing(deduped, table, tmp_path, lines, edit):
    rows = [("ru", "ru", one, other) for one, other in zip(lines, lines[::-1], strict=True)]
    first, kept, report = deduped(table("x.tsv", rows), edit=edit)
    assert first.kept == len(kept) and first.units == len(kept) + len(report)
    assert first.by_key + first.near == len(report)
    again, same, nothing = deduped(tmp_path / "out.tsv", edit=edit, name="again.tsv")
    assert (same, nothing, again.kept) == (kept, [], first.kept)


def test_metadata_are_kept(deduped, write, tmp_path, trigrams, rejects):
    row = {"kbd": "Псы", "ru": "Вода", "year": 1999, "by": {"name": "x"}}
    file = write("x.jsonl", json.dumps(row) + "\n")
    _, rows, _ = deduped(file)
    assert (rows[0]["year"], json.loads(rows[0]["by"])) == ("1999", {"name": "x"})


def test_bad_rows_are_told_and_empty_files_refused(deduped, write, rejects):
    summary, _, _ = deduped(write("x.txt", "Вода.\n...\n"), lang="ru")
    assert summary.units == 1 and [r.place.line for r in rejects] == [2]
    with pytest.raises(CorpusError, match="is empty"):
        deduped(write("y.txt", ""), lang="ru")
    with pytest.raises(CorpusError, match="no sentences"):
        deduped(write("z.txt", "...\n"), lang="ru")
