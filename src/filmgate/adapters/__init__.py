"""Everything that touches the world. Adapters do not import one another."""
