"""Signatures are those of Standard Webhooks, and secrets overlap when they are rotated."""

from __future__ import annotations

import time

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from filmgate.core.webhooks.sign import OVERLAP, Signing, encode_secret, sign

from .conftest import Post

BODY = '{"prompt":"a lighthouse \N{WAVE DASH}"}'.encode()


def test_the_reference_verifies_it():
    """The standard's own library takes a signature, and refuses it for another body, id, time or secret."""
    key, now = b"k" * 32, time.time()
    headers = sign("msg_1", now, BODY, [key])
    assert Webhook(encode_secret(key)).verify(BODY, headers)["prompt"]
    for wrong in (
        (BODY + b" ", headers, key),
        (BODY, headers | {"webhook-id": "msg_2"}, key),
        (BODY, headers | {"webhook-timestamp": str(int(now) + 1)}, key),
        (BODY, headers, b"j" * 32),
        (BODY, sign("msg_1", now - 600, BODY, [key]), key),
    ):
        with pytest.raises(WebhookVerificationError):
            Webhook(encode_secret(wrong[2])).verify(wrong[0], wrong[1])


def test_each_secret_has_its_signature():
    """Of two signatures a receiver with either secret finds its own."""
    keys = [b"a" * 32, b"b" * 32]
    headers = sign("msg_1", time.time(), BODY, keys)
    assert headers["webhook-signature"].count("v1,") == 2
    for key in keys:
        Webhook(encode_secret(key)).verify(BODY, headers)


async def test_an_application_has_one_secret_from_the_first_look(post: Post):
    """Looking makes it, looking again gives the same."""
    signing = Signing(post.ledger.webhooks, post.clock)
    (first,) = await signing.secrets("app-a")
    assert await signing.secrets("app-a") == [first]
    assert await signing.secrets("app-b") != [first]


async def test_a_rotated_secret_signs_for_a_day_more(post: Post):
    """The new secret comes first; the old one is there until its day is over."""
    signing = Signing(post.ledger.webhooks, post.clock)
    (old,) = await signing.secrets("app-a")
    new, former = await signing.rotate("app-a", at_once=False)
    assert (former.secret, former.ends_at, new.ends_at) == (old.secret, post.clock() + OVERLAP, None)
    post.clock.pass_by(OVERLAP - 1)
    assert await signing.secrets("app-a") == [new, former]
    post.clock.pass_by(1)
    assert await signing.secrets("app-a") == [new]


async def test_a_leaked_secret_ends_at_once(post: Post):
    """Rotated at once, no earlier secret signs any more, those of an earlier rotation neither."""
    signing = Signing(post.ledger.webhooks, post.clock)
    await signing.rotate("app-a", at_once=False)
    (only,) = await signing.rotate("app-a", at_once=True)
    assert await signing.secrets("app-a") == [only]


async def test_another_rotation_does_not_lengthen_a_day(post: Post):
    """Each secret ends a day after it was rotated out, and no more than five ever sign."""
    signing = Signing(post.ledger.webhooks, post.clock)
    await signing.secrets("app-a")
    end = post.clock() + OVERLAP
    await signing.rotate("app-a", at_once=False)
    post.clock.pass_by(60)
    found = await signing.rotate("app-a", at_once=False)
    assert [each.ends_at for each in found] == [None, end + 60, end]
    for _ in range(5):
        found = await signing.rotate("app-a", at_once=False)
    assert len(found) == 5
