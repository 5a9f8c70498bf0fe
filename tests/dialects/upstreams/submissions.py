"""What tests ask providers for."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

import httpx2
import pytest

from filmgate.domain.errors import EngineFailed
from filmgate.domain.failures import Failure
from filmgate.domain.generation import Generation, Reference, ReferenceKind
from filmgate.domain.states import FINAL
from filmgate.ports.provider import Input, Provider, ProviderError, Status, Submission, TaskRef

HOOK = "https://gate.example/hook/5e1f0c3a"

PICTURE = Reference(ReferenceKind.IMAGE, "media:a-picture")
CLIP = Reference(ReferenceKind.VIDEO, "media:a-clip")
TASK = Reference(ReferenceKind.TASK, "01a10000-0000-7000-8000-000000000000")


def submission(generation: Generation, model: str | None = None, **given: Any) -> Submission:
    """Ask for a generation, under a key of its own."""
    return Submission(secrets.token_hex(4), generation, model, **given)


def picture(address: str = "https://cdn.example/a.png") -> Input:
    """Return a picture by its address."""
    return Input(ReferenceKind.IMAGE, address=address)


def clip(address: str = "https://cdn.example/v.mp4") -> Input:
    """Return a foreign video by its address."""
    return Input(ReferenceKind.VIDEO, address=address)


def earlier(task_id: str = "earlier-1") -> Input:
    """Return an earlier task of the same account."""
    return Input(ReferenceKind.TASK, earlier=TaskRef(task_id))


async def refused(provider: Provider, asked_for: Submission) -> Failure:
    """Submit what is answered with a verdict, and give it."""
    with pytest.raises(EngineFailed) as caught:
        await provider.submit(asked_for)
    return caught.value.failure


async def troubled(provider: Provider, asked_for: Submission) -> ProviderError:
    """Submit what meets trouble, and give it."""
    with pytest.raises(ProviderError) as caught:
        await provider.submit(asked_for)
    return caught.value


async def ended(provider: Provider, receipt: TaskRef) -> Status:
    """Ask until a task has ended, and give its last report."""
    async with asyncio.timeout(60):
        while True:
            (report,) = await provider.query([receipt.id])
            if report.state in FINAL:
                return report
            await asyncio.sleep(0.05)


def fetched(provider: Provider, link: str) -> bytes:
    """Fetch a file that a provider made, as its line says."""
    url, headers = provider.line.address(link)
    answer = httpx2.get(url, headers=dict(headers))
    assert answer.status_code == 200, answer.text
    return answer.content
