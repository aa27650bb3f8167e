"""Take the README's pictures of the page, anew: docs/images/*.png.

    python scripts/screenshots.py

Builds the demonstration index in a temporary directory, serves it, and looks at it with Chromium;
needs what tests/browser needs. Machines with other fonts give other pictures.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
LARGEST = 200_000  # bytes of a picture

_SEARCHKBD = [sys.executable, "-m", "searchkbd"]
_ADDRESS = re.compile(r"http://\S+")
_SIZE = {"width": 1120, "height": 800}
_COLORS = 192
_MAP_PATIENCE = 120_000  # milliseconds


@contextmanager
def demo_site() -> Iterator[str]:
    """Serve the demonstration index for the block; gives the address, without a slash at its end.

    Raises RuntimeError when it cannot be served.
    """
    with tempfile.TemporaryDirectory() as folder:
        index = str(Path(folder) / "demo")
        subprocess.run([*_SEARCHKBD, "build", "--demo", "--index", index], check=True)
        server = subprocess.Popen(
            [*_SEARCHKBD, "serve", "--index", index, "--port", "0"],
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        with server:
            try:
                found = _ADDRESS.search(server.stderr.readline())
                if found is None:
                    raise RuntimeError("the server did not say where it is")
                yield found.group().rstrip("/")
            finally:
                server.terminate()


def show_search(page: Page) -> None:
    page.goto("/?" + urlencode({"q": "Мы автобусыр дэнэ кIуэрэ?"}))
    page.locator("#results .card").first.wait_for()


def show_memory(page: Page) -> None:
    asked = {"q": "Мой отец работает в школе.", "from": "ru", "to": "kbd"}
    page.goto("/memory?" + urlencode(asked))
    page.locator("#results .card").first.wait_for()


def show_map(page: Page) -> None:
    page.goto("/overview")
    page.locator(".map-points circle").first.wait_for(timeout=_MAP_PATIENCE)
    page.locator("#map-title").evaluate("title => title.scrollIntoView()")
    page.locator(".map-landmarks .fits").first.wait_for()


PICTURES = {
    "search.png": ("light", show_search),
    "memory.png": ("light", show_memory),
    "overview.png": ("dark", show_map),
}


def take(browser: Browser, address: str, directory: Path) -> None:
    """Take all PICTURES of the site at *address* into *directory*."""
    for name, (look, show) in PICTURES.items():
        context = browser.new_context(
            base_url=address, viewport=_SIZE, device_scale_factor=1.5, color_scheme=look,
            reduced_motion="reduce", locale="en-GB",
        )  # fmt: skip
        page = context.new_page()
        show(page)
        page.evaluate("document.activeElement.blur()")
        page.wait_for_timeout(300)  # until nothing moves
        path = directory / name
        page.screenshot(path=path, animations="disabled")
        context.close()
        with Image.open(path) as picture:  # few colours, and so few bytes
            picture.convert("RGB").quantize(_COLORS, dither=Image.Dither.NONE).save(path)
        size = path.stat().st_size
        print(f"{path}: {size:,} bytes")
        if size > LARGEST:
            raise SystemExit(f"{name} has more than {LARGEST:,} bytes: make it smaller")


def main() -> None:
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        raise SystemExit("there is no chromium here; on Debian and Ubuntu: apt install chromium")
    IMAGES.mkdir(parents=True, exist_ok=True)
    with demo_site() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--disable-gpu"])
        take(browser, address, IMAGES)
        browser.close()


if __name__ == "__main__":
    main()
