"""The protocol of amaGama, asked as Weblate, Virtaal and amaGama's own page ask."""

from __future__ import annotations

import json
import socket
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from conftest_text import LONG_SEGMENT
