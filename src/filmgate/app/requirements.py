"""What Filmgate runs on: the Pythons it is tested with, and the libraries that are loaded late."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib.util import find_spec

from filmgate.domain.errors import Unavailable

TESTED_PYTHONS = ((3, 11), (3, 13))
"""Those whose tests run before anything lands; the classifiers of the package name the same."""

_DECODING = ("av", "PIL")
_DRAWING = {"scripted": (), "studio": ("av", "PIL", "numpy", "cv2", "moderngl")}
_PACKAGES = {"PIL": "pillow", "cv2": "opencv-python-headless"}


def warn_untested_python() -> str | None:
    """Return a sentence about this Python if Filmgate is not tested with it, else None."""
    if sys.version_info[:2] in TESTED_PYTHONS:
        return None
    tested = " and ".join(".".join(map(str, version)) for version in TESTED_PYTHONS)
    return f"Filmgate is tested with Python {tested}, and this is Python {sys.version.split()[0]}."


def check_libraries(types: Iterable[str]) -> None:
    """Raise Unavailable if a library is missing that decoding or an engine of these types needs.

    They are looked for, not loaded: the processes that use them do that, and the service stays small.
    """
    users: dict[str, list[str]] = {}
    for user, modules in (("decoding", _DECODING), *((kind, _DRAWING.get(kind, ())) for kind in sorted(set(types)))):
        for module in modules:
            if not _is_installed(module):
                users.setdefault(_PACKAGES.get(module, module), []).append(user)
    if users:
        lacking = "; ".join(f"{package} (needed for {' and '.join(needing)})" for package, needing in users.items())
        raise Unavailable(
            f"Not installed for {sys.executable}: {lacking}. Install it there with `pip install {' '.join(users)}`, "
            "or in a checkout with `make install`."
        )


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False
