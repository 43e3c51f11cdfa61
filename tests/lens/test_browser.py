"""The page in headless Chromium."""

import shutil
from itertools import chain

import pytest
from tests.lens.small import digits, digits_read, mixed_probe

from numprobe.lens.make import Read, Request, levels_of, make_page_content
from numprobe.lens.page import write_page

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="chromium or chromedriver is not installed (.ci/run does)"),
]
TEXT = "I paid 42 and 7, </script> then 1,500 and 300: 12 + 130 ="


@pytest.fixture(scope="module")
def shown():
    model, tokenizer = digits()
    probe = mixed_probe(model, tokenizer)
    control = Read(model, probe, levels_of(model, tokenizer, probe))
    names = {"model": "small", "probe": "probe"}
    return make_page_content(digits_read(), tokenizer, Request(TEXT, controls={"mixed": control}, names=names))


@pytest.fixture(scope="module")
def driver():
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for option in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1300,1000"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def browser(driver, shown, tmp_path):
    """A browser that shows the page; at the end, it has logged no error and asked no network."""
    write_page(tmp_path / "lens.html", shown)
    driver.get((tmp_path / "lens.html").as_uri())
    assert driver.find_element("tag name", "html").get_attribute("data-ready") == "true"
    yield driver
    assert driver.get_log("browser") == []
    messages = [entry["message"] for entry in driver.get_log("performance")]
    assert not any("Network.requestWillBeSent" in message and '"url":"http' in message for message in messages)


def cell(browser, row, token, grid="model"):
    return browser.find_element("css selector", f'[data-grid={grid}] td[data-row="{row}"][data-token="{token}"]')


def tip(browser):
    return browser.find_element("id", "tip")


def keys(browser, *pressed):
    browser.switch_to.active_element.send_keys(*pressed)


def last_token(shown, written):
    return next(one["token"] for one in shown["numerals"] if one["written"] == written)


def test_every_cell_holds_the_decoded_number(browser, shown):
    for grid in shown["grids"]:
        texts = browser.execute_script(
            "return [...document.querySelectorAll(`[data-grid=${arguments[0]}] tbody tr`)]"
            ".map(row => [...row.querySelectorAll('td')].map(cell => cell.textContent))",
            grid["name"],
        )
        assert texts == [[str(one["v"][0]) for one in row] for row in grid["cells"]]
    assert browser.find_element("id", "text").text == TEXT


def test_confidence_is_coloured_above_the_level_alone(browser, shown):
    colours = browser.execute_script(
        "return [...document.querySelectorAll('[data-grid=model] tbody tr')]"
        ".map(row => [...row.querySelectorAll('td')].map(cell => getComputedStyle(cell).backgroundColor))"
    )
    grid = shown["grids"][0]
    cells = list(zip(chain(*grid["cells"]), chain(*colours), strict=True))
    grey = {colour for one, colour in cells if not one["o"]}
    assert len(grey) == 1
    assert any(one["o"] for one, _ in cells)
    assert grey.isdisjoint(colour for one, colour in cells if one["o"])


def test_right_and_wrong_differ_in_shape_and_colour(browser, shown):
    looks = {}
    for one in shown["numerals"]:
        if one["token"] is None:
            continue
        for row, line in enumerate(shown["grids"][0]["cells"]):
            found = cell(browser, row, one["token"]).find_element("css selector", "svg")
            right = str(line[one["token"]]["v"][0]) == one["number"]
            drawn = found.find_element("css selector", "*").tag_name, found.value_of_css_property("color")
            looks.setdefault(right, set()).add(drawn)
    assert all(len(drawn) == 1 for drawn in looks.values())
    assert {True, False} == set(looks)
    (right,), (wrong,) = looks[True], looks[False]
    assert right[0] != wrong[0] and right[1] != wrong[1]


def test_hovering_shows_candidates_digits_and_whether_the_value_occurs(browser, shown):
    from selenium.webdriver import ActionChains

    token = last_token(shown, "7")
    ActionChains(browser).move_to_element(cell(browser, 2, token)).perform()
    said, one = tip(browser).text, shown["grids"][0]["cells"][2][token]
    assert tip(browser).is_displayed()
    rows = tip(browser).find_elements("css selector", "tr")
    assert [row.find_element("css selector", "td").text for row in rows] == list(map(str, one["v"]))
    assert f"ones {one['d'][2][0]} (" in said and "hundreds" in said and "7 is written here" in said
    occurs = str(one["v"][0]) in {numeral["number"] for numeral in shown["numerals"]}
    assert (f"{one['v'][0]} occurs in the text" in said) == occurs
    ActionChains(browser).move_to_element(browser.find_element("tag name", "h1")).perform()
    assert not tip(browser).is_displayed()


def test_a_click_follows_a_token_and_another_ends_it(browser, shown):
    token = last_token(shown, "42")
    button = browser.find_element("css selector", f'[data-grid=model] button[data-token="{token}"]')
    curve = browser.find_element("id", "curve")
    assert not curve.is_displayed()
    button.click()
    assert curve.is_displayed() and "through the layers" in curve.text and "P(42)" in curve.text
    assert button.get_attribute("aria-pressed") == "true"
    points = curve.find_elements("css selector", "circle")
    assert len(points) == len(shown["grids"][0]["layers"])
    for row, point in enumerate(points):
        share = shown["grids"][0]["cells"][row][token]["p"][0]
        assert float(point.get_attribute("cy")) == pytest.approx(26 + 204 * (1 - share), abs=0.1)
    button.click()
    assert not curve.is_displayed()


def test_the_keyboard_moves_tells_and_follows(browser):
    from selenium.webdriver import Keys

    browser.find_element("css selector", '[data-grid=model] [tabindex="0"]')
    browser.execute_script("document.querySelector('[data-grid=model] [tabindex=\"0\"]').focus()")
    keys(browser, Keys.ARROW_DOWN)
    keys(browser, Keys.ARROW_DOWN)
    keys(browser, Keys.ARROW_RIGHT)
    here = browser.switch_to.active_element
    assert (here.get_attribute("data-row"), here.get_attribute("data-token")) == ("1", "1")
    assert tip(browser).is_displayed() and here.get_attribute("aria-describedby") == "tip"
    assert here.get_attribute("aria-label").startswith("layer 1, token “␣”: ")
    keys(browser, Keys.ENTER)
    assert browser.find_element("id", "curve").is_displayed()
    keys(browser, Keys.ESCAPE)
    assert not browser.find_element("id", "curve").is_displayed() and not tip(browser).is_displayed()
    keys(browser, Keys.ARROW_UP)
    keys(browser, Keys.ARROW_UP)
    assert browser.switch_to.active_element.tag_name == "button"
    # One stop of the tab key for each grid.
    stops = browser.find_elements("css selector", '[data-grid=model] [tabindex="0"]')
    assert len(stops) == 1


def test_the_answer_stands_side_by_side(browser, shown):
    panel = browser.find_element("id", "answer")
    said = panel.text
    assert "The answer, 142, layer by layer" in said and "The model answers" in said
    assert "writes 142 in 3 tokens (1 4 2): its logit lens shows only the first, “1”" in said
    rows = panel.find_elements("css selector", "tbody tr")
    assert len(rows) == len(shown["answer"]["rows"])
    for row, line in zip(rows, shown["answer"]["rows"], strict=True):
        assert f" {line['cell']['v'][0]} " in row.text


def test_what_is_not_read_is_said(browser):
    said = browser.find_element("id", "notes").text
    assert "300 is beyond the probe's range 0..199" in said
    assert "1,500 is not read as a number: groups of three digits" in said


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_text_is_legible_in_both_modes(browser, mode):
    """Contrast of at least 4.5 (WCAG 2, AA) between the text and the background of every cell and paragraph."""
    media = {"features": [{"name": "prefers-color-scheme", "value": mode}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    low = browser.execute_script(
        """
        const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
        function light(colour) {
          canvas.clearRect(0, 0, 1, 1);
          canvas.fillStyle = colour;
          canvas.fillRect(0, 0, 1, 1);
          const part = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((one) => one / 255)
            .map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
          return 0.2126 * part[0] + 0.7152 * part[1] + 0.0722 * part[2];
        }
        function behind(node) {
          for (let one = node; one; one = one.parentElement) {
            const colour = getComputedStyle(one).backgroundColor;
            if (colour !== "rgba(0, 0, 0, 0)") return colour;
          }
          return "white";
        }
        return [...document.querySelectorAll("td, th, p, h1, h2, li, mark, button")]
          .filter((node) => node.textContent.trim())
          .map((node) => {
            const both = [light(getComputedStyle(node).color), light(behind(node))].sort((a, b) => b - a);
            return [(both[0] + 0.05) / (both[1] + 0.05), node.outerHTML.slice(0, 80)];
          }).filter(([contrast]) => contrast < 4.5);
        """
    )
    assert low == []
