"""Names of directories, and the bound that the environment sets."""

from __future__ import annotations

import pytest

from searchkbd.cache.place import (
    DEFAULT_MAX,
    CacheSettingError,
    encoder_folders,
    encoder_of,
    folder_name,
    max_bytes,
)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("", DEFAULT_MAX), ("  ", DEFAULT_MAX), ("0", 0), ("1000", 1000), ("500M", 500_000_000),
        ("4G", 4_000_000_000), ("1.5 gb", 1_500_000_000), ("2kB", 2000), ("1T", 10**12),
        ("12b", 12),
    ],
)  # fmt: skip
def test_sizes(monkeypatch, text, size):
    monkeypatch.setenv("SEARCHKBD_CACHE_MAX", text)
    assert max_bytes() == size


@pytest.mark.parametrize("text", ["much", "-1", "1e9", "4 GiB", "G", "١٢"])
def test_what_is_no_size(monkeypatch, text):
    monkeypatch.setenv("SEARCHKBD_CACHE_MAX", text)
    with pytest.raises(CacheSettingError, match="SEARCHKBD_CACHE_MAX.* 500M or 4G"):
        max_bytes()


@pytest.mark.parametrize("fingerprint", ["53839c272871cd04", "trigrams-64-v1"])
def test_a_fingerprint_that_can_be_a_name_is_one(tmp_path, fingerprint):
    assert folder_name(fingerprint, 64) == f"{fingerprint}-64"
    assert encoder_of(tmp_path / f"{fingerprint}-64") == fingerprint


@pytest.mark.parametrize("fingerprint", ["", "..", "../../x", "a/b", "A", "a\0b", "é", "x" * 33])
def test_other_fingerprints_are_hashed(fingerprint):
    name = folder_name(fingerprint, 64)
    assert name.endswith("-64") and len(name) == 35 and name[:32].isalnum()


def test_names_differ_where_fingerprints_do():
    names = {folder_name(text, 8) for text in ("a", "A", "a/", "/a", "", ".", "..")}
    assert len(names) == 7
    assert folder_name("a", 8) != folder_name("a", 16)


def test_folders_of_one_encoder(tmp_path):
    for name in ("b-8", "a-8", "a-16"):
        (tmp_path / "embeddings" / name).mkdir(parents=True)
    (tmp_path / "embeddings" / "a.pin").touch()
    assert [path.name for path in encoder_folders(tmp_path)] == ["a-16", "a-8", "b-8"]
    assert [path.name for path in encoder_folders(tmp_path, "b")] == ["b-8"]
    assert encoder_folders(tmp_path / "absent") == []
