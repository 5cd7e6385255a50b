"""Headless Chromium, driven through its debugging pipe: pages are opened, measured, pictured."""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time


class Chromium:
    """One browser; as a context. Each page() has a tab of its own."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="coreleaks-browser-")
        to_read, self.to_browser = os.pipe()
        self.from_browser, to_write = os.pipe()
        # The browser has its ends as descriptors 3 and 4.
        script = 'exec 3<&%d 4>&%d; exec "$@"' % (to_read, to_write)
        self.process = subprocess.Popen(
            ["bash", "-c", script, "-", "chromium", "--headless=new", "--no-sandbox",
             "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars",
             "--disable-background-networking", "--disable-extensions",
             "--user-data-dir=" + self.folder, "--remote-debugging-pipe", "about:blank"],
            pass_fds=(to_read, to_write), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(to_write)
        self.rest = b""
        self.last_id = 0
        self.events = []
        return self

    def __exit__(self, *unused):
        self.process.kill()
        self.process.wait()
        os.close(self.to_browser)
        os.close(self.from_browser)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _receive(self, timeout_s):
        deadline = time.monotonic() + timeout_s
        while b"\0" not in self.rest:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.from_browser], [], [], left)[0]:
                return None
            data = os.read(self.from_browser, 1 << 20)
            if not data:
                raise RuntimeError("the browser has ended")
            self.rest += data
        message, _, self.rest = self.rest.partition(b"\0")
        return json.loads(message)

    def call(self, method, session=None, timeout_s=120, **params):
        """The result of one command; events meanwhile are kept."""
        self.last_id += 1
        message = {"id": self.last_id, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self.to_browser, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive(timeout_s)
            if answer is None:
                raise RuntimeError("no answer to " + method)
            if answer.get("id") == self.last_id:
                if "error" in answer:
                    raise RuntimeError("%s: %s" % (method, answer["error"]))
                return answer["result"]
            self.events.append(answer)

    def wait_for(self, method, session, timeout_s=120):
        """The first event of that name, which may have come already."""
        while True:
            for event in self.events:
                if (event.get("method"), event.get("sessionId")) == (method, session):
                    return event["params"]
            event = self._receive(timeout_s)
            if event is None:
                raise RuntimeError("no " + method)
            self.events.append(event)

    def page(self, path, width, height=900, scripts=True, dark=False):
        """Opens the file; returns its Page."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Log", "Runtime", "Network"):
            self.call(domain + ".enable", session)
        self.call("Emulation.setDeviceMetricsOverride", session, width=width, height=height,
                  deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setScriptExecutionDisabled", session, value=not scripts)
        self.call("Emulation.setEmulatedMedia", session, features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.events = []
        self.call("Page.navigate", session, url="file://" + os.path.abspath(path))
        self.wait_for("Page.loadEventFired", session)
        return Page(self, session, target)


class Page:
    """An open page."""

    def __init__(self, browser, session, target):
        self.browser, self.session, self.target = browser, session, target

    def complaints(self):
        """What the console would show: errors, exceptions, what the policy refused."""
        found = []
        for event in self.browser.events:
            params = event.get("params", {})
            if event.get("method") == "Log.entryAdded":
                found.append(params["entry"]["text"])
            elif event.get("method") == "Runtime.exceptionThrown":
                found.append(params["exceptionDetails"]["text"])
            elif event.get("method") == "Runtime.consoleAPICalled":
                found.append("console." + params["type"])
        return found

    def requests(self):
        """Everything that was loaded, or was to be."""
        return [event["params"]["request"]["url"] for event in self.browser.events
                if event.get("method") == "Network.requestWillBeSent"]

    def size(self):
        """Width and height of all there is to scroll through."""
        size = self.browser.call("Page.getLayoutMetrics", self.session)["cssContentSize"]
        return size["width"], size["height"]

    def run(self, script):
        """The value of a JavaScript expression."""
        result = self.browser.call("Runtime.evaluate", self.session, expression=script,
                                   returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"]["text"])
        return result["result"].get("value")

    def picture(self, path, whole=True):
        """Writes a PNG."""
        data = self.browser.call("Page.captureScreenshot", self.session, format="png",
                                 captureBeyondViewport=whole)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def printed(self):
        """The page as PDF."""
        return base64.b64decode(
            self.browser.call("Page.printToPDF", self.session, printBackground=True)["data"])

    def close(self):
        self.browser.call("Target.closeTarget", targetId=self.target)
