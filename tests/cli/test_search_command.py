"""``search``: hits, their JSON shape, queries from standard input, bad queries, broken pipes."""

from __future__ import annotations

import json
import subprocess

import pytest

from .conftest import SENTENCES, command, environment  # noqa: TID252

LANGUAGES = ("kbd", "ru", "en", "fr", "tr")
HIT = ["rank", "id", "lang", "text", "score", "similarity", "origin", "group", "translations"]
