"""Programs that use libraries from npm, at the versions that `tests/npm/package-lock.json` names."""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.support.service import clean_env

ROOT = Path(__file__).parents[2]
PACKAGES = ROOT / "tests/npm"


def lacking() -> str | None:
    """Return why nothing from npm can be run here, None if it can."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return "node and npm are not installed"
    return None


def install() -> None:
    """Install the libraries, unless it has been done; workers wait for one another."""
    wanted, marker = (PACKAGES / "package-lock.json").read_bytes(), PACKAGES / "node_modules/.installed"
    (ROOT / ".cache").mkdir(exist_ok=True)
    with (ROOT / ".cache/npm.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not marker.exists() or marker.read_bytes() != wanted:
            command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            done = subprocess.run(command, cwd=PACKAGES, capture_output=True, text=True, timeout=240, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
            marker.write_bytes(wanted)


def run(script: str, *arguments: str, **env: str) -> Any:
    """Run a script of the folder, and return the JSON that it prints last."""
    command = ["node", str(PACKAGES / script), *arguments]
    done = subprocess.run(command, env=clean_env() | env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])
