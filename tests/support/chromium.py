"""A Chromium without windows, driven by Selenium, for the tests of pages."""

import base64
import shutil

import pytest


def start_chromium():
    """A driver of the installed Chromium; the test skips where there is none."""
    pytest.importorskip("selenium", reason="the extra `test-browser` is not installed")
    from selenium import webdriver

    binary = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if binary is None or driver is None:
        pytest.skip("no Chromium with its driver: apt-get install chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for argument in (
        "--headless=new",
        "--no-sandbox",  # Root has none, and the pages are our own.
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--no-first-run",
        "--force-color-profile=srgb",
        "--window-size=1200,900",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(executable_path=driver)
    browser = webdriver.Chrome(options, service)
    browser.set_script_timeout(60)
    return browser


def hand_over(browser, event: str, data: bytes, name: str, kind: str) -> None:
    """Drops or pastes a file on the page, as a user's hand does."""
    browser.execute_script(
        """
        const [event, data, name, type] = arguments;
        const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
        const transfer = new DataTransfer();
        transfer.items.add(new File([bytes], name, { type }));
        const made = event === "drop"
          ? new DragEvent("drop", { dataTransfer: transfer, bubbles: true })
          : new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true });
        document.body.dispatchEvent(made);
        """,
        *(event, base64.b64encode(data).decode(), name, kind),
    )


def resize(browser, width: int, height: int, dark: bool = False) -> None:
    """Has the page be shown as by a screen of a size, light or dark."""
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1}
    command = "Emulation.setDeviceMetricsOverride"
    browser.execute_cdp_cmd(command, {**metrics, "mobile": width < 600})
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
