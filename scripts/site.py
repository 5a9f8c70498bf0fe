"""Build the site of the documentation into `build/site`, and serve it on request.

python scripts/site.py [--serve [PORT]]
"""

from __future__ import annotations

import functools
import http.server
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "build/docs"
SITE = ROOT / "build/site"
PORT = 8490
FROM_THE_ROOT = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security-policy.md",
    "README.md": "index.md",
}
_LINK = re.compile(r"(\]\()([^)\s#]+)((?:#[^)\s]*)?\))")


def main(arguments: Sequence[str]) -> int:
    """Build the site, and with --serve serve it until it is interrupted."""
    gather()
    command = [sys.executable, "-m", "zensical", "build", "--clean", "--strict", "--config-file", "mkdocs.yml"]
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    if code:
        return code
    detach()
    if "--serve" not in arguments:
        return 0
    port = int(arguments[-1]) if arguments[-1].isdigit() else PORT
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(SITE))
    with http.server.ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        print(f"The documentation is at http://127.0.0.1:{server.server_port}", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return 0
    return 0


def gather() -> None:
    """Copy the pages, and those of the root folder that they link to, with links that hold on the site."""
    shutil.rmtree(PAGES, ignore_errors=True)
    shutil.copytree(ROOT / "docs", PAGES)
    for name, page in FROM_THE_ROOT.items():
        if page != "index.md":
            shutil.copy(ROOT / name, PAGES / page)
    for path in PAGES.rglob("*.md"):
        text = path.read_text("utf-8")
        original = ROOT / "docs" / path.relative_to(PAGES)
        if path.name in FROM_THE_ROOT.values() and path.parent == PAGES and path.name != "index.md":
            original = ROOT / path.name
        path.write_text(_LINK.sub(functools.partial(_relinked, original, path), text), "utf-8")


def detach() -> None:
    """Remove the address of the site from what was built, so that it can be served anywhere."""
    [address] = re.findall(r"^site_url: (\S+)", (ROOT / "mkdocs.yml").read_text("utf-8"), re.MULTILINE)
    (SITE / "sitemap.xml").unlink()
    for path in (*SITE.rglob("*.html"), *SITE.glob("llms*.txt")):
        text = path.read_text("utf-8")
        text = re.sub(rf'<link [^>]*href="{re.escape(address)}[^>]*>', "", text)
        path.write_text(text.replace(address, "" if path.suffix == ".txt" else "./"), "utf-8")


def _relinked(original: Path, copy: Path, link: re.Match[str]) -> str:
    target = link[2]
    if "://" in target or target.startswith("mailto:"):
        return link[0]
    found = (original.parent / target).resolve()
    inside = found.relative_to(ROOT)
    if inside.as_posix() in FROM_THE_ROOT:
        there = PAGES / FROM_THE_ROOT[inside.as_posix()]
        anchor = ")" if there.name == "index.md" else link[3]
    elif inside.parts[0] == "docs":
        there, anchor = PAGES / inside.relative_to("docs"), link[3]
    else:
        raise ValueError(f"{original}: {target} is no page of the site")
    return f"{link[1]}{_relative(there, copy.parent)}{anchor}"


def _relative(path: Path, folder: Path) -> str:
    up = 0
    while not path.is_relative_to(folder):
        folder, up = folder.parent, up + 1
    return "../" * up + path.relative_to(folder).as_posix()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
