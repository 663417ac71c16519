"""Pictures of the dashboard over a filled store.

    .venv/bin/python -m tests.furniture.screenshots FOLDER [--docs]

Every page, on a desk and on a phone, light and dark; with ``--docs`` only the two that
docs/dashboard.md shows, and under their names.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import tempfile
from collections.abc import Iterable
from pathlib import Path

from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from tests.furniture.board import TOKEN, Stock, dashboard, fill
from tests.furniture.browser import browser

WIDTHS = {"desk": 1280, "phone": 390}
TALLEST = 2600


def pages(stock: Stock) -> dict[str, str]:
    """Return the pages to take, by name."""
    mirrored = next(task for task in stock.tasks if task.test_patch)
    return {
        "repositories": "/",
        "repository": f"/repositories/{stock.hosted.name}",
        "tasks": "/tasks",
        "task": f"/tasks/{mirrored.id}",
        "bug": f"/bugs/{stock.bugs[3].id}",
        "yield": "/yield",
        "queue": "/queue",
        "job": f"/queue/delivery/{stock.hosted.id:08}-2",
        "deliveries": "/deliveries",
        "login": "/login",
        "missing": "/nowhere",
    }


def take(driver: Chrome, address: str, place: Path, *, tallest: int = TALLEST) -> None:
    """Take a picture of a whole page."""
    driver.get(address)
    sizes = driver.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
    clip = {"x": 0, "y": 0, "width": sizes["width"], "height": min(sizes["height"], tallest)}
    shot = driver.execute_cdp_cmd(
        "Page.captureScreenshot", {"clip": clip | {"scale": 1}, "captureBeyondViewport": True}
    )
    place.write_bytes(base64.b64decode(shot["data"]))


def log_in(driver: Chrome, address: str) -> None:
    """Log in as the operator."""
    driver.get(f"{address}/login")
    driver.find_element(By.NAME, "token").send_keys(TOKEN)
    driver.find_element(By.CSS_SELECTOR, "button.main").click()


def take_all(address: str, stock: Stock, folder: Path, only: Iterable[str]) -> None:
    """Take every page in every form."""
    for form, width in WIDTHS.items():
        for dark in (False, True):
            with browser(width=width, dark=dark) as driver:
                for name, path in pages(stock).items():
                    if only and name not in only:
                        continue
                    shade = "dark" if dark else "light"
                    take(driver, address + path, folder / f"{name}-{form}-{shade}.png")
                log_in(driver, address)
                for name in ("repositories", "repository", "job"):
                    if only and name not in only:
                        continue
                    place = folder / f"operator-{name}-{form}-{'dark' if dark else 'light'}.png"
                    take(driver, address + pages(stock)[name], place)


def take_docs(address: str, stock: Stock, folder: Path) -> None:
    """Take those of the documentation."""
    with browser(width=1100) as driver:
        log_in(driver, address)
        take(driver, f"{address}/", folder / "dashboard-repositories.png", tallest=420)
    with browser(width=1100, dark=True) as driver:
        place = folder / "dashboard-task.png"
        take(driver, address + pages(stock)["task"], place, tallest=1000)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--docs", action="store_true", help="only those of docs/dashboard.md")
    parser.add_argument("--only", nargs="*", default=[], help="names of pages")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.db"
        stock = fill(path)["acme/shop"]
        async with dashboard(path) as client:
            address = str(client.make_url("")).rstrip("/")
            if arguments.docs:
                await asyncio.to_thread(take_docs, address, stock, arguments.folder)
            else:
                await asyncio.to_thread(take_all, address, stock, arguments.folder, arguments.only)


if __name__ == "__main__":
    asyncio.run(main())
