"""Checks of what Filmgate is installed on: Python, and the packages."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from filmgate.app.requirements import TESTED_PYTHONS, extra_of, warn_untested_python
from filmgate.domain.settings import Settings
from filmgate.ops.doctor.findings import Finding, ok, problem, warning
from filmgate.ops.doctor.process import Running

if TYPE_CHECKING:
    from packaging.requirements import Requirement

LOCK = Path(__file__).parents[4] / "requirements" / "service.lock"
"""The versions that Filmgate was tested with; they are known only where it runs from its sources."""

_SHOWN = 5


class _Unmet(NamedTuple):
    """A requirement that applies here, and the version that is installed instead, None if there is none."""

    requirement: Requirement
    installed: str | None

    def __str__(self) -> str:
        found = "is not installed" if self.installed is None else f"is {self.installed}"
        return f"{self.requirement.name} {found} (needed: {self.requirement.specifier})"


def python(_settings: Settings, _now: Running) -> Iterator[Finding]:
    """Look at the version of Python."""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < TESTED_PYTHONS[0]:
        yield problem("python", f"Python {version}", "Filmgate needs 3.11.", "Install it with a newer Python.")
    elif (untested := warn_untested_python()) is not None:
        do = "If something does not work, install Filmgate with a Python that is tested."
        yield warning("python", f"Python {version}", untested, do)
    else:
        yield ok("python", f"Python {version}")


def packages(settings: Settings, _now: Running, *, lock: Path = LOCK) -> Iterator[Finding]:
    """Compare the installed packages with the requirements, and with the lock where there is one."""
    extras = {"", "server", *(extra_of(engine.type) for engine in settings.engine_table().values())}
    wrong = list(_unmet(metadata.requires("filmgate") or (), extras))
    if wrong:
        found = "; ".join(map(str, wrong))
        yield problem("packages", found, "Parts of the service may not start.", "Install Filmgate anew.")
        return
    other = list(_unmet(_requirements_of(lock)))
    if other:
        few = "; ".join(map(str, other[:_SHOWN])) + (f" and {len(other) - _SHOWN} more" if len(other) > _SHOWN else "")
        yield warning(
            "packages", f"not as locked: {few}",
            "Filmgate was tested with the locked versions.",
            "Install from requirements/service.lock: `make install`.",
        )  # fmt: skip
    else:
        yield ok("packages", "all that is needed is installed")


def _unmet(requirements: Iterable[str], extras: Iterable[str] = ("",)) -> Iterator[_Unmet]:
    from packaging.requirements import Requirement  # if it is missing too, the other checks go on

    for requirement in map(Requirement, requirements):
        # A marker says on which systems, for which Pythons and for which extra a requirement holds.
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in extras):
            installed = _version(requirement.name)
            if installed is None or not requirement.specifier.contains(installed, prereleases=True):
                yield _Unmet(requirement, installed)


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _requirements_of(lock: Path) -> list[str]:
    """Return the requirements of a lock, each of which goes on in indented lines with its hashes."""
    lines = lock.read_text("utf-8").splitlines() if lock.is_file() else []
    return [line.removesuffix("\\") for line in lines if line[:1].isalnum()]
