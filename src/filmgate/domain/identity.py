"""How a service proves that it runs on a data folder, to whoever can read the folder.

The folder holds a secret. A client that takes its key from the folder sends a challenge first, and the service answers
with a keyed digest of the challenge and of the address that the connection was made to. Whatever else listens on a
port of the service does not know the secret, and cannot pass the challenge on either: the service would answer for its
own address.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
from typing import Final

FILE: Final = "identity"
"""The file of the data folder that holds the secret, in hex."""

PATH: Final = "/identity"
"""The path that answers challenges."""

CHALLENGE: Final = re.compile(r"[0-9a-f]{64}")
"""What a challenge looks like."""

_SECRET: Final = re.compile(r"[0-9a-f]{64}\n?")


def read_secret(text: str) -> bytes | None:
    """Return the secret in what the file holds; None if that is no secret."""
    return bytes.fromhex(text.strip()) if _SECRET.fullmatch(text) else None


def prove(secret: bytes, challenge: str, host: str, port: int) -> str:
    """Return the answer to a challenge over a connection to an IP address."""
    ip = ipaddress.ip_address(host.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return hmac.digest(secret, f"filmgate identity\n{challenge}\n{ip} {port}".encode(), hashlib.sha256).hex()
