"""What .gitattributes says of a path, and git's own text conversion between a blob and the file in a worktree.

No program is ever run: a path whose attributes ask for a `filter` or a `working-tree-encoding` needs git itself.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pygit2
from pygit2.enums import BlobFilter, ConfigLevel, FilterMode, RepositoryOpenFlag
from pygit2.filter import FilterList

from agentroom_git.core.attributes import Attributes as MergeAttributes
from agentroom_git.git.repo import common_dir_of
from agentroom_git.git.tree_diff import EXECUTABLE, FILE

FILE_NAME = b".gitattributes"


@dataclass(frozen=True, slots=True)
class Attributes:
    """Each is None when unspecified, True when set, False when unset (`-text`), or its value."""

    filter: str | bool | None
    working_tree_encoding: str | bool | None
    text: str | bool | None
    eol: str | bool | None
    merge: str | bool | None
    binary: str | bool | None
    generated: str | bool | None


def read_attributes(repo: pygit2.Repository, path: bytes) -> Attributes:
    return Attributes(
        filter=repo.get_attr(path, "filter"),
        working_tree_encoding=repo.get_attr(path, "working-tree-encoding"),
        text=repo.get_attr(path, "text"),
        eol=repo.get_attr(path, "eol"),
        merge=repo.get_attr(path, "merge"),
        binary=repo.get_attr(path, "binary"),
        generated=repo.get_attr(path, "linguist-generated"),
    )


def needs_git(repo: pygit2.Repository, path: bytes) -> bool:
    """Whether only git can write the file, because a program or another encoding is asked for."""
    return any(isinstance(repo.get_attr(path, name), str) for name in ("filter", "working-tree-encoding"))


def for_merging(attributes: Attributes) -> MergeAttributes:
    """What of them says how two versions of a file are merged."""
    return MergeAttributes(attributes.merge, attributes.filter, attributes.generated)


def to_worktree(repo: pygit2.Repository, path: bytes, blob_id: str) -> bytes:
    """The bytes that git would write for this blob: line endings, `ident`. Raises KeyError for a missing blob."""
    blob = read_blob(repo, blob_id)
    data = blob.data
    filters = _filters(repo, path, FilterMode.TO_WORKTREE)
    if filters is None:
        return data
    if b"\0" not in data:
        return filters.apply_to_blob(blob)
    # FilterList returns C strings and so would cut the file at its first zero byte; the stream does not.
    name = path.decode("utf-8", "replace")
    with pygit2.BlobIO(blob, as_path=name, flags=BlobFilter(0)) as stream:
        return bytes(stream.read())


def to_blob(repo: pygit2.Repository, path: bytes, data: bytes) -> bytes:
    """The bytes that `git add` would store for a file with these bytes."""
    filters = _filters(repo, path, FilterMode.TO_ODB)
    # With a zero byte in it git takes the file for binary, unless its text attribute is forced: see is_clean.
    return data if filters is None or b"\0" in data else filters.apply_to_buffer(data)


def to_blob_id(repo: pygit2.Repository, path: bytes, data: bytes) -> str:
    """The id that `git add` would give to a file with these bytes."""
    return str(pygit2.hash(to_blob(repo, path, data)))


def is_clean(repo: pygit2.Repository, path: bytes, data: bytes, blob_id: str) -> bool:
    """Whether git would see a file with these bytes as unmodified against this blob."""
    return to_blob_id(repo, path, data) == blob_id or (b"\0" in data and to_worktree(repo, path, blob_id) == data)


def is_plain(repo: pygit2.Repository, paths: Iterable[bytes], is_indexed: Callable[[bytes], bool]) -> bool:
    """Whether nothing says anything of these paths, so that a file holds the bytes of its blob.

    False also where that would take long to find out.
    """
    config = repo.config
    if any(key in config and (config[key] or "") != "false" for key in _SETTINGS):
        return False
    work, info = Path(repo.workdir), common_dir_of(Path(repo.path)) / "info" / "attributes"
    if info.exists() or any(os.path.lexists(os.path.join(*place)) for place in _users_own()):
        return False
    files = {os.path.join(folder, FILE_NAME) for folder in _all_folders_above(paths)}
    return not any(is_indexed(file) or os.path.lexists(work / os.fsdecode(file)) for file in files)


# A name in another case may be an attributes file, too, where case is ignored.
_SETTINGS = ("core.autocrlf", "core.attributesfile", "core.ignorecase")


def _users_own() -> Iterator[tuple[str, str]]:
    """Yield where attributes for all repositories may be, as folder and name."""
    for level, name in ((ConfigLevel.XDG, "attributes"), (ConfigLevel.SYSTEM, "gitattributes")):
        for folder in pygit2.settings.search_path[level].split(os.pathsep):
            yield folder, name


def with_attributes_of(
    repo: pygit2.Repository, tree: pygit2.Tree, paths: Iterable[bytes], scratch: Path
) -> pygit2.Repository:
    """A view of the repository in which the .gitattributes files that concern these paths are those of `tree`.

    libgit2 reads attributes from a work tree before anything else, so `scratch`, a directory that does not exist yet,
    becomes one: its private git directory borrows the objects and the configuration of `repo`.
    """
    private, work = scratch / "git", scratch / "work"
    work.mkdir(parents=True)
    _make_git_dir(repo, private, work)
    (work / ".git").write_text(f"gitdir: {private}\n")
    for folder in _all_folders_above(paths):
        _copy_attributes(repo, tree, folder, work)
    return pygit2.Repository(str(work), RepositoryOpenFlag.NO_SEARCH)


def without_index(
    repo: pygit2.Repository, paths: Iterable[bytes], is_indexed: Callable[[bytes], bool], scratch: Path
) -> pygit2.Repository:
    """A view of the repository for attributes of these paths, for which libgit2 need not read the whole index.

    It would look there for a .gitattributes that the worktree lacks. Where there is one, or where the worktree has
    settings of its own, the view is `repo` itself. `scratch` is a directory that does not exist yet.
    """
    work = Path(repo.workdir)
    files = (os.path.join(folder, FILE_NAME) for folder in _all_folders_above(paths))
    if (Path(repo.path) / "config.worktree").exists() or any(
        is_indexed(file) and not os.path.lexists(work / os.fsdecode(file)) for file in files
    ):
        return repo
    _make_git_dir(repo, scratch, work)
    return pygit2.Repository(str(scratch))


def _make_git_dir(repo: pygit2.Repository, private: Path, work: Path) -> None:
    """Make a git directory for a work tree that borrows the objects and the configuration of `repo`."""
    private.mkdir(parents=True)
    (private / "HEAD").write_text("ref: refs/heads/none\n")
    (private / "commondir").write_text(f"{common_dir_of(Path(repo.path))}\n")
    (private / "gitdir").write_text(f"{work / '.git'}\n")


def _filters(repo: pygit2.Repository, path: bytes, mode: FilterMode) -> FilterList | None:
    return repo.load_filter_list(path, mode)  # type: ignore[arg-type]  # takes bytes too; a name need not be text


def _folders_above(path: bytes) -> list[bytes]:
    parts = path.split(b"/")[:-1]
    return [b"/".join(parts[:count]) for count in range(len(parts) + 1)]


def _all_folders_above(paths: Iterable[bytes]) -> set[bytes]:
    # Of the files of one folder one is enough.
    return {above for folder in {path.rpartition(b"/")[0] for path in paths} for above in _folders_above(folder + b"/")}


def _copy_attributes(repo: pygit2.Repository, tree: pygit2.Tree, folder: bytes, work: Path) -> None:
    path = os.path.join(folder, FILE_NAME)
    try:
        found = tree[os.fsdecode(path)]
    except KeyError:
        return
    if found.filemode in (FILE, EXECUTABLE) and isinstance(found, pygit2.Blob):
        target = work / os.fsdecode(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(found.data)


def read_blob(repo: pygit2.Repository, blob_id: str) -> pygit2.Blob:
    blob = repo[blob_id]
    if not isinstance(blob, pygit2.Blob):
        raise KeyError(blob_id)
    return blob
