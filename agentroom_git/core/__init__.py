"""Pure values and decisions: no git, files, clock, environment or threads."""
