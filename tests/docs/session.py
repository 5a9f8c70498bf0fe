"""The blocks of a page, run in their order in one shell, as a reader runs them."""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from tests.support.service import RunningService, clean_env

from .pages import ROOT, page

FILED = {"bash", "python", "javascript", "toml", "json", "yaml", "ini", "nginx", "caddyfile", "text"}
RUN = {"bash", "python", "javascript", "console"}
NEEDS = {"bash": "curl", "javascript": "node"}
SERVICE = "127.0.0.1:8484"
PORTS = re.compile(r"\b848[5-9]\b")

_BLOCK = re.compile(
    r"(?:^ *<!-- (?P<mark>[^\n]*?) -->\n)?^(?P<indent> *)```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^ *```$",
    re.MULTILINE | re.DOTALL,
)
_NAMED = re.compile(r"\A(?:#|//) (?P<name>[\w.-]+\.\w+)\n")
_PROLOGUE = """set -euo pipefail
trap 'kill $(jobs -p) 2>/dev/null || true; wait || true' EXIT
"""


class Block(NamedTuple):
    """A fenced block of a page."""

    page: str
    line: int
    mark: str
    language: str
    text: str

    @property
    def where(self) -> str:
        """The page and the line."""
        return f"{self.page}:{self.line}"

    @property
    def reason(self) -> str | None:
        """Why the block is not run, if it is marked so."""
        found = re.fullmatch(r"not run: (.+)", self.mark)
        return found and found[1]

    @property
    def file(self) -> str | None:
        """The file that the reader saves the block as, if the first line names one."""
        found = _NAMED.match(self.text)
        return found and found["name"]


class Shown(NamedTuple):
    """A command of a console with the output that the page shows."""

    block: Block
    command: str
    output: str


def blocks(name: str) -> list[Block]:
    """Return the fenced blocks of a page."""
    text = page(name)
    found = []
    for match in _BLOCK.finditer(text):
        line = text.count("\n", 0, match.start("language")) + 1
        body = re.sub(rf"^{match['indent']}", "", match["text"], flags=re.MULTILINE)
        found.append(Block(name, line, match["mark"] or "", match["language"], body))
    return found


def commands(block: Block) -> list[Shown]:
    """Split a console into commands and the output below each."""
    parts = re.split(r"^\$ ", block.text, flags=re.MULTILINE)
    assert parts[0] == "", f"{block.where}: a console begins with a command"
    shown = []
    for part in parts[1:]:
        lines = part.splitlines()
        count = next(number for number, line in enumerate(lines, 1) if not line.endswith("\\"))
        shown.append(Shown(block, "\n".join(lines[:count]), "\n".join(lines[count:])))
    return shown


def run_page(name: str, service: RunningService, folder: Path) -> list[tuple[Shown, str]]:
    """Run the blocks of a page and return its console commands with what they printed."""
    work, notes = folder / "work", folder / "notes"
    work.mkdir()
    notes.mkdir()
    script, consoles = [_PROLOGUE], []
    for number, block in enumerate(blocks(name)):
        text = located(block.text, service)
        if block.reason:
            continue
        script.append(f"echo {shlex.quote(block.where)} > {notes}/at\n")
        if block.file:
            (notes / f"file{number}").write_text(text)
            script.append(f"cp {notes}/file{number} {block.file}\n")
        elif block.language == "bash":
            script.append(text)
        elif block.language in ("python", "javascript"):
            (notes / f"block{number}").write_text(text)
            runner = sys.executable if block.language == "python" else "node --input-type=module -"
            script.append(f"{runner} {'' if block.language == 'python' else '<'} {notes}/block{number}\n")
        elif block.language == "console":
            for each in commands(block):
                path = notes / f"console{len(consoles)}"
                failing = "|| true" if each.output else ""
                script.append(f"{{ {located(each.command, service)}\n}} > {path} 2>&1 {failing}\n")
                consoles.append((each, path))
    done = subprocess.run(
        ["bash", "-c", "".join(script)], env=environment(service), cwd=work,
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    at = (notes / "at").read_text() if (notes / "at").exists() else ""
    printed = "".join(path.read_text()[-2000:] for _, path in consoles if path.exists() and done.returncode)
    assert done.returncode == 0, f"{at}{done.stdout[-2000:]}{done.stderr[-4000:]}{printed}"
    return [(shown, path.read_text()) for shown, path in consoles]


def environment(service: RunningService) -> dict[str, str]:
    """Return the variables that every page assumes."""
    return clean_env() | {
        "FILMGATE_URL": service.url,
        "FILMGATE_API_KEY": service.key,
        "FILMGATE_KEY": service.key,
        "COLUMNS": "100",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "src"),
    }


def located(text: str, service: RunningService) -> str:
    """Put the address of the running service, and free ports, in the place of those that the page names."""
    text = text.replace(SERVICE, service.url.removeprefix("http://"))
    return PORTS.sub(lambda match: str(_free_port(service, match[0])), text)


def _free_port(service: RunningService, name: str) -> int:
    ports = service.__dict__.setdefault("ports_of_pages", {})
    if name not in ports:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            ports[name] = free.getsockname()[1]
    return ports[name]


def matches(shown: str, printed: str) -> bool:
    """Compare output with what a page shows, where `…` stands for anything."""
    pattern = ".*".join(re.escape(part) for part in shown.rstrip().split("…"))
    return re.fullmatch(pattern, printed.rstrip(), re.DOTALL) is not None
