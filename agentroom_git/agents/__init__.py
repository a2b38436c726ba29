"""How agents are launched into their worktrees."""
