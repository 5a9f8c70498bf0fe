"""Code that runs first in each Python process of a service, as that of a broken installation or machine would."""

from __future__ import annotations

from pathlib import Path

from tests.support.service import RunningService

DEATHS = {
    "does not start": "os._exit(1)",
    "is killed": "os.register_at_fork(after_in_child=lambda: os.kill(os.getpid(), 9))",
    "crashes": "os.register_at_fork(after_in_child=lambda: os.kill(os.getpid(), 11))",
    "meets another library": "import av; av.open = lambda name: None",
}
"""What becomes of a process that decodes files."""

_DYING = """
import os, sys
if "filmgate.adapters.decode.zygote" in sys.orig_argv and os.path.exists({switch!r}):
    exec(open({switch!r}).read())
"""
_LACKING = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {modules!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Hidden())
"""


class Decoders:
    """The processes of a service that decode files: they die in a way that is chosen, until they are well again."""

    def __init__(self, service: RunningService, folder: Path) -> None:
        """Take a service that does not run yet, and a folder for what makes them die."""
        self._switch = folder / "switch"
        _run_first(service, folder, _DYING.format(switch=str(self._switch)))

    def die(self, how: str) -> None:
        """Let every decoder that starts from now on end like this."""
        self._switch.write_text(DEATHS[how])

    def live(self) -> None:
        """Let the decoders that start from now on live."""
        self._switch.unlink()


def lacking(service: RunningService, folder: Path, *modules: str) -> None:
    """Let a service run as if these modules were not installed."""
    _run_first(service, folder, _LACKING.format(modules=modules))


def _run_first(service: RunningService, folder: Path, code: str) -> None:
    site = folder / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(code)
    service.env["PYTHONPATH"] = str(site)
