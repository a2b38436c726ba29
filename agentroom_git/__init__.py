"""A room for coding agents, built out of git: worktrees, a fold, claims and broadcasts as refs and notes."""

__version__ = "0.1.0"
