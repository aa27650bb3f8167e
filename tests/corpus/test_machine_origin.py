"""What a machine translated is known by its origin."""

from __future__ import annotations

import pytest

from searchkbd.corpus.machine import is_machine


@pytest.mark.parametrize(
    ("origin", "machine"),
    [
        ("mt", True), ("mt:nllb", True), ("mt-google", True), ("mt/x", True),
        ("mtx", False), ("tatoeba", False), ("not:mt", False), ("", False),
    ],
)  # fmt: skip
def test_machine_translation_is_known_by_its_origin(origin, machine):
    assert is_machine(origin) is machine
