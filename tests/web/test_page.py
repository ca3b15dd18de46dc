"""The page of a served index, in a real Chromium."""

import re

import numpy as np
import pytest
from shapes import COUNT, LABELS, png

import keras_deephash as kdh

pytest.importorskip("selenium", reason="the extra `test-browser` is not installed")
from chromium import hand_over, resize
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait


class Page:
    """What a user sees and does."""

    def __init__(self, browser, server):
        self.browser, self.server = browser, server
        browser.get(server.url)
        self.wait_for(r"[\d,]+ pictures")

    def at(self, name):
        return self.browser.find_element(By.ID, name)

    @property
    def status(self) -> str:
        return self.at("status").text

    def wait_for(self, pattern: str) -> None:
        """Waits until the line of the status is as a pattern says."""
        WebDriverWait(self.browser, 20, 0.05).until(
            lambda _: re.fullmatch(pattern, self.status), f"{pattern}: {self.status}"
        )

    def ids(self) -> list[int]:
        """The ids of the pictures that are shown, in their order."""
        script = "return [...document.querySelectorAll('.tiles img')].map((i) => i.src)"
        found = self.browser.execute_script(script)
        return [int(source.split("/")[-2]) for source in found]

    def tiles(self):
        return self.browser.find_elements(By.CSS_SELECTOR, ".tiles .picture")

    def set_range(self, name: str, value: int) -> None:
        """Moves a slider by the keyboard."""
        self.at(name).send_keys(Keys.HOME + Keys.ARROW_RIGHT * value)

    def go(self, view: str) -> None:
        self.browser.find_element(By.CSS_SELECTOR, f"nav a[href='#{view}']").click()

    def errors(self) -> list[str]:
        """What the page reported, such as violations of its policy."""
        found = [entry["message"] for entry in self.browser.get_log("browser")]
        return [text for text in found if "/thumbnail" not in text]


@pytest.fixture
def page(browser, same_server):
    page = Page(browser, same_server)
    yield page
    assert page.errors() == []


@pytest.mark.parametrize("event", ["drop", "paste"])
def test_a_picture_that_is_dropped_or_pasted_finds_what_the_index_finds(
    page, event, paths
):
    hand_over(page.browser, event, png(4), "shape.png", "image/png")
    page.wait_for(r"24 found in \d+ ms")
    index = page.server.collection.index
    distances, ids = index.search([paths[4]], k=24)
    assert page.ids() == ids[0].tolist()
    alike = index.similarities([paths[4]], ids)[0]
    captions = [each.text for each in page.browser.find_elements(By.TAG_NAME, "b")]
    assert captions == [f"{int(100 * max(0, each) + 0.5)} %" for each in alike]
    assert page.at("query-text").text == "Like shape.png"
    page.at("more").click()
    page.wait_for(rf"{COUNT} found in \d+ ms")
    assert page.ids() == index.search([paths[4]], k=COUNT)[1][0].tolist()


def test_a_picture_is_chosen_and_another_one_by_a_click(page, paths):
    page.at("file").send_keys(paths[9])
    page.wait_for(r"24 found in \d+ ms")
    index = page.server.collection.index
    first = index.search([paths[9]], k=24)[1][0].tolist()
    assert page.ids() == first
    page.tiles()[5].click()
    WebDriverWait(page.browser, 20).until(lambda _: page.ids() != first)
    page.wait_for(r"24 found in \d+ ms")
    nearest = index.search(index.codes([first[5]]), k=25)[1][0].tolist()
    assert page.ids() == [number for number in nearest if number != first[5]][:24]
    page.browser.back()
    WebDriverWait(page.browser, 20).until(lambda _: page.ids() == first)


def test_names_labels_and_a_radius_are_filters(page, paths):
    page.at("name").send_keys("shape 1")
    page.wait_for("10 pictures")
    assert page.ids() == list(range(10, 20))
    page.at("label").send_keys("cross")
    page.wait_for("3 pictures")
    assert page.ids() == [number for number in range(10, 20) if LABELS[number] == 2]
    page.at("file").send_keys(paths[11])
    page.wait_for(r"3 found in \d+ ms")
    page.set_range("radius", 1)  # 0 bits.
    page.wait_for(r"\d found in \d+ ms")
    index = page.server.collection.index
    codes = index.codes(np.arange(COUNT))
    equal = [n for n in (11, 14, 17) if (codes[n] == codes[11]).all()]
    WebDriverWait(page.browser, 20).until(lambda _: sorted(page.ids()) == equal)
    assert page.at("radius-text").text == "within 0 bits"


def test_groups_and_the_map(page):
    page.go("groups")
    page.wait_for(r"\d+ groups of pictures with equal codes")
    expected = page.server.json("GET", "/api/groups")["groups"]
    items = [item["id"] for group in expected for item in group["items"]]
    assert page.ids() == items
    page.go("map")
    page.wait_for(rf"PCA of the codes: {COUNT} pictures")
    assert page.at("legend").text.split() == ["circle", "square", "cross"]
    canvas = page.at("canvas")
    canvas.send_keys(Keys.ARROW_RIGHT)
    canvas.send_keys(Keys.ENTER)
    page.wait_for(r"24 found in \d+ ms")
    assert re.search(r"#like=\d+$", page.browser.current_url)
    page.go("map")
    page.at("method").send_keys("t-SNE")
    page.wait_for(rf"t-SNE of the codes: {COUNT} pictures")


def test_the_page_is_used_by_the_keyboard_alone(page):
    seen = []
    for _ in range(6):
        ActionChains(page.browser).send_keys(Keys.TAB).perform()
        focused = page.browser.switch_to.active_element
        seen.append(focused.get_attribute("id") or focused.text)
    assert seen == ["Browse", "Copies", "Map", "file", "name", "label"]
    page.tiles()[2].send_keys(Keys.ENTER)
    page.wait_for(r"24 found in \d+ ms")
    page.browser.find_element(By.CSS_SELECTOR, "figcaption button").send_keys(
        Keys.ENTER
    )
    assert page.at("viewer").is_displayed()
    page.browser.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert not page.at("viewer").is_displayed()


@pytest.mark.parametrize("view", ["browse", "groups", "map", "like=3"])
def test_the_page_fits_a_phone_light_and_dark(page, view):
    resize(page.browser, 360, 740, dark=True)
    page.browser.execute_script("location.hash = arguments[0]", f"#{view}")
    page.wait_for(r".*\d.*")
    look = page.browser.execute_script(
        """
        const style = getComputedStyle(document.body);
        return [document.documentElement.scrollWidth, style.backgroundColor,
                style.color];
        """
    )
    assert look[0] <= 360
    ground, text = (np.mean(list(map(int, re.findall(r"\d+", c)))) for c in look[1:])
    assert ground < 50 and text > 200
    resize(page.browser, 360, 740)
    script = "return getComputedStyle(document.body).backgroundColor"
    assert page.browser.execute_script(script) == "rgb(255, 255, 255)"


def test_a_picture_is_added_and_removed(browser, open_server, model):
    server = open_server(label_names=["circle", "square", "cross"])
    page = Page(browser, server)
    hand_over(browser, "drop", png(200), "new one.png", "image/png")
    page.wait_for(r"24 found in \d+ ms")
    page.at("add-label").send_keys("square")
    page.at("add").click()
    WebDriverWait(browser, 20).until(lambda _: "#like" in browser.current_url)
    assert browser.current_url.endswith(f"#like={COUNT}")
    saved = kdh.Index.load(server.collection.path, model)
    assert saved.labels([COUNT]).tolist() == [1]
    assert "new_one-" in saved.names([COUNT])[0]
    assert page.at("label").text.split("\n")[2].strip() == "square (11)"
    page.go("browse")
    page.wait_for(f"{COUNT + 1} pictures")
    page.at("name").send_keys("new_one")
    page.wait_for("1 picture")
    browser.find_element(By.CSS_SELECTOR, "figcaption button").click()
    assert page.at("viewer-labels").text == "square"
    page.at("viewer-remove").click()
    browser.switch_to.alert.accept()
    page.wait_for("0 pictures")
    assert len(kdh.Index.load(server.collection.path, model)) == COUNT
    assert page.at("label").text.split("\n")[2].strip() == "square (10)"
    assert page.errors() == []


def test_a_link_to_what_was_removed_shows_nothing_else(browser, open_server):
    server = open_server()
    page = Page(browser, server)
    page.tiles()[7].click()
    page.wait_for(r"24 found in \d+ ms")
    page.tiles()[0].click()
    WebDriverWait(browser, 20).until(lambda _: "#like=7" not in browser.current_url)
    page.wait_for(r"24 found in \d+ ms")
    server.json("DELETE", "/api/items/7")
    browser.back()
    page.wait_for(r"There is no item 7 in the index\.")
    assert page.ids() == [] and not page.at("more").is_displayed()
    page.go("browse")
    page.wait_for(f"{COUNT - 1} pictures")
    assert 7 not in page.ids()


def test_a_wrong_argument_is_said_in_words(page):
    page.browser.execute_script(
        "const field = document.getElementById('name');"
        "field.value = 'x'.repeat(1001); field.dispatchEvent(new Event('input'));"
    )
    page.wait_for(r"`name` must have at most 1000 characters\. Received: 'x+'\.")
    page.browser.get_log("browser")  # The browser reports the 422 too.


def test_names_are_text_and_what_is_no_picture_is_said(browser, model, tmp_path):
    from live_server import LiveServer

    from keras_deephash.web.server.collection import Collection

    names = ["<img src=x onerror=alert(1)>", "a/\u202egpj.exe", '"><script>alert(1)']
    index = kdh.Index(model)
    index.add(np.zeros((3, 2), "uint8"), ids=[0, 2**53 + 1, 2**62 + 1], names=names)
    index.save(tmp_path / "<b>index")
    server = LiveServer(Collection(str(tmp_path / "<b>index"), model))
    try:
        page = Page(browser, server)
        assert page.at("title").text == "<b>index"
        assert page.ids() == [0, 2**53 + 1, 2**62 + 1]
        found = browser.find_elements(By.CSS_SELECTOR, "figcaption button")
        assert [each.text for each in found] == [names[0], "\\u202egpj.exe", names[2]]
        page.tiles()[2].click()
        page.wait_for(r"2 found in \d+ ms")
        hand_over(browser, "drop", b"no picture", "a.txt", "text/plain")
        page.wait_for(r"The image cannot be read.*")
    finally:
        server.close()
