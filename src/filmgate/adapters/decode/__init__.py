"""The sandbox in which external files are decoded."""

from filmgate.adapters.decode.tools import SandboxedTools

__all__ = ["SandboxedTools"]
