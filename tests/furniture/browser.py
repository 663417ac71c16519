"""A real browser: Debian's chromium, driven by its own chromedriver, kept off the network."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

CHROMIUM, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--metrics-recording-only",
    "--no-first-run",
    "--no-proxy-server",
    "--hide-scrollbars",
    # Nothing but this machine can be looked up.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


def missing() -> str:
    """Say what a browser lacks; empty when it is there."""
    lacking = [path for path in (CHROMIUM, DRIVER) if shutil.which(path) is None]
    return f"no {' and no '.join(lacking)}: install chromium and chromium-driver" if lacking else ""


@contextmanager
def browser(
    *, width: int = 1280, height: int = 900, dark: bool = False, scripts: bool = True
) -> Iterator[Chrome]:
    """Start a browser with a window of that size."""
    os.environ["SE_OFFLINE"] = "true"
    options = ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ARGUMENTS:
        options.add_argument(argument)
    if not scripts:
        content = {"profile.managed_default_content_settings.javascript": 2}
        options.add_experimental_option("prefs", content)
    driver = Chrome(options=options, service=Service(DRIVER))
    try:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        driver.set_page_load_timeout(30)
        yield driver
    finally:
        driver.quit()
