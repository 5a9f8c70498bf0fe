"""The built-in engine: procedural scenes rendered on the CPU or any GPU, for drafts without a key."""

from filmgate.adapters.engines.studio.engine import StudioEngine

__all__ = ["StudioEngine"]
