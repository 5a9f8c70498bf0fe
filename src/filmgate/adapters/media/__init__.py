"""Stored files, and the sandbox in which foreign ones are opened."""

from filmgate.adapters.media.store import LocalStore
from filmgate.adapters.media.tools import SandboxedTools

__all__ = ["LocalStore", "SandboxedTools"]
