#!/usr/bin/env python3
"""Ask a running server with Weblate's own clients, and say what does not fit.

    python scripts/weblate_client.py http://127.0.0.1:8765

It needs an environment in which Weblate is installed (written for 5.14.3), and no database. It
runs the machinery classes of Weblate as they are, for tmserver at both its addresses and for
LibreTranslate: the probe that Weblate makes when a service is configured, the list of languages,
and look-ups through Weblate's own masking of placeholders, cache and back-off. The exit code is 1
when something does not fit.

The segment is one of the demonstration index; with another index, say one of its own:
``--from``, ``--to`` and ``--segment``, a sentence that has a translation.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from typing import Any

UNKNOWN = "Xyzzy plugh 4711 qwrtzp"
"""A segment like nothing in any memory."""

AWKWARD = (
    "a/b", "/", "100 %", "50%2F50", "what? yes & no; #1", "a+b", "line 1\nline 2\r\n",
    "<b>bold</b>", "'\"\\", "...", "\u2028", "щӏалэ/пщащэ",
)  # fmt: skip
"""Segments whose characters mean something in an address."""

LONG = 600
"""Characters of a long segment, of which Weblate sends 500."""


def configure(directory: str) -> None:
    """Set Weblate up with its example settings, without its database and cache servers; files
    that it writes go to *directory*."""
    import django
    from django.conf import settings
    from weblate import settings_example

    values = {name: getattr(settings_example, name) for name in dir(settings_example)}
    values = {name: value for name, value in values.items() if name.isupper()}
    local = "django.core.cache.backends.locmem.LocMemCache"
    values |= {
        "DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        "CACHES": {name: {"BACKEND": local, "LOCATION": name} for name in values["CACHES"]},
        "DATA_DIR": directory,
        "CACHE_DIR": directory,
    }
    settings.configure(**values)
    django.setup()


class Checks:
    """Counts what does not fit, and says it."""

    def __init__(self) -> None:
        self.failed = 0

    def expect(self, what: str, right: Callable[[], bool]) -> None:
        """Print whether ``right()`` is true; what it raises is no better than false."""
        why = ""
        try:
            fits = right()
        except Exception as error:  # any, of a client that is not ours
            fits, why = False, f": {type(error).__name__}: {error}"
        self.failed += not fits
        print(f"{'ok    ' if fits else 'FAILED'}  {what}{why}")


def main() -> int:
    """Read the command line and run the checks; return the exit code."""
    parser = argparse.ArgumentParser(description="Ask a server with Weblate's own clients.")
    parser.add_argument("url", help="where the server is, as in http://127.0.0.1:8765")
    parser.add_argument("--from", dest="source", default="ru", help="language of the segment")
    parser.add_argument("--to", dest="target", default="kbd", help="language to translate into")
    parser.add_argument("--segment", default="Мой брат сегодня не придёт.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="weblate-client-") as directory:
        configure(directory)
        return run(options)


def run(options: argparse.Namespace) -> int:
    """Run the checks; return the exit code."""
    from weblate.utils.version import VERSION

    print(f"Weblate {VERSION}, {options.url}")
    checks = Checks()
    url = options.url.rstrip("/")
    for mount in ("/tmserver", "/api/v1"):
        check_tmserver(checks, url + mount, options)
    check_libretranslate(checks, url, options)
    print(f"{checks.failed} failed" if checks.failed else "all fit")
    return 1 if checks.failed else 0


def check_tmserver(checks: Checks, url: str, options: argparse.Namespace) -> None:
    """Check the protocol of amaGama as Weblate speaks it."""
    from weblate.machinery.tmserver import TMServerTranslation

    machine = TMServerTranslation({"url": url})
    source, target, segment = options.source, options.target, options.segment

    def found(text: str, flags: str = "") -> list[dict[str, Any]]:
        (results,) = machine.translate(unit(text, source, target, flags))
        return results

    def asked(first: str, second: str, text: str) -> list[dict[str, Any]]:
        return list(machine.download_translations(first, second, text, None, None, 0))

    checks.expect(f"{url} can be configured", lambda: machine.validate_settings() is None)
    pairs = {(source, target), (target, source)}
    checks.expect("both directions are supported", lambda: pairs <= machine.supported_languages)
    checks.expect(
        "a segment of the memory is found, quality 100, strings and an int",
        lambda: is_result(found(segment)[0]) and found(segment)[0]["quality"] == 100,
    )
    checks.expect(
        "a segment with one more word is found, quality below 100",
        lambda: (
            0 < max(result["quality"] for result in asked(source, target, segment + " Это.")) < 100
        ),
    )
    checks.expect(
        "with a placeholder, which Weblate masks, it is still found",
        lambda: bool(found(f"{segment} %s", "python-format")),
    )
    checks.expect("an unlike segment gives nothing", lambda: found(UNKNOWN) == [])
    for first, second in (("en", "de"), ("de", source), ("pt_br", "xx_yy"), (source, source)):
        checks.expect(
            f"{first} into {second} gives nothing",
            lambda first=first, second=second: asked(first, second, "test") == [],
        )
    for text in AWKWARD:
        checks.expect(
            f"{text!r} is answered",
            lambda text=text: all(map(is_result, asked(source, target, text))),
        )
    long = ((segment + " ") * (1 + LONG // len(segment)))[:LONG]
    checks.expect(
        f"{LONG} characters are answered",
        lambda: all(map(is_result, asked(source, target, long))),
    )
    checks.expect("Weblate does not back off", lambda: not machine.is_rate_limited())


def check_libretranslate(checks: Checks, url: str, options: argparse.Namespace) -> None:
    """Check LibreTranslate's protocol as Weblate speaks it."""
    from weblate.machinery.libretranslate import LibreTranslateTranslation

    machine = LibreTranslateTranslation({"url": url, "key": ""})
    source, target, segment = options.source, options.target, options.segment

    def texts(first: str, second: str, segments: list[str]) -> list[str]:
        found = machine.download_multiple_translations(first, second, [(s, None) for s in segments])
        return [found[s][0]["text"] for s in segments]

    checks.expect(f"{url} can be configured", lambda: machine.validate_settings() is None)
    checks.expect("both are supported", lambda: {source, target} <= machine.supported_languages)
    checks.expect(
        "a segment of the memory is translated",
        lambda: (
            is_result(machine.translate(unit(segment, source, target))[0][0])
            and texts(source, target, [segment]) != [""]
        ),
    )
    checks.expect(
        "a batch comes in order, empty where nothing is like it",
        lambda: (
            list(map(bool, texts(source, target, [UNKNOWN, segment, *AWKWARD])))[:2]
            == [False, True]
        ),
    )
    checks.expect("en into de gives nothing", lambda: texts("en", "de", ["test"]) == [""])
    units = [unit(text, source, target) for text in (segment, UNKNOWN)]
    checks.expect("units are translated in a batch", lambda: translated(machine, units))
    checks.expect("Weblate does not back off", lambda: not machine.is_rate_limited())


def translated(machine: Any, units: list[Any]) -> bool:
    """Return whether Weblate's automatic translation gets a text for the first unit only."""
    machine.batch_translate(units)
    first, second = (unit.machinery["translation"][0] for unit in units)
    return bool(first) and second == ""


def unit(text: str, source: str, target: str, flags: str = "") -> Any:
    """Return a string to translate, as Weblate's own tests make one without a database."""
    from weblate.checks.tests.test_checks import MockTranslation, MockUnit

    made = MockUnit(source=text, flags=flags)
    made.translation = MockTranslation(target, source)
    return made


def is_result(result: dict[str, Any]) -> bool:
    """Return whether Weblate can show this."""
    types = {"text": str, "quality": int, "service": str, "source": str}
    return all(isinstance(result[name], type_) for name, type_ in types.items())


if __name__ == "__main__":
    sys.exit(main())
