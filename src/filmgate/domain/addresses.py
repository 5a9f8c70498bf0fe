"""Addresses as they may be shown, and names as they are resolved."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

_LONGEST_NAME = 1_024
_BASE64_FILES: Final = {
    "iVBORw0KGgo": "image/png",
    "/9j/": "image/jpeg",
    "R0lGOD": "image/gif",
    "UklGR": "image/webp",
    "AAAAIGZ0eX": "video/mp4",
    "AAAAHGZ0eX": "video/mp4",
    "AAAAGGZ0eX": "video/mp4",
    "GkXfo": "video/webm",
}
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-][A-Za-z0-9+/_\s-]{79}")
_PATH: Final = re.compile(r"(/(?!/)|~|\.{1,2}[/\\]|[A-Za-z]:[\\/]|\\\\|[\w .-]+\\)")
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_HOST: Final = re.compile(r"(localhost|([\w-]+\.)+[A-Za-z]{2,24}|\d+(\.\d+){3}|\[[0-9a-fA-F:]+\])(:\d+)?([/?#]\S*)?")
_FILE_NAME: Final = re.compile(
    r"[^/\\:]+\.(png|jpe?g|jfif|webp|gif|bmp|tiff?|avif|hei[cf]|svg|mp4|m4v|mov|webm|mkv|avi)", re.IGNORECASE
)
_NO_PATH: Final = re.compile(r"(?!file:)[a-z][a-z0-9+.-]+:", re.IGNORECASE)
_INSTEAD: Final = "Give an http(s) address that can be reached from here"
_FILE: Final = ", or send the file itself as a data URI"


def is_local_path(value: str) -> bool:
    """Return whether a text names a file of the machine where it was written: it has no scheme, or that of files."""
    return not _NO_PATH.match(value.strip())


def describe_wrong_address(value: str, *, file: bool = True) -> str | None:
    """Return what a text is that was to be an http(s) address, and what to do; None if it may be one.

    `file` says that the address is that of a file, which could be sent as a data URI too.
    """
    value = value.strip()
    instead = _INSTEAD + (_FILE if file else "")
    if value[:8].lower().startswith(("http://", "https://")):
        return None
    known = next((kind for start, kind in _BASE64_FILES.items() if value.startswith(start)), None)
    if known is not None or _BASE64.match(value):
        kind = known or "image/png"
        return f"this is bare base64, not an address: write data:{kind};base64, in front of it"
    scheme = _SCHEME.match(value)
    if value[:5].lower() == "file:" or (scheme is None and _PATH.match(value)):
        return f"this is the path of a file on a computer, which is not read. {instead}"
    if value[:5].lower() == "blob:":
        return f"this is an address within a browser, which nobody else can read. {instead}"
    if scheme is not None:
        return f"addresses with {scheme[1][:20].lower()}:// are not fetched. {instead}"
    if _FILE_NAME.fullmatch(value):
        return f"this is the name of a file, not an address. {instead}"
    if value.startswith("//") or _HOST.fullmatch(value):
        start = "https:" if value.startswith("//") else "https://"
        return f"the address has no scheme: write {start} in front of it (or http:{start[6:]})"
    return f"this is no address. {instead}"


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


def redact(url: str) -> str:
    """Return the address for logs, lists and messages: without user info, query and fragment."""
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
