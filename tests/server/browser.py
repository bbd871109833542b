"""Headless Chromium over its debugging pipe (file descriptors 3 and 4): no library, no port."""
import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

PROGRAM = shutil.which("chromium-headless-shell") or shutil.which("chromium") or shutil.which("google-chrome")
SOFTWARE_WEBGL = ("--use-angle=swiftshader", "--enable-unsafe-swiftshader")
NO_WEBGL = ("--disable-gpu", "--disable-software-rasterizer")


class Page:
    """One page. `console`, `errors` and `requests` grow while commands run."""

    def __init__(self, *flags, width=1300, height=1000, downloads=None):
        to_browser, self.writing = os.pipe()
        self.reading, from_browser = os.pipe()
        self.folder = tempfile.TemporaryDirectory(prefix="molgen3d_browser_", ignore_cleanup_errors=True)

        def place():  # in the child: the two pipe ends as 3 and 4
            first, second = os.dup(to_browser), os.dup(from_browser)
            os.dup2(first, 3)
            os.dup2(second, 4)

        self.process = subprocess.Popen(
            [PROGRAM, "--headless", "--no-sandbox", "--remote-debugging-pipe", f"--user-data-dir={self.folder.name}",
             "--hide-scrollbars", "--no-first-run", "--disable-background-networking", *flags, "about:blank"],
            preexec_fn=place, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self.number, self.rest, self.answers = 0, b"", {}
        self.console, self.errors, self.requests = [], [], []
        self.session = None
        target = self.command("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.command("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.command(domain + ".enable")
        if downloads:
            session, self.session = self.session, None
            self.command("Browser.setDownloadBehavior", behavior="allow", downloadPath=downloads)
            self.session = session
        self.size(width, height)

    def close(self):
        self.session = None
        try:
            self.command("Browser.close")  # its children end, too
        except AssertionError:
            pass
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.writing)
        os.close(self.reading)
        self.folder.cleanup()

    def command(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.writing, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + 120
        while self.number not in self.answers:
            if not self.hear(deadline - time.monotonic()):
                raise AssertionError(f"{method}: no answer from the browser")
        answer = self.answers.pop(self.number)
        if "error" in answer:
            raise AssertionError(f"{method}: {answer['error']}")
        return answer["result"]

    def hear(self, patience):
        """Takes what the browser says within `patience` seconds; False when that is nothing."""
        if not select.select([self.reading], [], [], max(patience, 0))[0]:
            return False
        part = os.read(self.reading, 1 << 20)
        if not part:
            raise AssertionError("the browser is gone")
        *whole, self.rest = (self.rest + part).split(b"\0")
        for text in whole:
            self.take(json.loads(text))
        return True

    def take(self, message):
        if "id" in message:
            self.answers[message["id"]] = message
            return
        method, about = message["method"], message["params"]
        if method == "Runtime.consoleAPICalled":
            self.console.append(" ".join(str(a.get("value", a.get("description"))) for a in about["args"]))
        elif method == "Runtime.exceptionThrown":
            self.errors.append(about["exceptionDetails"].get("exception", {}).get("description", str(about)))
        elif method == "Log.entryAdded":
            self.console.append(about["entry"]["text"] + " " + about["entry"].get("url", ""))
        elif method == "Network.requestWillBeSent":
            self.requests.append(about["request"]["url"])

    def size(self, width, height):
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                     mobile=width < 600)

    def go(self, url):
        self.command("Page.navigate", url=url)

    def value(self, expression):
        """What a JavaScript expression, or the promise that it makes, comes to."""
        result = self.command("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            raise AssertionError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def wait(self, expression, seconds=60):
        """Until the expression is true."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.value(expression):
                return
            self.hear(0.05)
        raise AssertionError(f"{expression}: not true within {seconds} s; console {self.console}, {self.errors}")

    def box(self, selector):
        """x, y, width, height on the screen, scrolled into it."""
        self.value(f"document.querySelector({json.dumps(selector)}).scrollIntoView({{block: 'center'}})")
        return self.value(f"(r => [r.x, r.y, r.width, r.height])"
                          f"(document.querySelector({json.dumps(selector)}).getBoundingClientRect())")

    def mouse(self, kind, x, y, held=0):
        self.command("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left" if kind != "mouseMoved" or held else "none",
                     buttons=1 if kind == "mousePressed" or held else 0, clickCount=1 if kind != "mouseMoved" else 0)

    def click_at(self, x, y):
        self.mouse("mouseMoved", x, y)
        self.mouse("mousePressed", x, y)
        self.mouse("mouseReleased", x, y)

    def drag(self, start, end, steps=8):
        self.mouse("mouseMoved", *start)
        self.mouse("mousePressed", *start)
        for step in range(1, steps + 1):
            self.mouse("mouseMoved", *(a + (b - a) * step / steps for a, b in zip(start, end)), held=1)
        self.mouse("mouseReleased", *end)

    def click(self, selector):
        x, y, width, height = self.box(selector)
        self.click_at(x + width / 2, y + height / 2)

    def type(self, text):
        self.command("Input.insertText", text=text)

    def key(self, name, code=0):
        for kind in ("keyDown", "keyUp"):
            self.command("Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=code,
                         **({"text": "\r"} if name == "Enter" and kind == "keyDown" else {}))

    def picture(self, path, whole=True):
        data = self.command("Page.captureScreenshot", captureBeyondViewport=whole)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))
