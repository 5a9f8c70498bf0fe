"""Ways to get due work to whoever does it."""
