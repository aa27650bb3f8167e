"""Models really downloaded, from a server on this machine, and then used without it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hub_server import COMMIT, Hub, environment, model_files

pytest.importorskip("huggingface_hub")

from searchkbd.encoders.transformer.files import MissingModelError, find_model  # noqa: E402

ROOT = Path(__file__).parents[3]
NAME = "someone/tiny"
# In a process of its own, since the library reads its environment once.
FETCH = """
import json, sys
from huggingface_hub import constants
from searchkbd.encoders.base import EncoderError
from searchkbd.encoders.transformer.fetch import fetch

constants.DOWNLOAD_CHUNK_SIZE = 1 << 16  # of 10 MB: what is small can break in the middle too
told, plans = [], []
spec, revision = json.loads(sys.argv[1])
try:
    files = fetch(
        spec, revision=revision, progress=lambda *both: told.append(both), on_plan=plans.append
    )
except EncoderError as error:
    print(json.dumps({"error": str(error), "told": told}))
else:
    print(json.dumps({
        "name": files.name, "directory": str(files.directory), "revision": files.revision,
        "fingerprint": files.fingerprint, "told": told, "planned": plans[0].bytes,
    }))
"""


@dataclass(frozen=True)
class Answer:
    name: str = ""
    directory: str = ""
    revision: str = ""
    fingerprint: str = ""
    planned: int = 0
    told: list[list[float]] = field(default_factory=list)
    error: str = ""


@pytest.fixture(scope="module")
def tiny(tiny_labse) -> dict[str, bytes]:
    return model_files(tiny_labse)


@pytest.fixture
def hub(tiny):
    with Hub(models={NAME: {**tiny, "LICENSE": b"none", "onnx/model.onnx": b"x" * 20_000}}) as hub:
        yield hub


@pytest.fixture
def fetch(hub, tmp_path) -> Callable[..., Answer]:
    def fetch(spec: str = NAME, revision: str | None = None, **surroundings):
        endpoint = surroundings.pop("endpoint", hub.address)
        others = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", FETCH, json.dumps([spec, revision])],
            cwd=ROOT, capture_output=True, text=True, timeout=60,
            env={**others, **environment(tmp_path / "home", endpoint), **surroundings},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return Answer(**json.loads(done.stdout))

    return fetch


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """The cache that ``fetch`` fills, as this process sees it too."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    return tmp_path / "home" / "hub"


def test_a_model_is_fetched_and_then_found_without_the_server(
    hub, fetch, cache, tiny_labse, tmp_path
):
    answer = fetch()
    assert answer.error == ""
    assert answer.revision == COMMIT
    assert "model.onnx" not in " ".join(hub.downloads())
    assert sorted(map(str, model_files(Path(answer.directory)))) == sorted(
        [*model_files(tiny_labse), "LICENSE"]
    )
    assert answer.told[-1] == [answer.planned, answer.planned]
    assert [done for done, _ in answer.told] == sorted(done for done, _ in answer.told)

    # A second time nothing is downloaded,
    hub.asked.clear()
    again = fetch()
    assert again.planned == 0 and again.fingerprint == answer.fingerprint
    assert [a for a in hub.asked if a.startswith("GET") and "safetensors" in a] == []
    # and to find and describe the model, nobody is asked.
    hub.asked.clear()
    found = find_model(NAME)
    assert (found.repo, found.revision) == (NAME, COMMIT)
    assert hub.asked == []
    # It is the same model, in the cache, in a copy of it, and where it came from.
    copy = shutil.copytree(answer.directory, tmp_path / "copy")
    prints = {find_model(place).fingerprint for place in (tiny_labse, copy, answer.directory)}
    assert prints == {answer.fingerprint}


@pytest.mark.parametrize(
    ("surroundings", "said"),
    [
        ({"endpoint": "http://127.0.0.1:9"}, "http://127.0.0.1:9 cannot be reached"),
        ({"HF_HUB_OFFLINE": "1"}, "the network is not used, as HF_HUB_OFFLINE says"),
    ],
)
def test_without_a_network_what_is_here_stays_usable(hub, fetch, cache, surroundings, said):
    answer = fetch(**surroundings)
    assert said in answer.error and f"{NAME} is not here" in answer.error
    assert hub.asked == []


def test_a_model_that_is_here_is_not_lost_when_the_network_is(hub, fetch, cache):
    assert fetch().error == ""
    answer = fetch(endpoint="http://127.0.0.1:9")
    assert "cannot be reached" in answer.error and "can be used as before" in answer.error
    assert find_model(NAME).revision == COMMIT


def without(files: dict[str, bytes], *names: str, **others: bytes) -> dict[str, bytes]:
    return {name: data for name, data in files.items() if name not in names} | others


def pickled(files):
    return without(files, "model.safetensors") | {"pytorch_model.bin": b"\x80\x02}q\x00."}


def own_module(files):
    modules = json.loads(files["modules.json"])
    modules[0]["type"] = "modeling_own.Transformer"
    return files | {"modules.json": json.dumps(modules).encode(), "modeling_own.py": b"1 / 0"}


def own_code(files):
    config = json.loads(files["config.json"]) | {"auto_map": {"AutoModel": "own.Model"}}
    return files | {"config.json": json.dumps(config).encode(), "own.py": b"1 / 0"}


def no_weights(files):
    return without(files, "model.safetensors")


def no_model(files):
    return {"README.md": b"# Nothing\n", "data.csv": b"1,2\n"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (pickled, "pytorch_model.bin: weights as a pickle"),
        (own_module, "modeling_own.Transformer is code of its own"),
        (own_code, "needs code of its own (auto_map)"),
        (no_weights, "model.safetensors is missing"),
        (no_model, "no model of sentence-transformers"),
    ],
)
def test_what_cannot_be_used_is_refused_before_it_is_downloaded(hub, fetch, cache, change, said):
    hub.models[NAME] = change(hub.models[NAME])
    answer = fetch()
    assert said in answer.error and NAME in answer.error
    assert "searchkbd-" not in answer.error  # no name of a temporary folder
    assert not [name for name in hub.downloads() if not name.endswith(".json")]
    assert not (cache / "models--someone--tiny" / "snapshots").exists()


def test_a_broken_download_goes_on_where_it_stopped(hub, fetch):
    hub.large = 1_000_000  # the weights of the transformer only
    hub.cut, hub.cuts = 700_000, 1
    assert fetch().error == ""
    (asked,) = hub.ranges
    assert 600_000 < int(asked.removeprefix("bytes=").removesuffix("-")) <= 700_000


def test_a_broken_download_goes_on_in_the_next_run(hub, fetch, cache):
    hub.large = 1_000_000
    hub.cut, hub.cuts, hub.fails_after_cut = 700_000, 1, True
    assert "answered 500; someone/tiny is not here, or not all of it" in fetch().error
    with pytest.raises(MissingModelError, match="is not here"):
        find_model(NAME)
    (begun,) = (cache / "models--someone--tiny" / "blobs").glob("*.searchkbd-part")
    here = begun.stat().st_size
    assert 600_000 < here <= 700_000
    hub.status, hub.sent = None, 0
    assert fetch().error == ""
    assert hub.sent == len(hub.models[NAME]["model.safetensors"]) - here
    assert not begun.exists()


def test_what_has_come_is_checked(hub, fetch, cache):
    whole = hub.models[NAME]["model.safetensors"]
    hub.corrupt["model.safetensors"] = whole[:-1] + bytes([whole[-1] ^ 1])
    assert "model.safetensors: what has come is not what the hub has" in fetch().error
    hub.corrupt.clear()
    assert fetch().error == ""


def test_a_disk_that_is_too_small(hub, fetch, cache):
    hub.claimed["model.safetensors"] = 10**18
    answer = fetch()
    assert f"{NAME} needs 1,000,000,000.0 GB" in answer.error and "HF_HUB_CACHE" in answer.error
    assert hub.sent == 0


def test_a_new_version_takes_the_place_of_the_old_one_when_it_is_whole(hub, fetch, cache, tiny):
    first = fetch()
    config = json.loads(tiny["2_Dense/config.json"]) | {
        "activation_function": "torch.nn.modules.linear.Identity"
    }
    hub.commit = COMMIT[::-1]
    hub.models[NAME] = {**tiny, "2_Dense/config.json": json.dumps(config).encode()}
    hub.status = 500
    assert "answered 500; the version of someone/tiny that is here" in fetch().error
    hub.status, hub.sent = None, 0
    second = fetch()
    assert second.revision == COMMIT[::-1] and second.fingerprint != first.fingerprint
    assert hub.sent == 0  # the weights are the same, and were not downloaded again
    assert find_model(f"{NAME}@{COMMIT}").fingerprint == first.fingerprint


@pytest.mark.parametrize(
    ("spec", "revision", "said"),
    [
        ("someone/else", None, "there is no model someone/else at http://127.0.0.1"),
        (NAME, "v2", f"{NAME} has no version 'v2'"),
        ("a/b/c", None, "write it as owner/name"),
        (NAME, "../x", "not the name of a branch"),
    ],
)
def test_what_cannot_be_found(fetch, spec, revision, said):
    assert said in fetch(spec, revision).error


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (403, "GatedRepo", "given only to users who have accepted its terms"),
        (401, "GatedRepo", "hf auth login"),
        (503, "", "answered 503"),
    ],
)
def test_a_hub_that_does_not_give_it(hub, fetch, status, code, said):
    hub.status, hub.code = status, code
    assert said in fetch().error


def test_a_version_by_its_commit(fetch, cache):
    answer = fetch(NAME, COMMIT)
    assert answer.name == f"{NAME}@{COMMIT}"
    assert find_model(answer.name).revision == COMMIT
