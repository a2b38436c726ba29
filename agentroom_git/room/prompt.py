"""The collaboration prompt: one short text for every agent, in `templates/prompt.md`.

Its first paragraph is the rule, which has to stand alone: one client shows its model no more than 240 characters.
"""

from agentroom_git.resources import templates_dir

FILE_NAME = "prompt.md"
MAX_RULE = 240


def instructions() -> str:
    """Return the whole prompt, the rule first."""
    return (templates_dir() / FILE_NAME).read_text("utf-8").strip()


def rule() -> str:
    """Return the rule: the prompt's first paragraph, on one line."""
    return " ".join(instructions().split("\n\n", 1)[0].split())
