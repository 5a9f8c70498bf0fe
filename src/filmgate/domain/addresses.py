"""Addresses as they may be shown, and names as they are resolved."""

from __future__ import annotations

from urllib.parse import urlsplit

_LONGEST_NAME = 1_024


def ascii_host(host: str) -> str:
    """Return the one spelling of a host that name servers and certificates know. Raises ValueError.

    International names are mapped as browsers do it (UTS 46, not transitional): `Straße.DE` is `xn--strae-oqa.de`,
    `①②⑦.0.0.1` is `127.0.0.1`. What the mapping makes of a host can be anything in ASCII; look at it afterwards.
    """
    if host.isascii():
        return host.lower()
    if len(host) > _LONGEST_NAME:
        raise ValueError("the host is too long")
    import idna

    mapped = idna.uts46_remap(host, std3_rules=False, transitional=False)
    return ".".join(label if label.isascii() else idna.alabel(label).decode() for label in mapped.split("."))


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
