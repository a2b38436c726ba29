"""The command line: each command parses, calls a use case, renders."""
