"""Four processes read while one writes: what each sees is one snapshot, and nothing ever fails."""

from __future__ import annotations


def test_readers_see_one_snapshot_each(crash):
    found = crash("concurrency", "--seconds", "20", "--seed", "8")["found"]
    writer = found.pop("writer")
    assert writer["additions"] >= 5 and {"deletions", "changes"} <= set(writer)
    assert len(found) == 4 and all(reader["snapshots"] >= 2 for reader in found.values())
