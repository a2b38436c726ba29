"""The door to the repository; the only importer of pygit2."""
