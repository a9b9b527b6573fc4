"""The service in a folder of its own, and Chromium before it."""

import base64
import email
import email.policy
import glob
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

PASSWORD = "a long enough password"
SIZES = [(320, 700), (1280, 900)]
# A busy machine is slow; only what never comes fails.
PATIENCE = 60


class Stack:
    """`jea-auth serve` in a folder of its own."""

    def __init__(self, binary):
        self.binary, self.folder = binary, tempfile.TemporaryDirectory()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.start(f"127.0.0.1:{port}")

    def start(self, listen):
        command = [self.binary, "serve", "--data", self.folder.name, "--listen", listen]
        # The same server by another name, which is another origin to a browser.
        self.other = f"http://127.0.0.1:{listen.split(':')[1]}"
        command += ["--dynamodb", "127.0.0.1:0", "--kms", "127.0.0.1:0", "--allow-origin", self.other, "--require-factor", "guarded"]
        self.server = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        told = {}
        for line in self.server.stderr:
            found = re.match(r"  (page|service|DynamoDB|KMS) +(http\S+)", line)
            if found:
                told[found[1]] = found[2]
            if len(told) == 4:
                break
        assert len(told) == 4, "serve has not started"
        # A server whose log nobody reads comes to a stop once the pipe is full.
        self.log = threading.Thread(target=self.server.stderr.read)
        self.log.start()
        self.url, self.page = told["service"], told["page"]
        self.environment = os.environ | {
            "AWS_ENDPOINT_URL_DYNAMODB": told["DynamoDB"],
            "AWS_ENDPOINT_URL_KMS": told["KMS"],
        }

    def stop(self):
        self.server.terminate()
        self.log.join()
        self.server.wait()

    def run(self, *command, stdin=""):
        subprocess.run(
            [self.binary, *command, "--local"], env=self.environment, input=stdin, text=True, check=True, capture_output=True
        )

    def ask(self, method, operation, body=None, token=None):
        """Asks an operation, as a program does, and gives back what it answers and the token that came with that."""
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/users/api/{operation}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            cookie = answer.headers["Set-Cookie"] or ""
            return json.load(answer), cookie.partition("=")[2].partition(";")[0]

    def details(self, address):
        """The account, as the service knows it."""
        _, token = self.ask("POST", "auth", {"email": address, "password": PASSWORD})
        return self.ask("GET", "user", token=token)[0]["data"]

    def add(self, name):
        address = f"{name}@example.org"
        self.run("user", "add", address, "--name", name.title(), "--password-stdin", stdin=PASSWORD)
        return address

    def link(self, address):
        """The link of the last mail to an address that has one."""
        for _ in range(100):
            for path in sorted(glob.glob(f"{self.folder.name}/mail/*.eml"), reverse=True):
                with open(path, "rb") as file:
                    mail = email.message_from_binary_file(file, policy=email.policy.default)
                found = re.search(r"http\S+#(?:reset|email)=\S+", mail.get_content())
                if mail["to"] == address and found:
                    os.remove(path)
                    return found[0]
            time.sleep(0.1)
        raise AssertionError(f"no mail to {address}")


class Browser:
    """Chromium, with what it asked for and complained about."""

    def __init__(self, stack, axe=None, screenshots=None, preferences=None):
        options = webdriver.ChromeOptions()
        options.add_experimental_option("prefs", preferences or {})
        for switch in (
            "headless=new no-sandbox disable-gpu disable-quic no-first-run disable-background-networking "
            "disable-component-update disable-sync disable-dev-shm-usage"
        ).split():
            options.add_argument(f"--{switch}")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        self.stack, self.screenshots, self.expected, self.origins = stack, screenshots, set(), [stack.url]
        self.axe_file = axe
        self.axe = open(axe, encoding="utf-8").read() if axe else None
        self.cdp("Network.enable", {})

    def cdp(self, command, parameters):
        return self.driver.execute_cdp_cmd(command, parameters)

    def open(self, path):
        self.driver.get(self.stack.url + path if path.startswith("/") else path)

    def find(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def wait(self, condition, what):
        end = time.time() + PATIENCE
        while time.time() < end:
            try:
                found = condition()
                if found:
                    return found
            except Exception as error:  # The page may be on its way to another.
                what = f"{what} ({type(error).__name__})"[:300]
            time.sleep(0.05)
        raise AssertionError(f"{what}; at {self.driver.current_url}: {self.find('body').text[:600]}")

    def shown(self, selector):
        return self.wait(lambda: self.find(selector).is_displayed() and self.find(selector), f"{selector} is not shown")

    def fill(self, **values):
        for name, value in values.items():
            field = self.shown("#" + name.replace("_", "-"))
            field.clear()
            field.send_keys(value)

    def press(self, selector):
        self.shown(selector).click()

    def says(self, selector, text):
        self.wait(lambda: text in self.find(selector).text, f"{selector} does not say {text!r}")

    def at(self, end):
        self.wait(lambda: self.driver.current_url.split("?")[0].endswith(end), f"not at {end}")

    def downloaded(self, selector, name):
        """What is saved under this name when somebody follows a link."""
        with tempfile.TemporaryDirectory() as folder:
            self.cdp("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": folder})
            self.press(selector)
            self.wait(lambda: name in os.listdir(folder), f"{name} is not saved")
            with open(os.path.join(folder, name), encoding="utf-8", newline="") as file:
                return file.read()

    def expect(self, *statuses):
        """Chromium writes a line to its console for each answer of such a status."""
        self.expected |= set(statuses)

    def value(self, selector):
        return self.find(selector).get_attribute("value")

    def answer_once(self, method, end, status, text, headers=(), at_load=False):
        """Has the next request of this method for what ends so answered with this, as something on the way might."""
        script = (
            f"{{const real = fetch, [method, end, status, text, headers] = {json.dumps([method, end, status, text, dict(headers)])};"
            "let once = true; window.fetch = (url, options) => once && String(url).endsWith(end) && options.method === method"
            "? (once = false, Promise.resolve(new Response(text, {status, headers}))) : real(url, options)}"
        )
        if at_load:
            added = self.cdp("Page.addScriptToEvaluateOnNewDocument", {"source": script})
            self.driver.refresh()
            self.cdp("Page.removeScriptToEvaluateOnNewDocument", added)
        else:
            # What was said before does not count.
            self.driver.execute_script("for (const said of document.querySelectorAll('.said')) said.textContent = '';" + script)

    def lose_answer_once(self, method, end):
        """Has the next request of this method for what ends so done, and its answer lost."""
        self.driver.execute_script(
            "const real = fetch, [method, end] = arguments; let once = true;"
            "window.fetch = (url, options) => once && String(url).endsWith(end) && options.method === method"
            "? (once = false, real(url, options).then(() => { throw new TypeError() })) : real(url, options)", method, end,
        )

    def log_on_elsewhere(self, address):
        """Logs somebody on in the same browser, while this page knows nothing of it."""
        self.driver.execute_async_script(
            "const [email, password, done] = arguments; fetch('api/auth', {method: 'POST', headers: {'Content-Type': 'application/json'},"
            "body: JSON.stringify({email, password})}).then(done)", address, PASSWORD,
        )

    def comes_back(self):
        """A browser without a window gives a tab that is switched to no focus."""
        self.driver.execute_script("dispatchEvent(new Event('focus'))")

    def focused(self):
        return self.driver.switch_to.active_element.get_attribute("id")

    def log_on(self, address, password=PASSWORD, path="/users/sign-in"):
        self.open(path)
        self.fill(email=address, password=password)
        self.press("#log-on .main")

    def look(self, state):
        """A state, in both sizes and both schemes: it fits, it is accessible, and it can be looked at."""
        self.wait(lambda: not self.driver.execute_script("return document.getAnimations().length"), f"{state} is not at rest")
        for scheme in ("light", "dark"):
            features = [{"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": "reduce"}]
            self.cdp("Emulation.setEmulatedMedia", {"features": features})
            for width, height in SIZES:
                metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
                self.cdp("Emulation.setDeviceMetricsOverride", metrics)
                fits = self.driver.execute_script("return document.documentElement.scrollWidth <= innerWidth")
                assert fits, f"{state}: wider than {width} pixels"
                self.check_accessibility(f"{state}, {width}, {scheme}")
                if self.screenshots:
                    with open(f"{self.screenshots}/{state}-{width}-{scheme}.png", "wb") as file:
                        file.write(self.picture())
        self.cdp("Emulation.clearDeviceMetricsOverride", {})
        self.cdp("Emulation.setEmulatedMedia", {"features": []})

    def picture(self):
        """The whole page."""
        return base64.b64decode(self.cdp("Page.captureScreenshot", {"captureBeyondViewport": True})["data"])

    def check_accessibility(self, where):
        if not self.axe:
            return
        if not self.driver.execute_script("return !!window.axe"):
            self.cdp("Runtime.evaluate", {"expression": self.axe})
        found = self.driver.execute_async_script(
            "const done = arguments[0]; axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', "
            "'best-practice']}).then((found) => done(found.violations))"
        )
        told = [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in found]
        assert not told, f"{where}: {told}"

    def finish(self, journey):
        """Nothing was kept, nobody else was asked, and nothing was complained about."""
        if self.driver.current_url != "about:blank":
            kept = self.driver.execute_script("return localStorage.length + sessionStorage.length")
            assert kept == 0, f"{journey}: something is kept in the browser's storage"
        # What a page still asks for would be answered in the next journey, and without its cookie.
        self.open("about:blank")
        for entry in self.driver.get_log("browser"):
            status = re.search(r"status of (\d+)", entry["message"])
            is_expected = (status and int(status[1]) in self.expected) or (
                0 in self.expected and re.search(r"ERR_(INTERNET_DISCONNECTED|CONNECTION_REFUSED)", entry["message"])
            )
            assert is_expected, f"{journey}: {entry['message']}"
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                url = message["params"]["request"]["url"]
                ours = [start for origin in self.origins for start in (origin + "/", "blob:" + origin)]
                is_ours = url.startswith((*ours, "data:", "about:"))
                assert is_ours, f"{journey}: {url} was asked for"
        self.expected, self.origins = set(), [self.stack.url]
        self.cdp("Network.clearBrowserCookies", {})
