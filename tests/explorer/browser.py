"""A headless Chromium that opens a page, and what its user does and sees."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
#: How elements are looked for.
CSS, ID, NAME = "css selector", "id", "name"
_PATIENCE = 60


@contextmanager
def chromium(downloads: Path, *options: str) -> Iterator[Any]:
    """Start Debian's Chromium without a window; files that it saves go to a folder."""
    from selenium import webdriver

    chosen = webdriver.ChromeOptions()
    chosen.binary_location = CHROMIUM
    for option in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1500,1100", *options):
        chosen.add_argument(option)
    chosen.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    chosen.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(chosen, webdriver.ChromeService(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


def _select(element: Any) -> Any:
    from selenium.webdriver.support.select import Select

    return Select(element)


def wait(found: Callable[[], Any]) -> Any:
    """Return what a function returns as soon as that is true."""
    end = time.monotonic() + _PATIENCE
    while not (result := found()):
        assert time.monotonic() < end, "the page never showed what was waited for"
        time.sleep(0.05)
    return result


class Explorer:
    """An opened explorer."""

    def __init__(self, driver: Any, page: Path, view: str = ""):
        self.driver = driver
        driver.get("about:blank")
        driver.get(f"{page.as_uri()}#{view}")
        self.settle()

    def settle(self) -> None:
        """Wait until all that was asked for is drawn."""
        self.driver.execute_async_script(
            "const end = arguments[0]; new Promise(later => setTimeout(later)).then(() => drawing).then(end);"
        )

    def choose(self, name: str, text: str) -> None:
        """Choose an option of a selection by its text."""
        _select(self.driver.find_element(NAME, name)).select_by_visible_text(text)
        self.settle()

    def chosen(self) -> dict[str, str]:
        """Texts of the chosen options by the names of the selections."""
        selections = self.driver.find_elements(CSS, "#choices select")
        return {one.get_attribute("name"): _select(one).first_selected_option.text for one in selections}

    def options(self, name: str) -> list[str]:
        """Texts of the options of a selection."""
        return [option.text for option in _select(self.driver.find_element(NAME, name)).options]

    def text(self, name: str) -> str:
        """Text of an element."""
        return self.driver.find_element(ID, name).text

    def marks(self, kind: str) -> list[str]:
        """What marks of a kind say to screen readers."""
        found = self.driver.find_elements(CSS, f"#chart .mark-{kind} [aria-label]")
        return [mark.get_attribute("aria-label") for mark in found]

    def column(self, name: str) -> list[str]:
        """Cells of a column of the table, from the top."""
        return self.driver.execute_script(
            """const heads = [...document.querySelectorAll("#table thead button")];
            const place = heads.findIndex(head => head.textContent.split(" ")[0] === arguments[0]);
            return [...document.querySelectorAll("#table tbody tr")].map(row => row.cells[place].textContent);""",
            name,
        )

    def sort(self, name: str) -> None:
        """Click the head of a column."""
        heads = self.driver.find_elements(CSS, "#table thead button")
        next(head for head in heads if head.text.split(" ")[0] == name).click()

    def faults(self) -> list[str]:
        """Messages on the console of the browser, and what it was refused."""
        return [entry["message"] for entry in self.driver.get_log("browser")]
