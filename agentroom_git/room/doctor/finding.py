"""What the doctor found."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. A `notice` needs no action now; a `problem` always names its remedy."""

    level: Literal["ok", "notice", "problem"]
    text: str
    remedy: str = ""
