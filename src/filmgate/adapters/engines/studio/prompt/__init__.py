"""The words of a prompt, and the scene that they ask for."""
