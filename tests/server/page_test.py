"""The page in headless Chromium, as a chemist uses it: draws, submits, looks, sorts, downloads.

With MOLGEN3D_SCREENSHOTS=FOLDER it leaves pictures there, 1300 and 400 pixels wide.
"""
import os
import time
import unittest

import browser
from serving import Server, ServerTest, main

try:
    from rdkit import Chem
except ImportError:
    Chem = None

PICTURES = os.environ.get("MOLGEN3D_SCREENSHOTS")
IBUPROFEN = "CC(C)Cc1ccc(cc1)[C@@H](C)C(=O)O"
DONE = "!document.getElementById('go').disabled && document.querySelectorAll('#table tbody tr').length"
CANVAS = "document.querySelector('#stage canvas').toDataURL()"


def built_with(server, what):
    import json
    return json.loads(server.request("GET", "/about.json")[2])[what]


@unittest.skipUnless(browser.PROGRAM, "no browser (Debian package chromium-headless-shell)")
class PageTest(ServerTest):
    def open(self, *flags, fragment="", width=1300, height=1000):
        page = browser.Page(*(flags or browser.SOFTWARE_WEBGL), width=width, height=height, downloads=self.folder.name)
        self.addCleanup(page.close)
        self.origin = f"http://127.0.0.1:{self.server.port}"
        page.go(self.origin + "/" + fragment)
        page.wait("document.body && document.body.dataset.ready === '1'")
        return page

    def quiet(self, page):
        """Nothing on the console, nothing from elsewhere."""
        self.assertEqual((page.console, page.errors), ([], []))
        foreign = [url for url in page.requests
                   if not url.startswith((self.origin + "/", "data:", "blob:" + self.origin, "about:"))]
        self.assertEqual(foreign, [])
        self.assertGreater(len(page.requests), 8)

    def picture(self, page, name):
        if PICTURES:
            page.picture(os.path.join(PICTURES, name + ".png"))

    def column(self, page, number):
        return page.value("[...document.querySelectorAll('#table tbody tr')].map(r => r.cells[%d].textContent)" % number)

    def test_draws_submits_turns_sorts_downloads(self):
        if not (built_with(self.server, "viewer") and built_with(self.server, "sketch")):
            self.skipTest("this build has no 3Dmol.js or openchemlib (scripts/fetch_3dmol.sh, fetch_openchemlib.sh)")
        page = self.open()
        # Two bonds with the mouse: a click places the first, a drag from its end the second.
        x, y, width, height = page.box("#sketch")
        page.click_at(x + width / 2, y + height / 2)
        page.wait("document.getElementById('smiles').value === 'CC'")
        page.drag((x + width / 2, y + height / 2), (x + width / 2 - 60, y + height / 2 + 40))
        page.wait("document.getElementById('smiles').value === 'CCC'")
        # The box leads, too: typed text is drawn.
        page.value("document.getElementById('smiles').value = ''")
        page.click("#smiles")
        page.type("CC(N)C(=O)O")
        page.wait("document.getElementById('centres').textContent.includes('1 centre has no specified hand')")
        self.picture(page, "sketch_1300")
        page.value(f"document.querySelector('[data-smiles=\"{IBUPROFEN}\"]').click()")
        page.wait("document.getElementById('centres').textContent.includes('All stereocentres are specified')")
        page.value("document.getElementById('n').value = 8; document.getElementById('seed').value = 7;"
                   "document.getElementById('etkdg').checked = true")
        page.click("#go")
        page.wait(DONE + " === 16")
        self.assertEqual(page.value("document.getElementById('failure').hidden"), True)
        self.assertEqual(page.value("document.getElementById('stage').dataset.models"), "16")
        self.assertEqual(self.column(page, 1), 8 * ["model"] + 8 * ["ETKDG"])
        self.assertEqual(set(self.column(page, 2)[8:]), {"ok"})
        self.assertEqual(set(self.column(page, 3)[:8]), {"satisfied"})
        self.picture(page, "result_1300")
        # Turns under the mouse.
        before = page.value(CANVAS)
        x, y, width, height = page.box("#stage")
        page.drag((x + width / 2, y + height / 2), (x + width / 2 + 80, y + height / 2 + 30))
        page.wait(f"{CANVAS} !== {before!r}")
        # Sorted by log-probability, up and down.
        page.value("document.querySelectorAll('#table th button')[5].click()")
        up = [float(text) for text in self.column(page, 5) if text]
        self.assertEqual(up, sorted(up))
        self.assertEqual(page.value("document.querySelectorAll('#table th')[5].getAttribute('aria-sort')"), "ascending")
        page.value("document.querySelectorAll('#table th button')[5].click()")
        self.assertEqual([float(text) for text in self.column(page, 5) if text], up[::-1])
        # A row, the slider and the keyboard choose one.
        page.value("document.querySelector('#table tbody tr').click()")
        self.assertIn("of 16", page.value("document.getElementById('shown').textContent"))
        page.value("document.getElementById('slider').focus()")
        page.key("Home", 36)
        page.wait("document.getElementById('shown').textContent === 'all 16'")
        for colour in ("check", "probability", "source"):
            before = page.value(CANVAS)
            page.value(f"document.getElementById('colour').value = '{colour}';"
                       "document.getElementById('colour').dispatchEvent(new Event('change'))")
            page.wait(f"{CANVAS} !== {before!r}")
        self.picture(page, "colour_1300")
        self.download(page)
        self.link(page)
        self.quiet(page)

    def download(self, page):
        page.click("#download")
        path = os.path.join(self.folder.name, "conformers.sdf")
        deadline = time.monotonic() + 30
        while not os.path.exists(path) and time.monotonic() < deadline:
            page.hear(0.1)
        if Chem is None:
            self.skipTest("no RDKit for Python")
        found = list(Chem.SDMolSupplier(path))
        self.assertEqual(len(found), 16)
        wanted = Chem.CanonSmiles(IBUPROFEN)
        for molecule in found:
            self.assertIsNotNone(molecule)
            Chem.AssignStereochemistryFrom3D(molecule)
            self.assertEqual(Chem.MolToSmiles(molecule), wanted)
        # Those of the model are what the server gives for the same settings.
        with open(path, "rb") as file:
            body = {"smiles": IBUPROFEN, "n": 8, "seed": 7}
            self.assertTrue(file.read().startswith(self.server.post("/v1/conformers", body)[2]))

    def link(self, page):
        """The address holds SMILES, seed and settings, and opens the same page."""
        address = page.value("location.href")
        other = self.open(fragment="#" + address.split("#")[1])
        for name, value in (("smiles", IBUPROFEN), ("n", "8"), ("seed", "7"), ("geometry", "full")):
            self.assertEqual(other.value(f"document.getElementById('{name}').value"), value)
        self.assertTrue(other.value("document.getElementById('etkdg').checked"))

    def test_small_screen_and_keyboard(self):
        page = self.open(fragment="#smiles=CC(%3DO)Oc1ccccc1C(%3DO)O&n=4&seed=3", width=400, height=900)
        page.value("document.getElementById('smiles').focus()")
        page.key("Enter", 13)
        page.wait(DONE + " === 4")
        self.assertLessEqual(page.value("document.documentElement.scrollWidth"), 400)
        self.picture(page, "result_400")
        page.value("document.querySelector('#table tbody tr').focus()")
        page.key("ArrowDown", 40)
        page.key("Enter", 13)
        self.assertEqual(page.value("[...document.querySelectorAll('#table tbody tr')].findIndex("
                                    "r => r.classList.contains('selected'))"), 1)
        self.quiet(page)

    def test_text_is_text(self):
        evil = "<img src=x onerror=document.title=1>"
        page = self.open(fragment="#smiles=" + "%3Cimg%20src%3Dx%20onerror%3Ddocument.title%3D1%3E&n=1")
        page.click("#go")
        page.wait(DONE + " === 1")
        self.assertIn(evil.split()[0], self.column(page, 2)[0])  # the server's words, with what was typed
        self.assertEqual(page.value("document.querySelectorAll('main img').length"), 0)
        self.assertNotEqual(page.value("document.title"), "1")
        self.assertEqual(page.errors, [])

    def test_without_webgl(self):
        page = self.open(*browser.NO_WEBGL, fragment="#smiles=CCO&n=2")
        self.assertIn("no WebGL", page.value("document.getElementById('viewer-note').textContent"))
        page.click("#go")
        page.wait(DONE + " === 2")
        self.assertFalse(page.value("document.getElementById('download').disabled"))
        self.quiet(page)

    def test_policy(self):
        headers = self.server.request("GET", "/")[1]
        policy = headers["Content-Security-Policy"]
        self.assertIn("default-src 'self'", policy)
        self.assertNotIn("unsafe", policy)
        tag = headers["ETag"]
        self.assertEqual(self.server.request("GET", "/", headers={"If-None-Match": tag})[::2], (304, b""))


@unittest.skipUnless(browser.PROGRAM, "no browser (Debian package chromium-headless-shell)")
class TokenTest(ServerTest):
    def test_asks_for_the_token(self):
        secret = "correct-horse-battery"
        server = Server("--token-file", self.write("token", secret + "\n"))
        page = browser.Page(*browser.NO_WEBGL)
        try:
            page.go(f"http://127.0.0.1:{server.port}/#smiles=CCO&n=1")
            page.wait("document.body && document.body.dataset.ready === '1'")
            page.click("#go")
            page.wait("!document.getElementById('token-row').hidden")
            page.type(secret)
            page.key("Enter", 13)
            page.wait(DONE + " === 1")
        finally:
            page.close()
            server.end()


if __name__ == "__main__":
    main()
