"""Embeddings in the shape of OpenAI's API."""

from __future__ import annotations

import base64

import httpx
import numpy as np
import pytest

from searchkbd.server.api import answers
from searchkbd.server.api.embeddings import shown

TEXTS = ["Уи махуэ фӏыуэ!", "Где живёт твой брат?", "Where does your brother live?", "…"]


@pytest.fixture
def client(demo_server):
    with httpx.Client(base_url=demo_server.url, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def vectors(embedded):
    return embedded.encode(TEXTS, ["kbd", "ru", "en", "und"])


def test_vectors_are_those_of_the_encoder(client, vectors):
    body = {"input": TEXTS, "model": "text-embedding-3-small", "user": "me", "dimensions": 512}
    answer = client.post("/v1/embeddings", json=body)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert answers.Embeddings.model_validate(found).model_dump(mode="json") == found
    assert [each["index"] for each in found["data"]] == [0, 1, 2, 3]
    given = np.array([each["embedding"] for each in found["data"]], dtype=np.float32)
    np.testing.assert_allclose(given, vectors, atol=1e-6)
    assert found["model"] == "embedded"
    assert found["usage"] == {"prompt_tokens": 3 + 4 + 5 + 1, "total_tokens": 13}


def test_base64_is_of_little_endian_floats(client, vectors):
    found = client.post("/v1/embeddings", json={"input": TEXTS[1], "encoding_format": "base64"})
    (one,) = found.json()["data"]
    given = np.frombuffer(base64.b64decode(one["embedding"]), dtype="<f4")
    np.testing.assert_allclose(given, vectors[1], atol=1e-6)


def test_many_texts_keep_their_order(client):
    texts = [f"{number} дней" for number in range(100)]
    many = client.post("/v1/embeddings", json={"input": texts}).json()["data"]
    one = client.post("/v1/embeddings", json={"input": texts[77]}).json()["data"]
    np.testing.assert_allclose(many[77]["embedding"], one[0]["embedding"], atol=1e-6)


@pytest.mark.parametrize(
    ("body", "param", "said"),
    [
        ({}, "input", "Field required"),
        ({"input": ""}, "input", "at least 1 character"),
        ({"input": []}, "input", ""),
        ({"input": ["x", ""]}, "input", ""),
        ({"input": [1, 2]}, "input", "valid string"),
        ({"input": [[1, 2]]}, "input", "valid string"),
        ({"input": ["x"] * 257}, None, "input: 257 is too many; 256"),
        ({"input": "x", "dimensions": 256}, None, "dimensions: vectors have 512"),
        ({"input": "x", "encoding_format": "int8"}, "encoding_format", ""),
        ({"input": "x", "truncate": True}, "truncate", "not permitted"),
        ("{", None, "JSON"),
    ],
)
def test_refusals_are_such_as_clients_read(client, body, param, said):
    sent = {"content": body} if isinstance(body, str) else {"json": body}
    answer = client.post("/v1/embeddings", headers={"Content-Type": "application/json"}, **sent)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["type"], error["param"], error["code"]) == ("invalid_request_error", param, None)
    assert said in error["message"]


def test_the_one_model_is_listed(client):
    found = client.get("/v1/models").json()
    assert answers.Models.model_validate(found).model_dump(mode="json") == found
    assert [model["id"] for model in found["data"]] == ["embedded"]


def test_an_encoder_in_a_directory_is_shown_by_its_last_name():
    assert shown("/home/somebody/models/student") == "student"
    assert shown("embedded") == "embedded"
    assert shown("sentence-transformers/LaBSE") == "sentence-transformers/LaBSE"
