"""A page in headless Chromium: what it draws, what it says, and what it asks the network for."""

import json
import shutil

import pytest

COUNT = """
return [...document.querySelectorAll('.plotly-graph-div')].map(chart => [
  chart.id,
  [...chart.querySelectorAll('.scatterlayer .point, .scatterlayer .js-line')]
    .filter(each => each.getBoundingClientRect().width > 0).length,
  chart.getBoundingClientRect().width,
])
"""


class Browser:
    """A running Chromium."""

    def __init__(self, driver):
        self.driver = driver

    def open(self, path, width):
        """Open a file in a window of this width; return what the browser saw."""
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        self.driver.get("about:blank")
        for log in ("browser", "performance"):
            self.driver.get_log(log)  # what was before
        self.driver.get(path.as_uri())
        self.driver.set_script_timeout(60)
        self.driver.execute_async_script(  # the charts follow the width in the next frames
            "const done = arguments[0];"
            "requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 200)))"
        )
        return Seen(self.driver)

    def close(self):
        self.driver.quit()


class Seen:
    """What a browser saw in a page."""

    def __init__(self, driver):
        self.run = driver.execute_script
        self.said = [entry["message"] for entry in driver.get_log("browser")]
        events = [
            json.loads(entry["message"])["message"] for entry in driver.get_log("performance")
        ]
        self.requests = {
            event["params"]["request"]["url"]
            for event in events
            if event["method"] == "Network.requestWillBeSent"
        }
        self.charts = {name: (count, width) for name, count, width in self.run(COUNT)}
        self.text = self.run("return document.body.innerText")
        self.too_wide = self.run(
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )


def start(folder):
    """Start Chromium, or skip the tests and say why."""
    chromium, chromedriver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or chromedriver is None:
        pytest.skip("no Chromium: install Debian's packages chromium and chromium-driver")
    webdriver = pytest.importorskip("selenium.webdriver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in (
        *("headless=new", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run"),
        *("disable-background-networking", "disable-component-update", "disable-sync"),
        *("disable-dev-shm-usage", f"user-data-dir={folder}"),
    ):
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(executable_path=chromedriver)
    return Browser(webdriver.Chrome(options=options, service=service))
