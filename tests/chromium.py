"""Headless Chromium, spoken to through pipes in its DevTools protocol: https://chromedevtools.github.io."""

import base64
import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

SEARCH = """
(function () {
  const found = [];
  const walk = (node) => {
    if (node.shadowRoot) walk(node.shadowRoot);
    for (const child of node.children || []) {
      if (child.matches(%s)) found.push(child);
      walk(child);
    }
  };
  walk(document);
  return found;
})()
"""


class Chromium:
    """A browser with one page. Use as a context."""

    def __init__(self, profile: Path, width: int = 1400, height: int = 1000) -> None:
        """`profile`: an empty folder for what the browser keeps."""
        if CHROMIUM is None:
            raise FileNotFoundError("chromium")
        ours_in, theirs_out = os.pipe()
        theirs_in, ours_out = os.pipe()
        options = "--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-background-networking "
        options += f"--disable-component-update --disable-sync --no-first-run --window-size={width},{height}"
        shell = f'exec "$0" {options} --user-data-dir="$1" --remote-debugging-pipe 3<&{theirs_in} 4>&{theirs_out}'
        self._process = subprocess.Popen(
            ["bash", "-c", shell, CHROMIUM, str(profile)],
            pass_fds=(theirs_in, theirs_out), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(theirs_in)
        os.close(theirs_out)
        self._from, self._to = os.fdopen(ours_in, "rb"), os.fdopen(ours_out, "wb")
        self._asked, self._session = 0, ""
        self.errors: list[str] = []
        """What the page has complained of."""
        self.requests: list[str] = []
        """What it has asked for, itself first; data that stands in an address is no request."""
        self._loads = 0
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._ask(f"{domain}.enable")

    def open(self, address: str) -> None:
        """Go to an address."""
        self._ask("Page.navigate", url=address)

    def show(self, address: str, width: int, height: int) -> None:
        """Go to an address on a screen of some size, and wait until all of it has loaded."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self._ask("Emulation.setDeviceMetricsOverride", **size)
        self.errors.clear()
        self.requests.clear()
        before = self._loads
        self.open(address)
        while self._loads == before:
            self._read()

    def press(self, key: str, code: int) -> None:
        """A key, by its name and number."""
        for kind in ("rawKeyDown", "keyUp"):
            self._ask("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    def evaluate(self, script: str) -> Any:
        """What a script's last expression comes to, as JSON can tell it."""
        answer = self._ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise ValueError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def count(self, selector: str) -> int:
        """How many elements match a CSS selector, those inside of components among them."""
        return int(self.evaluate(SEARCH % json.dumps(selector) + ".length"))

    def texts(self, selector: str) -> list[str]:
        """What these elements show."""
        told = self.evaluate(SEARCH % json.dumps(selector) + ".map(one => one.textContent.trim())")
        return [str(text) for text in told]

    def wait_for(self, selector: str, count: int = 1, within_s: float = 60.0) -> float:
        """Wait until so many elements match; the seconds that it took.

        Raises:
            TimeoutError: they did not come.
        """
        began_s = time.monotonic()
        while self.count(selector) < count:
            if time.monotonic() - began_s > within_s:
                raise TimeoutError(f"{self.count(selector)} of {count} elements {selector} after {within_s:g} s")
            time.sleep(0.2)
        return time.monotonic() - began_s

    def screenshot(self, path: Path, whole: bool = False) -> None:
        """Write what is seen as PNG, or the whole page."""
        asked: dict[str, Any] = {}
        if whole:
            size = self._ask("Page.getLayoutMetrics")["cssContentSize"]
            asked = {"clip": {**size, "scale": 1}, "captureBeyondViewport": True}
        path.write_bytes(base64.b64decode(self._ask("Page.captureScreenshot", **asked)["data"]))

    def __enter__(self) -> Self:
        """It runs already."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()
        self._from.close()
        self._to.close()

    def _ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._asked += 1
        request = {"id": self._asked, "method": method, "params": parameters}
        if self._session:
            request["sessionId"] = self._session
        self._to.write(json.dumps(request).encode() + b"\0")
        self._to.flush()
        while True:
            answer = self._read()
            if answer.get("id") == self._asked:
                if "error" in answer:
                    raise ValueError(answer["error"])
                return dict(answer["result"])

    def _read(self) -> dict[str, Any]:
        message = bytearray()
        while (byte := self._from.read(1)) != b"\0":
            if not byte:
                raise ConnectionError("the browser has ended")
            message += byte
        told: dict[str, Any] = json.loads(message)
        if told.get("method") == "Runtime.exceptionThrown":
            self.errors.append(str(told["params"]["exceptionDetails"]))
        if told.get("method") == "Runtime.consoleAPICalled" and told["params"]["type"] in ("error", "warning"):
            self.errors.append(str(told["params"]["args"]))
        if told.get("method") == "Network.requestWillBeSent":
            address = str(told["params"]["request"]["url"])
            self.requests += [] if address.startswith("data:") else [address]
        self._loads += told.get("method") == "Page.loadEventFired"
        if told.get("method") == "Log.entryAdded" and told["params"]["entry"]["level"] == "error":
            self.errors.append(str(told["params"]["entry"]))
        return told
