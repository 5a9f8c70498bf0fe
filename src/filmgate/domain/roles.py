"""Roles of API keys: what the holder of a key may do."""

from __future__ import annotations

from enum import StrEnum


class KeyRole(StrEnum):
    """The role of a key. Each role may do what those after it may.

    It belongs to the key alone: no address, host or port gives anybody more.
    """

    ADMIN = "admin"
    """May also see and decide what concerns the whole service and other applications."""

    MEMBER = "member"
    """May submit, cancel, delete and change what belongs to its application."""

    VIEWER = "viewer"
    """May read what belongs to its application."""

    def includes(self, other: KeyRole) -> bool:
        """Return whether this role may do what the other one may."""
        return _ORDER.index(self) <= _ORDER.index(other)


_ORDER = tuple(KeyRole)
