"""The site of the documentation: it builds without warnings, asks nobody else, and can be searched and read."""

from __future__ import annotations

import contextlib
import functools
import http.server
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.support.service import RunningService

from .pages import ROOT

pytestmark = pytest.mark.xdist_group("site")

SITE = ROOT / "build/site"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
WIDE = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}


class Document(HTMLParser):
    """The links and the ids of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.ids: set[str] = set()
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what an element refers to, what it loads and how it is called."""
        for name, value in attrs:
            if name == "id" and value:
                self.ids.add(value)
            elif name in ("href", "src", "poster") and value:
                self.links.append(value)
                if tag != "a":
                    self.loaded.append(value)


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves files and logs nothing."""

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture(scope="module")
def site() -> Path:
    """The site, built anew."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts/site.py")], capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return SITE


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """Where the site is served."""
    handler = functools.partial(QuietHandler, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium, if there is one."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("Chromium is not installed: apt install chromium")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page of a fresh profile; a test may ask for a width and a colour scheme."""
    options = {"viewport": WIDE, "color_scheme": "light"} | getattr(request, "param", {})
    context = browser.new_context(**options)
    yield context.new_page()
    context.close()


def test_no_link_is_dead(site: Path):
    """Each link inside the site leads to a page that is there, and to a heading in it."""
    documents = {path: Document(path) for path in site.rglob("*.html")}
    assert len(documents) > 50
    for path, document in documents.items():
        for link in document.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or path.name == "404.html":
                continue
            found = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            found = found / "index.html" if found.is_dir() else found
            assert found.is_file(), (path, link)
            if parts.fragment and found in documents:
                assert unquote(parts.fragment) in documents[found].ids, (path, link)


def test_nothing_is_loaded_from_elsewhere(site: Path):
    """No page loads a script, style, font or picture of another host."""
    for path in site.rglob("*.html"):
        for link in Document(path).loaded:
            assert not urlsplit(link).netloc, (path, link)


def test_there_is_a_text_for_language_models(site: Path):
    """`llms.txt` lists the pages with links that hold wherever the site is, and `llms-full.txt` has their text."""
    listing = (site / "llms.txt").read_text("utf-8")
    for name in ("tutorial/first-video", "how-to/webhooks", "reference/errors", "concepts/glossary"):
        assert f"(<{name}/index.md>)" in listing
        assert (site / name / "index.md").is_file()
    assert "# Idempotent requests" in (site / "llms-full.txt").read_text("utf-8")


def test_a_service_serves_the_manual(site: Path, tmp_path: Path):
    """The wheel of filmgate-docs has the site, and a service that finds the package serves it at `/manual/`."""
    build = [str(Path(sys.executable).with_name("uv")), "build", "--quiet", "--wheel", "--python", sys.executable]
    subprocess.run([*build, "--out-dir", str(tmp_path), str(ROOT / "packages/filmgate-docs")], timeout=240, check=True)
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "packages")
    service = RunningService(tmp_path / "data")
    service.env["PYTHONPATH"] = str(tmp_path / "packages")
    with contextlib.closing(httpx2.Client(base_url=service.start().url)) as http:
        try:
            assert http.get("/manual").headers["location"] == "manual/"
            for name in ("", "how-to/webhooks/", "search.json", "pictures/life-of-a-task.svg"):
                answer = http.get(f"/manual/{name}")
                assert answer.status_code == 200, name
                assert (
                    answer.content
                    == (site / f"{name}index.html" if name.endswith("/") or not name else site / name).read_bytes()
                )
            assert http.get("/manual/nowhere").status_code == 404
            assert http.get("/manual/../data/first-key").status_code == 404
        finally:
            service.stop()


def test_a_service_without_the_package_has_no_manual(service: RunningService):
    """Where filmgate-docs is not installed, the address is not found."""
    assert httpx2.get(f"{service.url}/manual/").status_code == 404


WORDS = {
    "webhook": "how-to/webhooks/",
    "rate limit": "how-to/security/#rate-limits-and-quotas",
    "SSRF": "how-to/security/#ssrf-protection",
    "upgrade": "how-to/upgrade/",
}


def test_the_search_finds_what_people_look_for(page: Page, address: str):
    """With the keyboard alone: `/` opens the search, the words find their page among the first, Enter opens one."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for words, wanted in WORDS.items():
        page.goto(address)
        page.keyboard.press("Tab")
        page.keyboard.press("/")
        page.get_by_role("combobox", name="Search").wait_for()
        page.keyboard.type(words)
        found = page.get_by_role("option")
        found.first.wait_for()
        page.get_by_role("option").locator("mark").first.wait_for()
        links = [unquote(link.get_attribute("href") or "") for link in found.all()[:8]]
        assert any(wanted.partition("#")[0] in link for link in links), (words, links)
    page.keyboard.press("Enter")
    page.wait_for_url("**/*h=upgrade*")
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []


def test_the_keyboard_reaches_the_content(page: Page, address: str):
    """The first stop of the Tab key is a link that can be seen and leads past the navigation."""
    page.goto(address + "how-to/webhooks/")
    page.keyboard.press("Tab")
    skip = page.locator(".md-skip:focus")
    expect(skip).to_have_text("Skip to content")
    expect(skip).to_have_css("opacity", "1")
    page.keyboard.press("Enter")
    target = page.url.partition("#")[2]
    assert page.locator(f"#{target}").evaluate("each => each.closest('main') !== null")


@pytest.mark.parametrize("page", [{"viewport": PHONE}], indirect=True)
def test_a_phone_shows_whole_lines(page: Page, address: str):
    """No page is wider than a phone, and the navigation opens."""
    for name in ("", "how-to/webhooks/", "reference/configuration/", "reference/errors/"):
        page.goto(address + name)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
    page.locator("label.md-header__button[for=__drawer]").click()
    expect(page.locator(".md-sidebar--primary")).to_be_in_viewport()


@pytest.mark.parametrize("page", [{"color_scheme": "dark"}, {"color_scheme": "light"}], indirect=True)
def test_the_colours_follow_the_system(page: Page, address: str, request: pytest.FixtureRequest):
    """Dark where the system is dark, light where it is light, with readable text."""
    page.goto(address)
    paper, ink = (
        sum(map(float, page.evaluate(f"getComputedStyle(document.body).{name}").strip("rgba()").split(",")[:3]))
        for name in ("backgroundColor", "color")
    )
    dark = request.node.callspec.params["page"]["color_scheme"] == "dark"
    assert (paper < 150) if dark else (paper > 600)
    assert abs(paper - ink) > 350


def test_the_landing_page_shows_a_video(page: Page, address: str):
    """The landing page has a clip that plays, the two commands, and a tab for each client."""
    page.goto(address)
    page.wait_for_function("document.querySelector('video').readyState >= 2")
    text = page.inner_text("main")
    assert "make run" in text
    assert "make test" in text
    page.get_by_text("openai", exact=True).first.click()
    page.get_by_text("openai.videos.create").first.wait_for(state="visible")
