"""`filmgate mcp`: the service over standard input and output."""
