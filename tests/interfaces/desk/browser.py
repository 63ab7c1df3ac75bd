"""A real browser without a window, and the checks on a page that need one.

Belongs here: starting Chromium, counting what a person does, measuring contrast.
Does not belong here: what a page should say.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

SECONDS = 60


@contextmanager
def chromium(*, scripts: bool = True) -> Iterator[webdriver.Chrome]:
    """A browser; `scripts`: whether pages may run any."""
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for one in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1200,900"):
        options.add_argument(one)
    if not scripts:
        options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService("/usr/bin/chromedriver"))
    driver.set_page_load_timeout(SECONDS)
    try:
        yield driver
    finally:
        driver.quit()


class Hands:
    """A person at the browser; every click and every key pressed counts."""

    def __init__(self, driver: webdriver.Chrome, address: str) -> None:
        self.driver = driver
        self.address = address
        self.actions = 0

    def sign_in(self, key: str) -> None:
        self.driver.get(f"{self.address}/desk/")
        self.driver.find_element(By.NAME, "key").send_keys(key, Keys.ENTER)
        self.reads("What waits for you")

    def press(self, key: str) -> None:
        self.actions += 1
        webdriver.ActionChains(self.driver).send_keys(key).perform()

    def click(self, css: str) -> None:
        self.actions += 1
        self.driver.find_element(By.CSS_SELECTOR, css).click()

    def open(self, path: str) -> None:
        self.driver.get(f"{self.address}{path}")

    def reads(self, text: str) -> None:
        """Wait until the page says something."""
        # The page may be left while it is read; the driver then names one of several errors, or an unknown one.
        wait = WebDriverWait(self.driver, SECONDS, ignored_exceptions=[WebDriverException])
        wait.until(lambda d: text in d.find_element(By.TAG_NAME, "body").text, text)

    @property
    def text(self) -> str:
        return self.driver.find_element(By.TAG_NAME, "body").text

    def prefers(self, scheme: str) -> None:
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def holds_a_phone(self) -> None:
        size = {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def sits_at_a_desk(self) -> None:
        self.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

    def barriers(self) -> list[str]:
        """What keeps somebody from using the page."""
        # A new document is drawn once before an emulated scheme reaches it.
        self.driver.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
        return self.driver.execute_script(BARRIERS)


BARRIERS = r"""
const found = [];
const visible = (e) => e.checkVisibility({opacityProperty: true, visibilityProperty: true});
if (!document.documentElement.lang) found.push("no language");
if (document.querySelectorAll("h1").length !== 1) found.push("not exactly one h1");
let level = 1;
for (const h of document.querySelectorAll("h1,h2,h3,h4")) {
  if (+h.tagName[1] > level + 1) found.push("heading skips a level: " + h.textContent.trim());
  level = +h.tagName[1];
}
for (const e of document.querySelectorAll("input:not([type=hidden]), select, textarea"))
  if (!e.labels.length && !e.ariaLabel) found.push("no label: " + e.outerHTML.slice(0, 80));
for (const e of document.querySelectorAll("a, button"))
  if (!e.textContent.trim() && !e.ariaLabel) found.push("no name: " + e.outerHTML.slice(0, 80));
for (const e of document.querySelectorAll("fieldset"))
  if (!e.querySelector("legend")) found.push("fieldset without a legend");
for (const e of document.querySelectorAll("svg, img"))
  if (!e.ariaLabel && !e.alt) found.push("picture without words");
for (const e of document.querySelectorAll("th")) if (!e.scope) found.push("header without scope: " + e.textContent);
for (const e of document.querySelectorAll("table")) if (!e.querySelector("th")) found.push("table without headers");
const first = document.querySelector("a");
if (!first || first.getAttribute("href") !== "#main") found.push("no skip link");
const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
if (new Set(ids).size !== ids.length) found.push("an id twice");
const names = {};
for (const a of document.querySelectorAll("main a[href^='/desk']")) {
  const name = a.textContent.trim();
  if (names[name] && names[name] !== a.href) found.push("two links of one name: " + name);
  names[name] = a.href;
}
const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
const rgba = (colour) => {
  canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data];
};
const light = ([r, g, b]) => {
  const [x, y, z] = [r, g, b].map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * x + 0.7152 * y + 0.0722 * z;
};
const behind = (e) => {
  for (; e; e = e.parentElement) {
    const colour = rgba(getComputedStyle(e).backgroundColor);
    if (colour[3] === 255) return colour;
  }
  return [255, 255, 255, 255];
};
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const e = walker.currentNode.parentElement;
  if (!walker.currentNode.textContent.trim() || !visible(e) || e.closest("title, desc, .visually-hidden")) continue;
  const style = getComputedStyle(e);
  const a = light(rgba(e.closest("svg") ? style.fill : style.color)), b = light(behind(e));
  const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const size = parseFloat(style.fontSize), bold = +style.fontWeight >= 700;
  if (contrast < (size >= 24 || (bold && size >= 18.66) ? 3 : 4.5))
    found.push(`contrast ${contrast.toFixed(1)}: ${walker.currentNode.textContent.trim().slice(0, 40)}`);
}
return found;
"""
