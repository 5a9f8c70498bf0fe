"""Renderers: OpenGL, and one that needs none."""
