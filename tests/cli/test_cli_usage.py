"""`filmgate usage` and `filmgate limits`: what was used, and what may be."""

from __future__ import annotations

import json

from tests.support.service import RunningService


def tenant(service: RunningService, name: str) -> str:
    """Make a key of a new application."""
    return service.run("keys", "create", "--name", name, "--application", name).stdout.strip()


def test_usage_tells_what_was_used(service: RunningService):
    """The numbers of the key's application, for people and for programs; the days may be chosen."""
    key = tenant(service, "usage")
    for prompt in ("x", "[fail=moderated]"):
        service.run("generate", prompt, "--duration", "1", "--wait", FILMGATE_API_KEY=key)
    told = service.run("usage", FILMGATE_API_KEY=key)
    assert told.returncode == 0, told.stderr
    words = dict(line.split(maxsplit=1) for line in told.stdout.splitlines()[1:] if not line.startswith(" "))
    assert (words["submitted"], words["completed"], words["failed"]) == ("2", "1", "1")
    assert "1 moderated" in told.stdout
    document = json.loads(service.run("usage", "--json", FILMGATE_API_KEY=key).stdout)
    assert (document["total"]["credits"], document["now"]["application"]) == (1, "usage")
    nothing = json.loads(
        service.run("usage", "--json", "--since", "2020-01-01", "--until", "2020-12-31", FILMGATE_API_KEY=key).stdout
    )
    assert nothing["total"]["submitted"] == 0
    wrong = service.run("usage", "--since", "monday", FILMGATE_API_KEY=key)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "since must be a day" in wrong.stderr


def test_usage_of_all(service: RunningService):
    """An operator sees every application on a line of its own."""
    tenant(service, "idle")
    lines = service.run("usage", "--all").stdout.splitlines()
    assert "idle\t0\t0\t0\t0\t0.0\t0.0 kB\t0.0 kB\t0\t-" in lines


def test_limits_are_set_and_shown(service: RunningService):
    """Rules are set by the application's name, and given up one by one; the rest stays."""
    key = tenant(service, "limited one")
    done = service.run("limits", "set", "limited one", "--credits", "2", "--per", "total", "--media-days", "7")
    assert done.returncode == 0, done.stderr
    assert (
        done.stdout
        == "limited one\tno limit\t7 days\tall\t2 per total\t2 of 2 left\tmedia_days, credits, credits_per\n"
    )
    refused = service.run("generate", "x", FILMGATE_API_KEY=key)
    assert refused.returncode == 1
    assert "Insufficient credits: this costs 5, and 2 of 2 are left." in refused.stderr
    assert "filmgate usage" in refused.stderr
    service.run("limits", "set", "limited one", "--default", "credits", "--default", "credits_per")
    found = json.loads(service.run("limits", "show", "--json").stdout)["applications"]
    (own,) = [each["own"] for each in found if each["application"] == "limited one"]
    assert own == {"task_days": None, "media_days": 7, "media_bytes": None, "credits": None, "credits_per": None}


def test_limits_that_cannot_be_set(service: RunningService):
    """Nothing to set, no such rule, and no such application are said."""
    for arguments, code in (
        (("default",), 2),
        (("default", "--default", "colour"), 2),
        (("nobody", "--credits", "1"), 1),
    ):
        done = service.run("limits", "set", *arguments)
        assert done.returncode == code, done.stderr
        assert done.stderr.startswith("filmgate: ")
