"""The sidecar: the loop that folds commits and syncs worktrees, and its lifecycle."""
