"""The map: which sentences are on it, where they lie, and how it comes to be."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from io import BytesIO

import numpy as np
import pytest

from searchkbd.api import Index, open_index
from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.rows import RowReader
from searchkbd.index.writer import Mode, build_index
from searchkbd.server import layout
from searchkbd.server.pages import map as map_module
from searchkbd.server.pages.map import MapError, Maps, sample_of


@pytest.fixture(scope="module")
def demo(phrasebook_index, embedded):
    with open_index(phrasebook_index, embedded) as index:
        yield index


@pytest.fixture
def own_maps(tmp_path):
    """A directory for maps, which is not there yet."""
    return tmp_path / "cache"


def made(maps: Maps, index: Index, generation: int = 1, seconds: float = 60):
    """Return the map once it is made."""
    end = time.monotonic() + seconds
    while (points := maps.map_of(index, generation)) is None:
        assert time.monotonic() < end, "no map"
        time.sleep(0.05)
    return points


def add(directory, encoder, texts: list[tuple[str, str, str]]) -> None:
    """Add (group, language, text) to an index."""
    rows = RowReader("more", ReadOptions(origin="more", name="more"))
    build_index(
        directory,
        [
            rows.sentence(n, text, text, lang, group=group)
            for n, (group, lang, text) in enumerate(texts, start=1)
        ],
        encoder,
        mode=Mode.ADD,
    )


# The sample


def test_a_sample_is_whole_groups_of_all_languages(demo):
    sample = sample_of(demo.reader, 200)
    assert 200 <= len(sample) <= 200 + 12
    languages = Counter(sentence.lang for sentence in sample)
    assert set(languages) == set(demo.languages)
    assert max(languages.values()) - min(languages.values()) <= 2
    for row, group in demo.reader.groups({s.group_row for s in sample}).items():
        assert len(group) == sum(sentence.group_row == row for sentence in sample)
    assert len({sentence.row for sentence in sample}) == len(sample)


def test_a_small_index_is_on_the_map_whole(demo):
    sample = sample_of(demo.reader, 5000)
    assert {s.row for s in sample} == {s.row for s in demo.reader.iterate()}


def test_the_sample_is_the_same_each_time_and_few_additions_change_it_little(
    phrasebook_index, embedded, tmp_path
):
    directory = shutil.copytree(phrasebook_index, tmp_path / "more")
    with open_index(directory, embedded) as index:
        before = [s.id for s in sample_of(index.reader, 150)]
        assert before == [s.id for s in sample_of(index.reader, 150)]
    add(directory, embedded, [(f"n{n}", "ru", f"Поезд номер {n} опаздывает.") for n in range(9)])
    with open_index(directory, embedded) as index:
        after = [s.id for s in sample_of(index.reader, 150)]
    assert len(set(before) & set(after)) > 0.8 * len(before)


def test_sentences_with_translations_come_first(phrasebook_index, embedded, tmp_path):
    directory = shutil.copytree(phrasebook_index, tmp_path / "more")
    alone = [(f"n{n}", "kbd", f"Уи унэр дэнэ щыӏэ {n}?") for n in range(700)]
    add(directory, embedded, alone)
    with open_index(directory, embedded) as index:
        assert all(not s.group.startswith("n") for s in sample_of(index.reader, 300))
        everything = sample_of(index.reader, 1600)
        assert sum(s.group.startswith("n") for s in everything) > 300


def test_a_group_of_very_many_is_not_all_of_the_map(tmp_path, trigrams):
    directory = tmp_path / "index"
    rows = RowReader("r", ReadOptions(origin="r", name="r"))
    many = [
        rows.sentence(n, "", f"Поезд номер {n}", "ru" if n % 2 else "en", group="one")
        for n in range(1, 101)
    ]
    build_index(directory, many, trigrams)
    with open_index(directory, trigrams) as index:
        sample = sample_of(index.reader, 10)
    assert len(sample) == 12
    assert set(Counter(s.lang for s in sample)) == {"ru", "en"}


# The layout


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("count", [0, 1, 2, 5, 6, 7, 40])
def test_any_number_of_sentences_is_laid_out(count):
    vectors = unit(np.random.default_rng(1).normal(size=(count, 16)) + 1e-6)
    places = layout.laid_out(vectors)
    assert places.shape == (count, 2) and places.dtype == np.float32
    assert_apart_and_inside(places)


def test_sentences_that_are_the_same_are_laid_out_apart():
    same = unit(np.ones((30, 8)))
    assert_apart_and_inside(layout.laid_out(same))
    few = np.concatenate([same, unit(np.eye(8))])
    assert_apart_and_inside(layout.laid_out(few))


def assert_apart_and_inside(places: np.ndarray) -> None:
    assert np.isfinite(places).all()
    assert (places >= 0).all() and (places <= (layout.WIDTH, layout.HEIGHT)).all()
    distances = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    assert distances.size == 0 or distances.min() > 3


def test_what_is_near_stays_near_and_is_so_each_time():
    rng = np.random.default_rng(3)
    middles = rng.normal(size=(6, 24))
    vectors = unit(np.repeat(middles, 12, axis=0) + rng.normal(scale=0.1, size=(72, 24)))
    places = layout.laid_out(vectors)
    distances = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    clusters = np.arange(72) // 12
    assert (clusters[distances.argmin(axis=1)] == clusters).all()
    np.testing.assert_array_equal(places, layout.laid_out(vectors))


def test_arrays_pass_between_processes_as_they_are():
    array = np.arange(6, dtype=np.float32).reshape(3, 2)
    np.testing.assert_array_equal(layout.read(BytesIO(layout.written(array))), array)
    for broken in (b"", b"3 2\n\0\0", b"words\n", layout.written(array)[:-1]):
        with pytest.raises(ValueError):
            layout.read(BytesIO(broken))


def test_a_layout_ends_when_nobody_waits_for_it():
    """As when the server is killed: its end of the pipe is closed."""
    vectors = unit(np.random.default_rng(1).normal(size=(4000, 64)))
    process = subprocess.Popen(
        [sys.executable, "-m", "searchkbd.server.layout"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    with process:
        process.stdin.write(layout.written(vectors))
        process.stdin.close()
        assert process.wait(timeout=20) == 1
        assert process.stdout.read() == b""


# The map


def test_translations_lie_beside_each_other(demo, own_maps):
    """What the map is for: languages are mixed, meanings are not."""
    maps = Maps(own_maps, sample=500)
    points = made(maps, demo)
    maps.close()
    assert len(points) >= 500
    places = np.array([(point.x, point.y) for point in points])
    distances = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    nearest = [points[at] for at in distances.argmin(axis=1)]
    pairs = list(zip(points, nearest, strict=True))
    assert np.mean([a.group == b.group for a, b in pairs]) > 0.85
    assert np.mean([a.lang != b.lang for a, b in pairs]) > 0.85
    assert_apart_and_inside(places)


def test_a_map_is_made_once_and_found_again(demo, own_maps):
    first = Maps(own_maps, sample=60)
    assert first.map_of(demo, 1) is None, "nobody waits for it"
    points = made(first, demo)
    assert first.map_of(demo, 2) == points, "another state with the same sample"
    first.close()
    (saved,) = own_maps.glob("map-*")
    assert saved.stat().st_size < 5000

    again = Maps(own_maps, sample=60)
    assert again.map_of(demo, 1) == points, "after a restart it is there at once"
    again.close()


@pytest.mark.parametrize("damage", [b"", b"\x08\0\0\0\0\0\0\0{}      ", None])
def test_a_saved_map_that_cannot_be_read_is_made_again(demo, own_maps, damage):
    first = Maps(own_maps, sample=30)
    points = made(first, demo)
    first.close()
    (saved,) = own_maps.glob("map-*")
    whole = saved.read_bytes()
    saved.write_bytes(whole[:-8] if damage is None else damage)
    again = Maps(own_maps, sample=30)
    assert again.map_of(demo, 1) is None
    assert made(again, demo) == points
    again.close()
    assert saved.read_bytes() == whole


def test_only_so_many_maps_are_kept(demo, own_maps):
    own_maps.mkdir()
    for number in range(30):
        (own_maps / f"map-{number:032x}.safetensors").write_bytes(b"old")
    other = own_maps / "something-else.safetensors"
    other.write_bytes(b"not a map")
    maps = Maps(own_maps, sample=30)
    made(maps, demo)
    maps.close()
    assert len(list(own_maps.glob("map-*"))) == 16
    assert other.exists()


def test_without_a_directory_there_is_a_map_all_the_same(demo, tmp_path):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    maps = Maps(tmp_path / "file", sample=30)
    assert made(maps, demo)
    maps.close()


def test_another_state_gets_another_map(phrasebook_index, embedded, tmp_path, own_maps):
    directory = shutil.copytree(phrasebook_index, tmp_path / "more")
    maps = Maps(own_maps, sample=2000)
    with open_index(directory, embedded) as index:
        assert maps.map_of(index, 1) is None
    add(directory, embedded, [("new", "ru", "Этого предложения ещё не было.")])
    with open_index(directory, embedded) as index:
        texts = {point.text for point in made(maps, index, 2)}
    assert "Этого предложения ещё не было." in texts
    maps.close()


def test_closing_stops_what_is_being_made(demo, own_maps):
    maps = Maps(own_maps)
    assert maps.map_of(demo, 1) is None
    started = time.monotonic()
    maps.close()
    assert time.monotonic() - started < 2
    assert not list(own_maps.glob("map-*"))
    assert not [thread for thread in threading.enumerate() if thread.name == "searchkbd-map"]


def test_a_map_that_takes_too_long_is_given_up_and_not_tried_again(demo, own_maps, monkeypatch):
    monkeypatch.setattr(map_module, "PATIENCE", 0.01)
    slow = Maps(own_maps)
    with pytest.raises(MapError):
        made(slow, demo)
    with pytest.raises(MapError):
        slow.map_of(demo, 1)
    slow.close()


def test_an_index_without_sentences_has_an_empty_map(
    phrasebook_index, embedded, tmp_path, own_maps
):
    from searchkbd.index.editing import delete_rows

    directory = shutil.copytree(phrasebook_index, tmp_path / "none")
    with open_index(directory, embedded) as index:
        ids = [sentence.id for sentence in index.reader.iterate()]
    delete_rows(directory, ids)
    with open_index(directory, embedded) as index:
        maps = Maps(own_maps)
        assert maps.map_of(index, 1) == ()
        maps.close()
