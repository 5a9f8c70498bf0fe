"""What owners do about webhooks from the command line."""

from __future__ import annotations

import json

import pytest
from standardwebhooks import Webhook

from tests.cli.cli import in_terminal
from tests.service.conftest import client, submit
from tests.service.receiver import receiver
from tests.support.processes import until
from tests.support.service import RunningService

pytestmark = pytest.mark.xdist_group("cli-callbacks")

NOBODY = "msg_0195b5f6-0000-7000-8000-000000000000_failed"


def told(service: RunningService, task: str, *statuses: str) -> None:
    """Wait until one of these has become of the webhook of a task."""
    with client(service) as http:
        until(lambda: http.get(f"/api/v1/webhooks/{task}").json().get("status"), lambda found: found in statuses)


def test_callbacks_are_listed_shown_and_sent_again(service: RunningService):
    """The list has a line for each webhook, showing one tells of its deliveries, and it can be sent again."""
    with receiver(410) as hook, client(service) as http:
        task = submit(http, "[fail]", callback_url=f"{hook.url}/hook?token=x")
        told(service, task, "failed")
        listed = service.run("webhooks", "list", "--task", task, "--status", "failed")
        name, *rest = listed.stdout.rstrip("\n").split("\t")
        assert (listed.returncode, name) == (0, f"msg_{task}_failed")
        assert rest == ["failed", "1", "-", "410", "answered 410: the receiver wants to hear no more of this"]
        shown = service.run("webhooks", "show", name)
        assert shown.returncode == 0
        assert f"address     {hook.url}/hook\n" in shown.stdout
        assert "answered 410 after" in shown.stdout
        sent = service.run("webhooks", "resend", name)
        assert (sent.returncode, sent.stdout) == (0, f"{name} is sent again\n")
        assert [hook.posts.get(timeout=30).headers["webhook-id"] for _ in range(2)] == [name] * 2
        told(service, task, "delivered")
    document = json.loads(service.run("webhooks", "show", task, "--json").stdout)
    assert (document["status"], [each["answer"] for each in document["deliveries"]]) == ("delivered", [410, 200])
    page = json.loads(service.run("webhooks", "list", "--task", task, "--json").stdout)
    assert (page["total"], page["webhooks"][0]["id"]) == (1, name)


def test_a_list_in_a_terminal(service: RunningService):
    """In a terminal the list is a table, and says how many there are."""
    with receiver() as hook, client(service) as http:
        task = submit(http, "[fail]", callback_url=hook.url)
        told(service, task, "delivered")
    code, shown = in_terminal(service, "webhooks", "list", "--task", task)
    assert code == 0
    assert f"msg_{task}_failed" in shown
    assert "1 of 1" in shown


def test_some_of_several_cannot_be_sent_again(service: RunningService):
    """Those that can are sent; each other is named, and the exit code says that there were some."""
    with receiver() as hook, client(service) as http:
        task = submit(http, "[fail]", callback_url=hook.url)
        told(service, task, "delivered")
        done = service.run("webhooks", "resend", NOBODY, task)
        assert (done.returncode, done.stdout) == (1, f"msg_{task}_failed is sent again\n")
        assert done.stderr == f"filmgate: {NOBODY}: there is no such webhook\n"
        hook.posts.get(timeout=30)
        hook.posts.get(timeout=30)


def test_the_secret_is_shown_and_rotated(service: RunningService):
    """What is printed verifies webhooks; rotated, the old secret has its end behind it; at once, it is gone."""
    # Other tests of this service may have rotated before: the first is the one in use.
    old = service.run("webhooks", "secret", "show").stdout.split()[0]
    with receiver() as hook, client(service) as http:
        submit(http, "[fail]", callback_url=hook.url)
        post = hook.posts.get(timeout=30)
    Webhook(old).verify(post.body, post.headers)
    new, former, *_ = service.run("webhooks", "secret", "rotate").stdout.splitlines()
    assert former.startswith(f"{old}\tuntil 20")
    refused = service.run("webhooks", "secret", "rotate", "--at-once")
    assert (refused.returncode, refused.stdout) == (2, "")
    document = json.loads(service.run("webhooks", "secret", "rotate", "--at-once", "--yes", "--json").stdout)
    assert [each["ends_at"] for each in document["secrets"]] == [None]
    assert document["secrets"][0]["secret"] not in (old, new)
