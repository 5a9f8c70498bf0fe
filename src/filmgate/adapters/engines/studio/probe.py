"""`python -m filmgate.adapters.engines.studio.probe`: say in JSON which renderer will be used on this machine."""

from __future__ import annotations

import sys

import msgspec

from filmgate.adapters.engines.process import JobFailed
from filmgate.adapters.engines.studio.renderer import probe


def main() -> int:
    """Print `{"renderer": ...}`; with status 1, `{"error": ...}` when the renderer demanded cannot be had."""
    try:
        print(msgspec.json.encode(probe()).decode())
    except JobFailed as failed:
        print(msgspec.json.encode({"error": failed.message}).decode())
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
