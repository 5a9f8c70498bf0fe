"""The secret by which the service of a data folder is known."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from filmgate.domain.identity import FILE, read_secret
from filmgate.modes import file_mode


def folder_secret(data: Path) -> bytes:
    """Return the secret of a data folder, which is written if there is none."""
    path = data / FILE
    try:
        secret = read_secret(path.read_text("ascii"))
    except (FileNotFoundError, UnicodeDecodeError):
        secret = None
    if secret is None:
        secret = secrets.token_bytes(32)
        _write(path, secret)
    return secret


def _write(path: Path, secret: bytes) -> None:
    """Write the file as a whole, so that nobody reads a part of it after a crash."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, file_mode()), "w") as file:
        file.write(f"{secret.hex()}\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
