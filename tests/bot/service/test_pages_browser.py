"""The dashboard in a real browser, against a dashboard that is served."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.ui import Select, WebDriverWait

from storage.store import Store
from storage.tables.jobs import Job
from tests.furniture.board import TOKEN, dashboard, fill
from tests.furniture.browser import browser, missing

pytestmark = pytest.mark.browser

PATHS = ("/", "/repositories/acme/shop", "/tasks", "/yield", "/queue",
         "/queue/delivery/00000101-2", "/deliveries", "/nowhere")  # fmt: skip
SCRIPTED = "data:text/html,<title>no scripts</title><script>document.title='scripts'</script>"
OVERFLOWS = "return document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    """Skip where there is no browser; but fail in CI."""
    if told := missing():
        if os.environ.get("CI") == "true":
            raise RuntimeError(told)
        pytest.skip(told)


@dataclass(frozen=True)
class Site:
    """A dashboard that is served."""

    address: str
    store: Path
    task: str

    def job(self, kind: str, subject: str) -> Job:
        with Store(self.store) as store:
            found = store.jobs.get(kind, subject)
        assert found is not None
        return found


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Serve from a thread of its own: a browser that is driven blocks this one."""
    path = tmp_path / "store.db"
    stock = fill(path)["acme/shop"]
    address: list[str] = []
    ready, done = threading.Event(), threading.Event()

    async def serve() -> None:
        async with dashboard(path) as client:
            address.append(str(client.make_url("")).rstrip("/"))
            ready.set()
            await asyncio.to_thread(done.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(30)
    task = next(task.id for task in stock.tasks if task.test_patch)
    yield Site(address=address[0], store=path, task=task)
    done.set()
    thread.join(30)


@pytest.fixture(params=[True, False], ids=["scripts", "no-scripts"])
def driver(request: pytest.FixtureRequest) -> Iterator[Chrome]:
    with browser(scripts=request.param) as opened:
        opened.get(SCRIPTED)
        assert opened.title == ("scripts" if request.param else "no scripts")
        yield opened


def follow(driver: Chrome, element: WebElement) -> None:
    """Click, and wait until the page is another."""
    before = driver.find_element(By.TAG_NAME, "html")
    element.click()
    # In the middle of a change the driver may know neither the one nor the other.
    waiting = WebDriverWait(driver, 20, ignored_exceptions=[WebDriverException])
    waiting.until(staleness_of(before))


def heading(driver: Chrome) -> str:
    return driver.find_element(By.TAG_NAME, "h1").text


def log_in(driver: Chrome, site: Site) -> None:
    driver.get(f"{site.address}/queue?state=failed")
    follow(driver, driver.find_element(By.LINK_TEXT, "Log in"))
    driver.find_element(By.NAME, "token").send_keys(TOKEN)
    follow(driver, driver.find_element(By.CSS_SELECTOR, "button.main"))


def test_people_find_their_way(driver: Chrome, site: Site) -> None:
    driver.get(site.address)
    assert heading(driver) == "Repositories"
    follow(driver, driver.find_element(By.LINK_TEXT, "acme/shop"))
    assert heading(driver).startswith("acme/shop")

    Select(driver.find_element(By.NAME, "operator")).select_by_value("change_constant")
    driver.find_element(By.NAME, "file").send_keys("offers")
    bugs = driver.find_element(By.ID, "bugs").find_element(By.XPATH, "..")
    follow(driver, bugs.find_element(By.TAG_NAME, "button"))
    bugs = driver.find_element(By.ID, "bugs").find_element(By.XPATH, "..")
    rows = bugs.find_elements(By.CSS_SELECTOR, "tbody tr")
    assert rows and all("change_constant" in row.text and "offers" in row.text for row in rows)
    follow(driver, rows[0].find_element(By.TAG_NAME, "a"))
    assert driver.find_element(By.CSS_SELECTOR, ".diff .added").text

    for name in ("Tasks", "Yield", "Queue", "Deliveries", "Repositories"):
        follow(driver, driver.find_element(By.LINK_TEXT, name))
        assert driver.find_element(By.CSS_SELECTOR, "nav [aria-current]").text == name


def test_tests_unfold(driver: Chrome, site: Site) -> None:
    driver.get(f"{site.address}/tasks/{site.task}")
    listed = driver.find_element(By.CSS_SELECTOR, ".tests li")
    assert not listed.is_displayed()
    driver.find_element(By.XPATH, "//summary[contains(., 'FAIL_TO_PASS')]").click()
    assert listed.is_displayed()


def test_the_operator_logs_in_retries_a_dead_letter_and_leaves(driver: Chrome, site: Site) -> None:
    log_in(driver, site)
    assert driver.current_url == f"{site.address}/queue?state=failed"
    assert "acme/secret-vault" in driver.page_source
    [cookie] = driver.get_cookies()
    assert cookie["httpOnly"] and cookie["sameSite"] == "Strict"

    row = driver.find_element(By.XPATH, "//tr[contains(., '00000101-2')]")
    follow(driver, row.find_element(By.LINK_TEXT, "delivery"))
    follow(driver, driver.find_element(By.XPATH, "//button[text()='Retry']"))
    assert heading(driver) == "delivery waiting"
    assert site.job("delivery", "00000101-2").state == "waiting"

    follow(driver, driver.find_element(By.XPATH, "//button[text()='Log out']"))
    assert "acme/secret-vault" not in driver.page_source
    assert driver.get_cookies() == []


def test_a_wrong_token_is_refused(driver: Chrome, site: Site) -> None:
    driver.get(f"{site.address}/login")
    driver.find_element(By.NAME, "token").send_keys("not the token at all")
    follow(driver, driver.find_element(By.CSS_SELECTOR, "button.main"))
    assert driver.find_element(By.CSS_SELECTOR, "[role=alert]").text.startswith("That is not")


def test_nothing_is_asked_for_elsewhere_and_no_rule_is_broken(site: Site) -> None:
    with browser() as driver:
        for path in ("/", "/repositories/acme/shop", f"/tasks/{site.task}", "/yield", "/queue"):
            driver.get(site.address + path)
            loaded = driver.execute_script(
                "return performance.getEntriesByType('resource').map(e => e.name)"
            )
            assert loaded and all(name.startswith(site.address) for name in loaded), loaded
        assert [entry for entry in driver.get_log("browser") if entry["level"] == "SEVERE"] == []


@pytest.mark.parametrize("width", [320, 390, 768, 880, 1280])
def test_no_page_is_wider_than_its_window(site: Site, width: int) -> None:
    with browser(width=width) as driver:
        log_in(driver, site)
        for path in (*PATHS, f"/tasks/{site.task}"):
            driver.get(site.address + path)
            assert not driver.execute_script(OVERFLOWS), (path, width)


def test_the_keyboard_reaches_the_content_first(site: Site) -> None:
    with browser() as driver:
        driver.get(site.address)
        driver.execute_script("document.body.focus()")
        driver.switch_to.active_element.send_keys("\ue004")
        assert driver.switch_to.active_element.text == "Skip to content"
