"""What is in the folder of a service that runs, and so may add and remove entries while somebody looks."""

from __future__ import annotations

import os
from pathlib import Path


def below(folder: Path) -> list[Path]:
    """List the entries of a folder at every depth; a folder removed since it was listed has none.

    `Path.rglob` raises for one that was removed meanwhile.
    """
    return [Path(parent, name) for parent, folders, files in os.walk(folder) for name in (*folders, *files)]


def files_below(folder: Path) -> list[Path]:
    """List the files of a folder at every depth, without those that have gone since."""
    return [path for path in below(folder) if path.is_file()]
