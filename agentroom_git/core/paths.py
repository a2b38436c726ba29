"""Which repository paths may be written into a worktree.

Git stores names that a file system may read as something else: `.git` in another case or NTFS or HFS+ spelling, or a
way out of the tree. `git mktree` accepts them all and pygit2 checks some of them out, so every path is judged here
before anything is written. The rules are git's own (`verify_path`, `is_ntfs_dotgit`, `is_hfs_dotgit`), applied on every
platform. Control characters and backslashes are legal names in git and harmless to write on POSIX; they pass, unless a
backslash read as a separator would give a refused component.
"""

import re
from functools import lru_cache

MAX_COMPONENT_BYTES = 255
MAX_PATH_BYTES = 4096

_DOT_GIT_NAMES = frozenset({b".git", b"git~1"})  # git~1 is the short name that NTFS gives to .git
# Characters that HFS+ ignores when it compares names.
_HFS_IGNORED = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")


def is_safe_path(path: bytes) -> bool:
    """True if writing `path` below a worktree's root stays in the worktree and outside git's own directory."""
    if not path or len(path) > MAX_PATH_BYTES or b"\0" in path:
        return False
    return all(_is_safe_component(component) for component in path.split(b"/"))


@lru_cache(maxsize=4096)
def _is_safe_component(component: bytes) -> bool:
    if not component or len(component) > MAX_COMPONENT_BYTES:
        return False
    return not any(_is_reserved(piece) for piece in component.split(b"\\"))


def _is_reserved(name: bytes) -> bool:
    return name in (b".", b"..") or _is_ntfs_dot_git(name) or _is_hfs_dot_git(name)


def _is_ntfs_dot_git(name: bytes) -> bool:
    # NTFS drops trailing dots and spaces; what follows a colon names a stream of the same file.
    return name.split(b":", 1)[0].rstrip(b". ").lower() in _DOT_GIT_NAMES


def _is_hfs_dot_git(name: bytes) -> bool:
    text = _HFS_IGNORED.sub("", name.decode("utf-8", "surrogateescape")).casefold()
    return _is_ntfs_dot_git(text.encode("utf-8", "surrogateescape"))
