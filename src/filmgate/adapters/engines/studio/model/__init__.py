"""Scenes and what is in them: places, subjects, cameras, light, palettes."""
