"""The owners of paths: dialects and mounted applications, below the prefix of the public address."""

from __future__ import annotations

from collections.abc import Mapping


class Paths:
    """The paths of dialects, by their prefixes, and of mounted applications, each with the name it is counted as.

    Paths may begin with `prefix`, the path of the public address.
    """

    def __init__(self, dialects: Mapping[str, str], mounts: Mapping[str, str], prefix: str = "") -> None:
        self.prefix = prefix and f"{prefix}/"
        self._dialects = sorted(dialects.items(), key=lambda entry: -len(entry[0]))
        self._mounts = mounts

    def below_prefix(self, path: str) -> str:
        """Return a path without the prefix."""
        return path[len(self.prefix) - 1 :] if self.prefix and path.startswith(self.prefix) else path

    def dialect(self, path: str) -> str | None:
        """Return the name of the dialect that a path belongs to."""
        if path in self._mounts:
            return None
        return next((name for prefix, name in self._dialects if path.startswith(prefix)), None)

    def name(self, path: str, dialect: str | None) -> str:
        """Return the name that requests to a path are counted as; `dialect` is that of the path."""
        return dialect or self._mounts.get(path, "service")
