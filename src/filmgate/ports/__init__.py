"""What the core needs from the world, as protocols. Imports the domain only."""
