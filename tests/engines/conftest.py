"""What the studio's tests share: one worker, and a few clips that are made once and looked at often."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from filmgate.adapters.engines.studio import StudioEngine
from filmgate.ports.engine import Product
from tests.engines.shop import Shop, clip


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    """A shop whose engine has one slot and so one worker, which is used again by all tests."""
    engine = StudioEngine()
    yield Shop(engine, tmp_path_factory.mktemp("shop"))
    await engine.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def ink(shop: Shop) -> Product:
    """A clip of the scene that is drawn fastest."""
    return await shop.make("grumpy pink ink, camera pans left")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def longer(shop: Shop, ink: Product) -> Product:
    """The same clip, extended once; the size that is asked for is not its own."""
    return await shop.make(
        "with more dolphins", start=clip(ink), aspect_ratio="1:1", resolution="720p", concepts=("zoom_in",)
    )


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def tall(shop: Shop, ink: Product) -> Product:
    """The same clip, framed anew in another shape, with no resolution asked for."""
    return await shop.make("", start=clip(ink), named="reframe", aspect_ratio="9:16", resolution=None)
