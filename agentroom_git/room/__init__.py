"""Use cases: what the command line, the MCP server, the sidecar and the hooks call."""
