"""Environments outside the checkout, into which the wheel is installed as a user would."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
UV = str(Path(sys.executable).with_name("uv"))

FORBIDDING = """
import sys
class Forbidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {modules!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Forbidden())
"""


def build_wheel(folder: Path) -> Path:
    """Build the wheel of the checkout into the folder and return its path."""
    _run(UV, "build", "--quiet", "--wheel", "--python", sys.executable, "--out-dir", str(folder), str(ROOT))
    (wheel,) = folder.glob("*.whl")
    return wheel


def constraints(folder: Path) -> Path:
    """Write the locked versions, without their hashes, to a file in the folder and return its path."""
    pinned = re.findall(r"^\S+==\S+(?: ;[^\\\n]*)?", (ROOT / "requirements" / "tracing.lock").read_text(), re.MULTILINE)
    path = folder / "constraints.txt"
    path.write_text("\n".join(pinned))
    return path


class Environment:
    """A virtual environment with a wheel in it, of which some modules may be forbidden."""

    def __init__(self, folder: Path, *requirements: str, locked: Path) -> None:
        """Create it in a new folder and install the requirements in the locked versions."""
        self.folder = folder
        _run(UV, "venv", "--quiet", "--python", sys.executable, str(folder))
        self.python = str(folder / "bin" / "python")
        self.install("-c", str(locked), *requirements)

    def install(self, *arguments: str) -> None:
        """Install more into it."""
        _run(UV, "pip", "install", "--quiet", "--python", self.python, *arguments)

    @property
    def megabytes(self) -> float:
        """Return the size of all files in millions of bytes, without compiled bytecode."""
        files = (path for path in (self.folder / "lib").rglob("*") if path.is_file() and path.suffix != ".pyc")
        return sum(path.stat().st_size for path in files) / 1e6

    def forbid(self, *modules: str) -> dict[str, str]:
        """Return the variables of an environment in which these modules cannot be imported."""
        site = self.folder / "forbidding"
        site.mkdir(exist_ok=True)
        (site / "sitecustomize.py").write_text(FORBIDDING.format(modules=modules))
        return {"PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"}


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
