"""The OpenAPI document against the running server: whatever it allows is answered as it says, and
whatever it does not allow is refused."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from live_server import live_server
from schemathesis.config import SchemathesisConfig

from searchkbd.server.app import create_app
from searchkbd.server.settings import ServerSettings

EXAMPLES = 12  # random requests to each operation, besides those at the edges of its parameters

schemathesis.openapi.format(
    "language-tag", st.sampled_from(["kbd", "ru", "en", "fr", "tr", "ady", "ru_RU", "KBD-Cyrl"])
)
schemathesis.openapi.format(
    "words", st.sampled_from(["сэ", "Уи махуэ фӏыуэ!", "школым", "I live", "11", "щ1алэ", "'q'"])
)


@schemathesis.hook
def filter_case(context, case) -> bool:
    """Leave out what a JSON schema cannot say: options that contradict each other."""
    asked = {**(case.query or {}), **(case.body if isinstance(case.body, dict) else {})}
    negative = case.meta is not None and case.meta.generation.mode.is_negative
    return negative or not (
        ("from" in asked and str(asked.get("from"))[:2].lower() == str(asked.get("to"))[:2].lower())
        or (asked.get("pivot") and _yes(asked.get("no_pivot")))
        or (_yes(asked.get("exact")) and _yes(asked.get("loose")))
        or asked.get("dimensions")
    )


def _yes(value: object) -> bool:
    return value not in (None, False, "false")


_DOCUMENT = create_app(ServerSettings(index=Path("nowhere"))).openapi()
_SCHEMA = schemathesis.openapi.from_dict(
    _DOCUMENT,
    config=SchemathesisConfig.from_dict(
        {
            "seed": 1,
            "generation": {"max-examples": EXAMPLES},
            "checks": {
                # Too many texts may be too many bytes as well, which is seen first.
                "negative_data_rejection": {
                    "expected-statuses": ["400", "401", "404", "405", "413", "414", "422"]
                },
            },
        }
    ),
)
_READS = _SCHEMA.include(
    path_regex="^/(api/(search|tm|concordance|sentences|stats)|v1/|health)"
).exclude(path_regex="^/api/sentences", method=["POST", "DELETE"])
_WRITES = _SCHEMA.include(path_regex="^/api/(sentences|deletions)")
_SETTINGS = settings(deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def written(phrasebook_index, tmp_path_factory, token) -> Iterator[str]:
    """The address of a server that is written to."""
    copy = tmp_path_factory.mktemp("written") / "demo"
    shutil.copytree(phrasebook_index, copy)
    with live_server(copy, allow_writes=True, token=token) as server:
        yield server.url


def test_the_document_is_that_of_the_server(demo_server):
    assert httpx.get(f"{demo_server.url}/openapi.json").json() == _DOCUMENT


@_READS.parametrize()
@_SETTINGS
def test_what_is_read(case, demo_server):
    case.call_and_validate(base_url=demo_server.url)


@_WRITES.parametrize()
@_SETTINGS
def test_what_is_written(case, written, token):
    case.call_and_validate(base_url=written, headers={"Authorization": f"Bearer {token}"})
