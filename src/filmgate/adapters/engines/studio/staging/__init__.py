"""Which subjects are in a scene, where they stand and what they do."""
