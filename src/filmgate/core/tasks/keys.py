"""API keys: how one looks, and how it is kept."""

from __future__ import annotations

import hashlib
import re
import secrets
import string
import zlib

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM, _CHECK = 30, 6
_SHAPE = re.compile(rf"fg_[0-9A-Za-z]{{{_RANDOM + _CHECK}}}")


def new_key() -> str:
    """Make a key: `fg_`, 30 random base62 characters (178 bits), and 6 that are the CRC-32 of those 30."""
    body = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))
    return f"fg_{body}{_checksum(body)}"


def plausible(key: str) -> bool:
    """Return whether a key can be one, by its form alone."""
    return _SHAPE.fullmatch(key) is not None and _checksum(key[3:-_CHECK]) == key[-_CHECK:]


def digest(key: bytes) -> bytes:
    """Return the stored form of a key: its SHA-256. The keys are random, so nothing slower is needed."""
    return hashlib.sha256(key).digest()


def _checksum(body: str) -> str:
    value, letters = zlib.crc32(body.encode()), ""
    for _ in range(_CHECK):
        value, place = divmod(value, len(_ALPHABET))
        letters = _ALPHABET[place] + letters
    return letters
