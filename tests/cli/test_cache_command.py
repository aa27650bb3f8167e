"""searchkbd cache: what is shown, what is removed, and exit codes."""

from __future__ import annotations

import json
import time

import pytest

from searchkbd.cache.chunk import chunk_files, set_used
from searchkbd.cache.encoder import CachedEncoder, cached
from searchkbd.cache.keys import keys_of
from searchkbd.cache.place import embeddings_path
from searchkbd.cache.store import EmbeddingCache

DAY = 86_400 * 10**9
LONG_AGO = 1_700_000_000 * 10**9  # 2023-11-14T22:13:20Z


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("SEARCHKBD_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SEARCHKBD_CACHE_MAX", raising=False)
    return tmp_path / "cache"


class Named:
    """The trigram encoder under another fingerprint."""

    def __init__(self, encoder, fingerprint: str) -> None:
        self.name, self.dim, self.fingerprint = encoder.name, encoder.dim, fingerprint
        self.encode = encoder.encode


@pytest.fixture
def filled(root, trigrams):
    """Two encoders: "old" with two chunks, "new" with one; returns the files of each."""
    for fingerprint, word in (("old", "вода"), ("old", "хлеб"), ("new", "снег")):
        with cached(Named(trigrams, fingerprint)) as encoder:
            encoder.encode([f"{word} {n}" for n in range(600)])
    files = {
        name: [file.path for file in chunk_files(embeddings_path(root) / f"{name}-64")]
        for name in ("old", "new")
    }
    for path in files["old"]:
        set_used(path, LONG_AGO)
    return files


def shape(run, *arguments, code: int = 0) -> dict:
    done = run("cache", *arguments, "--json")
    assert done.code == code, done.err
    return json.loads(done.out)


def test_an_empty_cache(run, root):
    code, out, err = run("cache")
    assert (code, err) == (0, "")
    assert out == f"{embeddings_path(root)}: 0 sentences, 0 bytes (of at most 2.0 GB)\n"
    assert shape(run, "--prune") == {
        "directory": str(embeddings_path(root)), "max_bytes": 2_000_000_000, "bytes": 0,
        "sentences": 0, "encoders": [],
        "models": {"directory": str(root / "models"), "files": 0, "bytes": 0},
        "removed": {"files": 0, "bytes": 0, "in_use": 0},
    }  # fmt: skip
    assert not root.exists()


def test_what_is_shown(run, filled):
    code, out, err = run("cache")
    assert (code, err) == (0, "")
    first, blank, heading, new, old = out.splitlines()
    assert "1,800 sentences" in first and "of at most 2.0 GB" in first and not blank
    assert heading.split() == ["encoder", "sentences", "size", "last", "used"]
    assert new.split()[:2] == ["new", "600"]
    assert old.split()[:2] == ["old", "1,200"] and old.endswith("2023-11-14T22:13:20Z")
    assert max(map(len, (heading, new, old))) <= 80


def test_the_json(run, filled):
    got = shape(run, "--encoder", "old")
    size = sum(path.stat().st_size for path in filled["old"])
    assert got["encoders"] == [{
        "encoder": "old", "dimensions": 64, "sentences": 1200, "bytes": size, "files": 2,
        "damaged": 0, "used": "2023-11-14T22:13:20Z",
    }]  # fmt: skip
    assert (got["sentences"], got["removed"]) == (1800, None)
    assert got["bytes"] == size + filled["new"][0].stat().st_size


def test_prune_to_the_bound(run, filled, monkeypatch):
    for path in filled["new"]:
        set_used(path, LONG_AGO + DAY)
    one = filled["new"][0].stat().st_size
    monkeypatch.setenv("SEARCHKBD_CACHE_MAX", str(one))
    got = shape(run, "--prune")
    assert got["removed"] == {"files": 2, "bytes": 2 * one, "in_use": 0}
    assert [entry["encoder"] for entry in got["encoders"]] == ["new"] and got["bytes"] == one
    assert shape(run, "--prune")["removed"]["files"] == 0


def test_prune_makes_few_files_of_many(run, root):
    for number in range(40):
        with EmbeddingCache(root, "abc", 8) as cache:
            keys = keys_of([(f"школа {number}", "ru")])
            cache.put(keys, keys[:, :1] * [0.0] * 8)
            cache.close(tidy=False)
    assert shape(run)["encoders"][0]["files"] == 40
    got = shape(run, "--prune")
    assert got["encoders"][0]["files"] == 1 and got["sentences"] == 40


def test_by_age(run, filled):
    for path, days in zip([*filled["old"], *filled["new"]], (40, 20, 40), strict=True):
        set_used(path, time.time_ns() - days * DAY)
    code, out, err = run("cache", "--older-than", "30", "--encoder", "old")
    assert (code, err) == (0, "") and out.startswith("1 file removed, ")
    assert [path.exists() for path in filled["old"]] == [False, True]
    assert filled["new"][0].exists()
    assert shape(run, "--older-than", "0.5")["removed"]["files"] == 2


def test_clear(run, filled, root):
    assert shape(run, "--clear", "--encoder", "old")["removed"]["files"] == 2
    assert filled["new"][0].exists()
    (root / "use-multilingual-v3-x.safetensors").write_bytes(b"not ours to clear")
    code, out, _ = run("cache", "--clear")
    assert code == 0 and out.startswith("1 file removed, ") and "0 sentences" in out
    assert [path.name for path in root.rglob("*") if path.is_file()] == [
        "use-multilingual-v3-x.safetensors"
    ]


def test_a_running_build_keeps_what_it_has_cached(run, filled, root, trigrams):
    with EmbeddingCache(root, "third", trigrams.dim) as cache:
        CachedEncoder(trigrams, cache).encode(["вода"])
        cache.flush()
        set_used(filled["new"][0], LONG_AGO)
        code, out, err = run("cache", "--clear")
        assert code == 1 and "1 file kept" in err and "run this again" in err
        assert out.startswith("3 files removed, ") and "1 sentence, " in out
    assert shape(run, "--clear")["sentences"] == 0


def test_damage_is_told_and_removed(run, filled):
    path = filled["old"][0]
    path.write_bytes(path.read_bytes()[:-5])
    code, out, err = run("cache")
    assert code == 1 and "600 sentences" not in out.splitlines()[0] and path.exists()
    assert err == "1 file damaged: searchkbd cache --prune removes them\n"
    got = shape(run, "--prune")
    assert got["removed"]["files"] == 1 and not path.exists() and got["sentences"] == 1200


def test_turned_off(run, root, monkeypatch):
    monkeypatch.setenv("SEARCHKBD_CACHE_MAX", "0")
    assert "the cache is off" in run("cache").out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--clear", "--prune"], "--clear removes everything"),
        (["--clear", "--older-than", "3"], "--clear removes everything"),
        (["--older-than", "-1"], "--older-than"),
        (["--encoder", "absent"], "there is: new, old"),
        (["more"], "more"),
    ],
)
def test_what_cannot_be_meant(run, filled, arguments, said):
    code, out, err = run("cache", *arguments)
    assert (code, out) == (2, "") and said in err
    assert all(path.exists() for path in [*filled["old"], *filled["new"]])


def test_a_bound_that_is_no_size(run, root, monkeypatch):
    monkeypatch.setenv("SEARCHKBD_CACHE_MAX", "much")
    code, out, err = run("cache")
    assert (code, out) == (2, "") and "SEARCHKBD_CACHE_MAX='much' is not a size" in err


def test_a_full_disk(mount, trigrams, monkeypatch, run):
    disk = mount("size=300k")
    monkeypatch.setenv("SEARCHKBD_CACHE", str(disk))
    texts = [f"школа {n}" for n in range(4000)]
    with EmbeddingCache(disk, trigrams.fingerprint, trigrams.dim) as cache:
        encoder = CachedEncoder(trigrams, cache)
        encoder.encode(texts[:1000])
        cache.flush()
        assert encoder.warning is None
        before = encoder.encode(texts)
        cache.flush()
        assert "No space left" in encoder.warning
        assert (encoder.encode(texts) == before).all()
    got = shape(run)
    assert got["sentences"] == 1000 and got["encoders"][0]["damaged"] == 0
    with cached(trigrams) as encoder:
        encoder.encode(texts)
        assert (encoder.hits, encoder.misses) == (1000, 3000)
