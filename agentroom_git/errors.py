"""The one base error. Concrete errors live beside the code that raises them.

An error states facts (names, ids, paths); the hint says what the reader can do next. Front ends print both on one
line each and exit with `exit_code`; nothing else in the program decides exit codes.
"""


class AgentroomError(Exception):
    """Something the user or agent can understand and act on."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} (hint: {self.hint})" if self.hint else self.message


class UsageError(AgentroomError):
    """The request or the configuration is wrong: nothing was changed."""

    exit_code = 2
