"""Addresses as they may be shown."""

from __future__ import annotations

from urllib.parse import urlsplit


def redacted(url: str) -> str:
    """Give the address for logs, lists and messages: without user info, query and fragment."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "(an unreadable address)"
    if not parts.hostname:
        return "(an unreadable address)"
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    shown = f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path}"
    return "".join(character if character.isprintable() else "?" for character in shown)
