"""Which files a shell command would write, as far as its text tells.

A help, not a barrier: a program may write anything. What is seen are redirections, the usual file commands, in-place
`sed`, and git commands that take uncommitted work away. A command that cannot be taken apart counts as writing nothing.
"""

import posixpath
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MAX_LENGTH = 100_000
_SEPARATORS = frozenset({";", "&&", "||", "|", "&", "(", ")", "|&", ";;", "\n"})
_WRAPPERS = frozenset({"sudo", "env", "command", "nohup", "time", "exec", "builtin", "nice", "stdbuf"})
_NOWHERE = frozenset({"/dev/null", "/dev/stdout", "/dev/stderr", "/dev/tty", "-"})
_GIT_VALUED = frozenset({"-C", "-c", "--git-dir", "--work-tree", "--namespace"})


@dataclass(frozen=True, slots=True)
class Writes:
    """`paths` are relative to where the command runs, or absolute; `sweeps` are commands that drop work of any path."""

    paths: tuple[str, ...] = ()
    sweeps: tuple[str, ...] = ()


def find_writes(command: str) -> Writes:
    """Return what the command line would write."""
    if len(command) > MAX_LENGTH:
        return Writes()
    paths: list[str] = []
    sweeps: list[str] = []
    folder = ""
    for words in _simple_commands(command):
        arguments, targets = _take_redirections(words)
        arguments = _unwrap(arguments)
        found, swept = _written_by(arguments) if arguments else ([], "")
        paths += [posixpath.join(folder, path) for path in (*targets, *found) if path not in _NOWHERE]
        sweeps += [swept] if swept else []
        if arguments[:1] == ["cd"] and len(arguments) == 2:
            folder = posixpath.join(folder, arguments[1])
    return Writes(tuple(dict.fromkeys(posixpath.normpath(path) for path in paths)), tuple(dict.fromkeys(sweeps)))


def _simple_commands(command: str) -> Iterator[list[str]]:
    lexer = shlex.shlex(command, posix=True, punctuation_chars=";&|()<>\n")
    lexer.whitespace = " \t\r"
    lexer.whitespace_split = True
    lexer.commenters = ""
    words: list[str] = []
    try:
        for word in lexer:
            if word in _SEPARATORS or set(word) == {"\n"}:
                yield words
                words = []
            else:
                words.append(word)
    except ValueError:
        return
    yield words


def _take_redirections(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the words without redirections, and the files that output is redirected to."""
    rest: list[str] = []
    targets: list[str] = []
    index = 0
    while index < len(words):
        word = words[index]
        if not set(word) <= set("<>&|") or not set(word) & set("<>"):
            rest.append(word)
            index += 1
            continue
        following = words[index + 1] if index + 1 < len(words) else ""
        is_output = ">" in word and not word.startswith("<")
        if is_output and following and not (word.endswith("&") and following.isdigit()):
            targets.append(following)
        if rest and rest[-1].isdigit():
            rest.pop()
        index += 2
    return rest, targets


def _unwrap(words: list[str]) -> list[str]:
    """Drop variable assignments and commands that only run another one."""
    index = 0
    while index < len(words):
        name, equals, _ = words[index].partition("=")
        is_assignment = bool(equals) and name.isidentifier()
        is_option = index > 0 and words[index].startswith("-")
        if not (is_assignment or is_option or words[index] in _WRAPPERS):
            break
        index += 1
    return words[index:]


def _written_by(words: list[str]) -> tuple[list[str], str]:
    program, arguments = posixpath.basename(words[0]), words[1:]
    plain = [word for word in arguments if not word.startswith("-")]
    if program == "git":
        return _written_by_git(arguments)
    if program in ("rm", "mv", "tee", "touch", "truncate", "unlink", "shred"):
        return plain, ""
    if program in ("cp", "ln", "install", "rsync"):
        return plain[-1:] if len(plain) > 1 else [], ""
    if program in ("sed", "perl", "gsed") and _is_in_place(program, arguments):
        has_script = any(word in ("-e", "-f") or word.startswith("--expression") for word in arguments)
        return (_after_options(arguments) if has_script else plain[1:]), ""
    if program == "dd":
        return [word[3:] for word in arguments if word.startswith("of=")], ""
    return [], ""


def _is_in_place(program: str, arguments: Sequence[str]) -> bool:
    if program == "perl":
        return any(word.startswith("-") and not word.startswith("--") and "i" in word for word in arguments)
    return any(word.startswith(("-i", "--in-place")) or _bundles_i(word) for word in arguments)


def _bundles_i(word: str) -> bool:
    return word.startswith("-") and not word.startswith("--") and "i" in word[1:3]


def _after_options(arguments: Sequence[str]) -> list[str]:
    rest: list[str] = []
    skip = False
    for word in arguments:
        if skip:
            skip = False
        elif word in ("-e", "-f"):
            skip = True
        elif not word.startswith("-"):
            rest.append(word)
    return rest


def _written_by_git(arguments: list[str]) -> tuple[list[str], str]:
    folder = ""
    index = 0
    while index < len(arguments) and arguments[index].startswith("-"):
        if arguments[index] == "-C" and index + 1 < len(arguments):
            folder = posixpath.join(folder, arguments[index + 1])
        index += 2 if arguments[index] in _GIT_VALUED else 1
    verb, rest = (arguments[index], arguments[index + 1 :]) if index < len(arguments) else ("", [])
    paths, sweep = _git_verb(verb, rest)
    return [posixpath.join(folder, path) for path in paths], sweep


def _git_verb(verb: str, rest: list[str]) -> tuple[list[str], str]:
    plain = [word for word in rest if not word.startswith("-")]
    if verb == "reset" and "--hard" in rest:
        return [], "git reset --hard"
    if verb == "clean" and not {"-n", "--dry-run"} & set(rest):
        return [], "git clean"
    if verb == "stash" and (not plain or plain[0] in ("push", "save")):
        return [], "git stash"
    if verb == "checkout":
        return (rest[rest.index("--") + 1 :] if "--" in rest else []), "git checkout -f" if "-f" in rest else ""
    if verb == "restore":
        return ([] if "--staged" in rest and "--worktree" not in rest else plain), ""
    return (plain if verb in ("rm", "mv") else []), ""
