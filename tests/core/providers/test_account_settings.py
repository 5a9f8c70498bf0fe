"""What an operator can say of an account."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from filmgate.domain.accounts import AccountSettings, account_settings


def test_what_is_not_known_is_left_to_the_dialect():
    """A table holds options of the account and of its type."""
    own, rest = account_settings({"base_url": "https://api.example.com/v1/", "poll": 2, "batch": 7})
    assert (own.base_url, own.poll, rest) == ("https://api.example.com/v1", 2, {"batch": 7})
    assert account_settings({}) == (AccountSettings(), {})


@pytest.mark.parametrize(
    ("table", "field"),
    [
        ({"base_url": "ftp://example.com"}, "base_url"),
        ({"poll": 0}, "poll"),
        ({"poll": "often"}, "poll"),
        ({"timeout": -1}, "timeout"),
        ({"submit_rate": -1}, "submit_rate"),
        ({"on_unknown": "guess"}, "on_unknown"),
        ({"idempotency_keys": "perhaps"}, "idempotency_keys"),
    ],
)
def test_a_value_that_cannot_be_is_named(table: dict[str, Any], field: str):
    """The error says which one it is."""
    with pytest.raises(ValueError, match=f"^{field}: "):
        account_settings(table)


def test_the_key_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch):
    """Spaces around it do not count, and it is not shown."""
    settings = AccountSettings(key_env="A_PROVIDERS_KEY")
    monkeypatch.setenv("A_PROVIDERS_KEY", "  secret\n")
    key = settings.key()
    assert key is not None
    assert key.get_secret_value() == "secret"
    assert "secret" not in f"{key!r} {settings!r}"


@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_key_that_is_not_in_the_environment_is_missed(monkeypatch: pytest.MonkeyPatch, value: str | None):
    """Nothing is sent without the key that the operator has named."""
    monkeypatch.delenv("A_PROVIDERS_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("A_PROVIDERS_KEY", value)
    with pytest.raises(ValueError, match="A_PROVIDERS_KEY that key_env names is empty"):
        AccountSettings(key_env="A_PROVIDERS_KEY").key()


def test_the_key_comes_from_a_file(tmp_path: Path):
    """A line break at its end does not count."""
    file = tmp_path / "key"
    file.write_text("secret\n")
    key = AccountSettings(key_file=file).key()
    assert key is not None
    assert key.get_secret_value() == "secret"


@pytest.mark.parametrize("data", [None, b"", b" \n", b"\xff\xfe"])
def test_a_key_that_is_not_in_its_file_is_missed(tmp_path: Path, data: bytes | None):
    """A file that is not there, is empty or is no text is an error that names it."""
    file = tmp_path / "key"
    if data is not None:
        file.write_bytes(data)
    with pytest.raises(ValueError, match=str(file)):
        AccountSettings(key_file=file).key()


def test_a_provider_may_need_no_key():
    """A server of models next door takes all."""
    assert AccountSettings().key() is None
