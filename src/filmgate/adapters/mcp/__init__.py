"""The MCP server: what agents make, follow and find videos with, at `/mcp`."""

from filmgate.adapters.dialects.acedata.responses import HOOK as WEBHOOK
from filmgate.adapters.mcp.endpoint import PATH, McpEndpoint, write_error
from filmgate.adapters.mcp.handlers import NAME

__all__ = ["NAME", "PATH", "WEBHOOK", "McpEndpoint", "write_error"]
