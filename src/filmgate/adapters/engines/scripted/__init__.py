"""The scripted engine: does what the prompt says, for people who test against Filmgate."""

from filmgate.adapters.engines.scripted.engine import ScriptedEngine

__all__ = ["ScriptedEngine"]
