"""The MCP server: tools that call the room's use cases and return their values."""
