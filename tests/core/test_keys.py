"""API keys."""

from __future__ import annotations

from filmgate.core.tasks.keys import digest, new_key, plausible


def test_a_key_has_its_published_shape() -> None:
    """A key is `fg_`, 30 base62 characters and 6 of checksum, and no two are alike."""
    keys = {new_key() for _ in range(200)}
    assert len(keys) == 200
    assert all(key.startswith("fg_") and len(key) == 39 and key[3:].isalnum() for key in keys)
    assert all(plausible(key) for key in keys)


def test_a_mistyped_key_is_seen_without_a_look_up() -> None:
    """One wrong character makes the checksum wrong."""
    key = new_key()
    wrong = key[:10] + ("a" if key[10] != "a" else "b") + key[11:]
    assert not plausible(wrong)
    assert not plausible(key + "0")
    assert not plausible("sk-" + key)


def test_what_is_kept_does_not_show_the_key() -> None:
    """A digest has 32 bytes and nothing of the key."""
    key = new_key().encode()
    assert len(digest(key)) == 32
    assert key not in digest(key)
