"""Data sets by name: really downloaded, from a server on this machine, and read from the cache."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hub_server import Hub, environment

ROOT = Path(__file__).parents[2]
NAME = "someone/tatoeba_kbd"
# What is read, and what is said besides, as JSON; in a process of its own, since the library reads
# its environment once.
READER = """
import json, sys
from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.read import read_corpus
from searchkbd.corpus.sentence import CorpusError, Sentence

events = []
name, options = json.loads(sys.argv[1])
try:
    items = list(read_corpus(name, ReadOptions(**options, on_event=events.append)))
except CorpusError as error:
    print(json.dumps({"error": str(error)}))
else:
    print(json.dumps({
        "texts": [item.text for item in items if isinstance(item, Sentence)],
        "places": [str(item.source) for item in items if isinstance(item, Sentence)],
        "origins": [item.origin for item in items if isinstance(item, Sentence)],
        "events": [repr(event) for event in events],
    }))
"""


def shard(*rows: tuple[str, str, float]) -> bytes:
    out = io.BytesIO()
    pq.write_table(
        pa.table(
            {
                "source_tatoeba_id": list(range(1, len(rows) + 1)),
                "source_lang": ["rus"] * len(rows),
                "source_text": [row[0] for row in rows],
                "target_text": [row[1] for row in rows],
                "similarity_score": pa.array([row[2] for row in rows], pa.float32()),
                "nllb_model_version": ["nllb-1"] * len(rows),
            }
        ),
        out,
    )
    return out.getvalue()


FILES = {
    "README.md": b"# A data set\n",
    "data/rus-00000-of-00002.parquet": shard(("Вода холодная.", "Псыр щӏыӏэщ.", 0.9)),
    "data/rus-00001-of-00002.parquet": shard(("Идёт дождь.", "Уэшх къошх.", 0.5)),
    "data/eng-00000-of-00001.parquet": shard(("It is raining.", "Уэшх къошх.", 0.8)),
}


@dataclass(frozen=True)
class Answer:
    texts: list[str] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    origins: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    error: str = ""


@pytest.fixture
def hub():
    with Hub({NAME: dict(FILES)}) as hub:
        yield hub


@pytest.fixture
def read(hub, tmp_path) -> Callable[..., Answer]:
    def read(name: str = f"hf:{NAME}", offline: bool = False, endpoint: str = "", **options):
        others = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", READER, json.dumps([name, options])],
            cwd=ROOT, capture_output=True, text=True, timeout=60,
            env={
                **others,
                **environment(tmp_path / "home", endpoint or hub.address, offline=offline),
            },
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return Answer(**json.loads(done.stdout))

    return read


def downloads(hub) -> list[str]:
    return [asked.rpartition("/")[2] for asked in hub.asked if "/resolve/" in asked]


def test_a_split_is_read_file_by_file(hub, read):
    answer = read(split="rus")
    assert answer.texts == ["Вода холодная.", "Псыр щӏыӏэщ.", "Идёт дождь.", "Уэшх къошх."]
    assert answer.origins == ["tatoeba", "mt:nllb-1"] * 2
    assert answer.places[3] == f"hf:{NAME}/data/rus-00001-of-00002.parquet:1"
    first, second = "rus-00000-of-00002.parquet", "rus-00001-of-00002.parquet"
    assert downloads(hub) == [first, first, second, second]  # asked for and fetched, in turn
    assert any("Fetching rus-00001" in event for event in answer.events)


def test_the_cache_is_read_without_a_network(hub, read):
    online = read(split="rus")
    hub.asked.clear()
    assert read(split="rus", offline=True).texts == online.texts
    assert hub.asked == []
    # and so it is where the network is gone and nobody said so
    assert read(split="rus", endpoint="http://127.0.0.1:9").texts == online.texts


def test_what_is_cached_is_not_downloaded_again(hub, read):
    read(split="rus")
    hub.asked.clear()
    read(split="rus")
    assert not [asked for asked in hub.asked if asked.startswith("GET /datasets")]


def test_a_split_of_which_the_cache_has_a_part_only_is_not_taken_for_whole(hub, read, tmp_path):
    read(split="rus")
    (last,) = (tmp_path / "home").rglob("rus-00001-of-00002.parquet")
    last.unlink()
    answer = read(split="rus", offline=True)
    assert "1 of the 2 files of the split rus" in answer.error and "network" in answer.error


def test_where_names_do_not_tell_how_many_files_there_are_it_is_said_what_is_read(hub, read):
    hub.data_sets[NAME] = {"rus/0000.parquet": FILES["data/rus-00000-of-00002.parquet"]}
    assert len(read(split="rus").texts) == 2
    answer = read(split="rus", offline=True)
    assert len(answer.texts) == 2
    (remark,) = [event for event in answer.events if event.startswith("Remark")]
    assert "HF_HUB_OFFLINE" in remark and "rus/0000.parquet" in remark


def test_all_files_of_a_split_are_cut_as_one(read):
    answer = read(split="rus", percentile=75)
    assert answer.texts == ["Вода холодная.", "Псыр щӏыӏэщ."]
    (left_out,) = [event for event in answer.events if event.startswith("LeftOut")]
    assert "rows=1" in left_out and "below=0.79999" in left_out  # between 0.5 and 0.9


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        (f"hf:{NAME}", {}, "has several splits; choose one: --split NAME (eng, rus)"),
        (f"hf:{NAME}", {"split": "fra"}, "has no split 'fra'; choose one: --split NAME (eng, rus)"),
        ("hf:someone/else", {"split": "rus"}, "there is no data set hf:someone/else"),
        (f"hf:{NAME}", {"split": "rus", "revision": "v2"}, "has no version 'v2'"),
        ("hf:../etc", {}, "write it as hf:owner/name"),
    ],
)
def test_what_cannot_be_found(read, name, options, said):
    assert said in read(name, **options).error


def test_offline_with_an_empty_cache(hub, read):
    answer = read(split="rus", offline=True)
    assert "HF_HUB_OFFLINE" in answer.error and "nothing of it is cached" in answer.error
    assert hub.asked == []


def test_a_network_that_is_not_there(read):
    answer = read(split="rus", endpoint="http://127.0.0.1:9")
    assert "http://127.0.0.1:9 cannot be reached; and nothing of it is cached" in answer.error


def test_a_server_that_fails(hub, read):
    hub.status = 500
    assert "answered 500" in read(split="rus").error


def test_a_data_set_that_changes_while_it_is_read(hub, read):
    hub.changes_after_listing = True
    assert "has been changed while it was read" in read(split="rus").error


def test_a_version_is_read_by_its_commit(hub, read):
    assert len(read(split="eng", revision=hub.commit).texts) == 2


def test_a_damaged_file(hub, read):
    hub.data_sets[NAME]["data/eng-00000-of-00001.parquet"] = b"PAR1 and nothing more"
    assert "damaged, or no Parquet file" in read(split="eng").error
