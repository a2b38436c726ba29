"""Programs that a repository can have git run, by kind: how it is planted, and a plain git command that runs it."""

import os
import pty
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

QUIET = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "commit.gpgSign=false")
"""For what the tests themselves do in a repository where programs are planted."""
SOUND = ("-c", "filter.process.process=")
"""For plain git, which dies of a filter process that does not answer, as the planted one."""
UNSIGNED = (*SOUND, "-c", "commit.gpgSign=false")


@dataclass(frozen=True)
class Ground:
    """A repository with a worktree in which programs are planted; each of them leaves a mark when it runs."""

    root: Path
    worktree: Path
    marks: Path

    def program(self, kind: str, then: str = "") -> str:
        """Make the program of a kind, to be named in a configuration or to be put in a folder of hooks."""
        path = self.marks.parent / "programs" / kind.replace(" ", "-")
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n: > '{self.marks}/{kind}'\n{then}\n")
        path.chmod(0o755)
        return str(path)

    def has_run(self, kind: str) -> bool:
        return (self.marks / kind).exists()

    def git(self, *arguments: str, cwd: Path | None = None, stdin: str = "", terminal: bool = False) -> None:
        """Run plain git, as an agent would; whether it succeeds does not matter."""
        env = {key: value for key, value in os.environ.items() if key not in ("GIT_EDITOR", "EDITOR", "GIT_PAGER")}
        where = cwd or self.worktree
        if not terminal:
            subprocess.run(["git", *arguments], cwd=where, env=env, input=stdin, text=True, capture_output=True)
            return
        env["TERM"] = "xterm"
        ours, theirs = pty.openpty()
        subprocess.run(["git", *arguments], cwd=where, env=env, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs)
        os.close(theirs)
        os.close(ours)

    def configure(self, settings: Mapping[str, str], file: Path | None = None) -> None:
        for key, value in settings.items():
            self.git(*QUIET, "config", "--file", str(file or self.root / ".git" / "config"), key, value)


Plant = Callable[[Ground, str], None]
Control = Callable[[Ground], None]


@dataclass(frozen=True)
class Kind:
    plant: Plant
    control: Control


def _runs(*arguments: str, **options: object) -> Control:
    return lambda ground: ground.git(*arguments, **options)  # type: ignore[arg-type]


def _setting(key: str, value: str = "{}", then: str = "", **more: str) -> Plant:
    def plant(ground: Ground, kind: str) -> None:
        ground.configure({key: value.format(ground.program(kind, then)), **more})

    return plant


def hook(name: str) -> Plant:
    def plant(ground: Ground, kind: str) -> None:
        program = Path(ground.program(kind))
        (ground.root / ".git" / "hooks").mkdir(exist_ok=True)
        program.rename(ground.root / ".git" / "hooks" / name)

    return plant


def _filter(name: str, use: str) -> Plant:
    return _setting(f"filter.{name}.{use}", then="exec cat" if use != "process" else "")


def _included(key: str, name: str) -> Plant:
    def plant(ground: Ground, kind: str) -> None:
        file = ground.marks.parent / f"included-{name}"
        ground.configure({f"filter.{name}.clean": ground.program(kind, "exec cat")}, file)
        ground.configure({key: str(file)})

    return plant


def _attributes(where: str, name: str) -> Plant:
    def plant(ground: Ground, kind: str) -> None:
        _filter(name, "clean")(ground, kind)
        file = ground.root / ".git" / where
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"*.{name} filter={name}\n")
        if where == "elsewhere":
            ground.configure({"core.attributesFile": str(file)})

    return plant


def _adds(suffix: str) -> Control:
    """Have git add a file of this suffix that has changed."""

    def control(ground: Ground) -> None:
        (ground.worktree / f"file.{suffix}").write_text(f"changed for {suffix}\n")
        ground.git("add", f"file.{suffix}")

    return control


def _differs(*arguments: str, terminal: bool = False) -> Control:
    def control(ground: Ground) -> None:
        for name in ("plain.txt", "file.driver", "file.converted"):
            (ground.worktree / name).write_text(f"changed for {arguments}\n")
        ground.git(*arguments, terminal=terminal)

    return control


def _merges(ground: Ground) -> None:
    ours, theirs = (_side(ground, text) for text in ("ours\n", "theirs\n"))
    ground.git("merge-tree", "--write-tree", ours, theirs)


def _side(ground: Ground, text: str) -> str:
    """Make a commit on top of HEAD in which the file with the merge driver has this text; return its id."""

    def out(*arguments: str, stdin: str = "") -> str:
        command = ["git", *QUIET, *arguments]
        done = subprocess.run(command, cwd=ground.worktree, input=stdin, text=True, capture_output=True, check=True)
        return done.stdout.rstrip("\n")

    blob = out("hash-object", "-w", "--stdin", stdin=text)
    lines = [line for line in out("ls-tree", "HEAD").split("\n") if not line.endswith("\tfile.merged")]
    tree = out("mktree", stdin="\n".join([*lines, f"100644 blob {blob}\tfile.merged"]) + "\n")
    return out("commit-tree", tree, "-p", "HEAD", "-m", text)


def _in_submodule(ground: Ground, kind: str) -> None:
    program = ground.program(kind)
    for config in (ground.root / ".git").glob("**/modules/sub/config"):
        ground.configure({"core.fsmonitor": program}, config)


def _embedded(ground: Ground, kind: str) -> None:
    """Plant a bare repository as a folder of the worktree: git takes it for the one to work in."""
    inner = ground.worktree / "inner"
    ground.git(*QUIET, "init", "--quiet", "--bare", str(inner))
    ground.configure({"core.fsmonitor": ground.program(kind), "core.worktree": str(inner)}, inner / "config")
    ground.configure({"core.bare": "false"}, inner / "config")


def _alternates(ground: Ground, kind: str) -> None:
    _setting("core.alternateRefsCommand")(ground, kind)
    (ground.root / ".git" / "objects" / "info" / "alternates").write_text(f"{remote(ground)}/objects\n")


def remote(ground: Ground) -> Path:
    return ground.marks.parent / "remote.git"


def _fetches(ground: Ground) -> None:
    ground.git("fetch", "--quiet", str(remote(ground)), "HEAD")


def _pushes(ground: Ground) -> None:
    ground.git("push", "--quiet", str(remote(ground)), "HEAD:refs/heads/pushed")


def _commits(*more: str) -> Control:
    return _runs(*UNSIGNED, "commit", "--allow-empty", "-m", "control", *more)


_CREDENTIAL = "protocol=https\nhost=planted.invalid\n\n"

KINDS: dict[str, Kind] = {
    "hook pre-commit": Kind(hook("pre-commit"), _commits()),
    "hook prepare-commit-msg": Kind(hook("prepare-commit-msg"), _commits()),
    "hook commit-msg": Kind(hook("commit-msg"), _commits()),
    "hook post-commit": Kind(hook("post-commit"), _commits()),
    "hook post-rewrite": Kind(hook("post-rewrite"), _commits("--amend")),
    "hook reference-transaction": Kind(
        hook("reference-transaction"), _runs("update-ref", "refs/heads/control", "HEAD")
    ),
    "hook post-index-change": Kind(hook("post-index-change"), _runs("read-tree", "HEAD")),
    "hook post-checkout": Kind(hook("post-checkout"), _runs(*SOUND, "checkout", "--quiet", "HEAD")),
    "hook pre-push": Kind(hook("pre-push"), _pushes),
    "filter clean": Kind(_filter("clean", "clean"), _adds("clean")),
    "filter smudge": Kind(_filter("smudge", "smudge"), _runs("checkout-index", "--force", "file.smudge")),
    "filter process": Kind(_filter("process", "process"), _adds("process")),
    "filter by a macro": Kind(_filter("macro", "clean"), _adds("macro")),
    "filter by info attributes": Kind(_attributes("info/attributes", "info"), _adds("info")),
    "filter by core.attributesFile": Kind(_attributes("elsewhere", "elsewhere"), _adds("elsewhere")),
    "include.path": Kind(_included("include.path", "included"), _adds("included")),
    "includeIf": Kind(_included("includeIf.gitdir:**.path", "conditional"), _adds("conditional")),
    "merge driver": Kind(_setting("merge.planted.driver"), _merges),
    "diff.external": Kind(_setting("diff.external"), _differs(*SOUND, "diff")),
    "diff driver": Kind(_setting("diff.planted.command"), _differs(*SOUND, "diff")),
    "diff textconv": Kind(
        _setting("diff.converted.textconv", then="cat $1"), _differs(*SOUND, "diff", "--no-ext-diff")
    ),
    "difftool": Kind(
        _setting("difftool.planted.cmd", **{"diff.tool": "planted"}), _differs("difftool", "-y", "plain.txt")
    ),
    "core.fsmonitor": Kind(_setting("core.fsmonitor"), _runs("status")),
    "core.fsmonitor of a submodule": Kind(_in_submodule, _runs("status")),
    "core.fsmonitor of a bare repository in a folder": Kind(
        _embedded, lambda ground: ground.git("status", cwd=ground.worktree / "inner")
    ),
    "core.editor": Kind(_setting("core.editor"), _runs(*UNSIGNED, "commit", "--amend", "--no-verify")),
    "sequence.editor": Kind(_setting("sequence.editor"), _runs(*UNSIGNED, "rebase", "-i", "--autostash", "HEAD~1")),
    "core.pager": Kind(_setting("core.pager", then="exec cat"), _runs("log", terminal=True)),
    "pager of one command": Kind(_setting("pager.branch", then="exec cat"), _runs("branch", terminal=True)),
    "interactive.diffFilter": Kind(
        _setting("interactive.diffFilter", then="exec cat"),
        _differs(*SOUND, "add", "--patch", "plain.txt", terminal=True),
    ),
    "core.sshCommand": Kind(_setting("core.sshCommand"), _runs("ls-remote", "ssh://planted.invalid/x")),
    "core.gitProxy": Kind(_setting("core.gitProxy"), _runs("ls-remote", "git://planted.invalid/x")),
    "protocol ext": Kind(
        _setting("remote.ext.url", "ext::{}", **{"protocol.ext.allow": "always"}), _runs("fetch", "ext")
    ),
    "remote helper of a partial clone": Kind(
        _setting(
            "remote.origin.url",
            "ext::{}",
            **{"remote.origin.promisor": "true", "extensions.partialClone": "origin", "protocol.ext.allow": "always"},
        ),
        _runs("cat-file", "-p", "0123456789012345678901234567890123456789"),
    ),
    "remote.uploadpack": Kind(
        lambda ground, kind: ground.configure(
            {"remote.up.url": str(remote(ground)), "remote.up.uploadpack": ground.program(kind)}
        ),
        _runs("fetch", "up"),
    ),
    "remote.receivepack": Kind(
        lambda ground, kind: ground.configure(
            {"remote.down.url": str(remote(ground)), "remote.down.receivepack": ground.program(kind)}
        ),
        _runs("push", "down", "HEAD:refs/heads/received"),
    ),
    "core.alternateRefsCommand": Kind(_alternates, _fetches),
    "credential.helper": Kind(_setting("credential.helper"), _runs("credential", "fill", stdin=_CREDENTIAL)),
    "core.askPass": Kind(_setting("core.askPass", then="echo x"), _runs("credential", "fill", stdin=_CREDENTIAL)),
    "gpg.program": Kind(
        _setting("gpg.program", **{"commit.gpgSign": "true"}), _runs(*SOUND, "commit", "--allow-empty", "-m", "signed")
    ),
    "alias": Kind(_setting("alias.planted", "!{}"), _runs("planted")),
    "trailer command": Kind(
        _setting("trailer.planted.cmd"), _runs("interpret-trailers", "--trailer", "planted:x", stdin="subject\n")
    ),
    "submodule.update": Kind(
        _setting("submodule.sub.update", "!{}", **{"submodule.sub.active": "true"}),
        _runs("submodule", "update", "--force"),
    ),
}

ATTRIBUTES = """\
[attr]bymacro filter=macro
*.clean filter=clean
*.smudge filter=smudge
*.process filter=process
*.macro bymacro
*.included filter=included
*.conditional filter=conditional
*.merged merge=planted
*.driver diff=planted
*.converted diff=converted
"""
SUFFIXES: Sequence[str] = (
    *("clean", "smudge", "process", "macro", "info", "elsewhere", "included", "conditional"),
    *("merged", "driver", "converted"),
)
