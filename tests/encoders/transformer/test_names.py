"""Names of models: aliases, repositories, revisions, and what is no name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchkbd.encoders.transformer.names import KNOWN, HubName, hub_name, known, resolve


def test_the_known_models():
    assert resolve("labse-kbd") == "panagoa/LaBSE-kbd-v0.2"
    assert resolve("labse") == "sentence-transformers/LaBSE"
    assert {model.palochka for model in KNOWN} == {"I"}
    assert known("panagoa/LaBSE-kbd-v0.2").alias == "labse-kbd"
    assert known("someone/else") is None


def test_a_name_without_an_owner_is_one_of_sentence_transformers():
    assert resolve("LaBSE") == "sentence-transformers/LaBSE"
    assert resolve("someone/else") == "someone/else"


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("labse", HubName("sentence-transformers/LaBSE", "main")),
        ("labse@v1", HubName("sentence-transformers/LaBSE", "v1")),
        ("a/b@refs/pr/1", HubName("a/b", "refs/pr/1")),
        ("./labse", None),
        ("/labse", None),
        ("a/b/c", None),
        ("../labse", None),
        ("a/..", None),
        ("a/b@../../x", None),
        ("a/b@", None),
        ("@main", None),
        ("a/b--c", None),
        ("", None),
        ("вода", None),
    ],
)
def test_what_is_a_name(spec, name):
    assert hub_name(spec) == name


@given(st.text(alphabet="a.-_/@\\: \n", max_size=12) | st.text(max_size=12))
def test_a_name_never_leads_out_of_the_cache(spec):
    name = hub_name(spec)
    if name is not None:
        owner, slash, last = name.repo.partition("/")
        assert slash and "/" not in last
        for part in (owner, last, *name.revision.split("/")):
            assert ".." not in part and "\\" not in part and not part.startswith("-")
        assert not name.revision.startswith("/")
