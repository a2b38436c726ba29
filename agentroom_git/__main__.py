"""`python -m agentroom_git` is the `agentroom` command."""

from agentroom_git.cli.entry import main

if __name__ == "__main__":
    main()
