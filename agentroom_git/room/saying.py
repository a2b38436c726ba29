"""What any text has to pass before it is written down: not empty, not too long, no secret."""

from agentroom_git.errors import UsageError
from agentroom_git.room.secrets import refuse_secrets


def checked(text: str, what: str, limit: int, *, may_be_empty: bool = False) -> str:
    """Return the text as it is; raise `UsageError` where it cannot be said.

    Nothing is refused for what it looks like: control characters and the like are spelled out where it is shown.
    """
    if not text.strip() and not may_be_empty:
        raise UsageError(f"{what} is empty", hint="say what the others need to know")
    if len(text) > limit:
        raise UsageError(f"{what} has {len(text)} characters, at most {limit}", hint="put the rest into a file")
    refuse_secrets(text, what)
    return text
