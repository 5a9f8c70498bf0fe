"""Services whose data folder lies on a disk of its own, small or read-only, in a mount namespace of theirs."""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path

import pytest

from tests.support.service import RunningService

ALONE = ["unshare", "--user", "--map-root-user", "--mount"]


class OnDisk(RunningService):
    """A service on a disk made of memory; others see its files only through the process."""

    def __init__(self, data: Path, disk: str, **options: str) -> None:
        """Take the options of the mount, such as `size=80m`."""
        super().__init__(data, admin_key="the key of a test on a disk", **options)
        data.mkdir()
        mount = f'mount -t tmpfs -o {disk} none "$0" && exec "$@"'
        self.prefix = [*ALONE, "sh", "-c", mount, str(data)]

    @property
    def seen(self) -> Path:
        """The data folder as the service sees it."""
        assert self.process is not None
        return Path(f"/proc/{self.process.pid}/root{self.data}")

    def fill(self) -> Path:
        """Write a file until there is no room left; gives it."""
        ballast = self.seen / "ballast"
        with contextlib.suppress(OSError), ballast.open("ab", buffering=0) as file:
            while True:
                file.write(b"\0" * 4096)
        return ballast

    def inside(self, command: str) -> None:
        """Run a command where the service lives."""
        assert self.process is not None
        enter = ["nsenter", "--target", str(self.process.pid), "--user", "--preserve-credentials", "--mount"]
        subprocess.run([*enter, "sh", "-c", command], check=True, timeout=20)


def needs_disks() -> None:
    """Skip a test where the system lets nobody mount."""
    tried = subprocess.run([*ALONE, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False)
    if tried.returncode != 0:
        pytest.skip(f"no disk can be mounted here: {os.fsdecode(tried.stderr).strip()}")
