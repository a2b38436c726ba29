"""Three-way merge of whole trees, path by path; only what both sides changed reaches the text merge.

No input stops it: what cannot be merged as text (binary, links, submodules, other types, very large files, a path that
no worktree would take) takes one side whole, and the other side is kept in a contested record.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cache, partial

from agentroom_git.core import attributes
from agentroom_git.core.attributes import Attributes
from agentroom_git.core.authors import Author
from agentroom_git.core.content import LARGE, MAX_TEXT, merge_contents
from agentroom_git.core.contested import Contested, Entry, record_id
from agentroom_git.core.ids import AgentName, Oid
from agentroom_git.core.objects import FILE, LINK, REGULAR, SUBMODULE, Changes, Objects
from agentroom_git.core.pairing import find_fallen, find_pairs, find_splits, find_twins
from agentroom_git.core.paths import is_safe_path
from agentroom_git.core.regions import Region, Side


@dataclass(frozen=True, slots=True)
class Voice:
    """One head of a side: who speaks, from which tree, with how many commits, under which claims (path and token)."""

    agent: AgentName
    id: str
    weight: int
    tree: Oid
    tokens: tuple[tuple[str, int], ...] = ()

    def token_for(self, path: bytes) -> int:
        text = path.decode("utf-8", "surrogateescape")
        return max((n for claimed, n in self.tokens if text == claimed or text.startswith(claimed + "/")), default=0)


@dataclass(frozen=True, slots=True)
class Party:
    """One side of a merge: its tree, and the heads that made it what it is."""

    tree: Oid
    voices: tuple[Voice, ...]


@dataclass(frozen=True, slots=True)
class TreeMerge:
    tree: Oid
    contested: tuple[Contested, ...]


@dataclass(slots=True)
class _Merge:
    objects: Objects
    base: Oid | None
    ours: Party
    theirs: Party
    edits: dict[bytes, Entry | None] = field(default_factory=dict)
    contested: list[Contested] = field(default_factory=list)


def merge_trees(
    objects: Objects, base: Oid | None, ours: Party, theirs: Party, doubtful: Collection[bytes] | None = None
) -> TreeMerge:
    """Return the merge of two trees over a base (None: the empty tree), and a record of everything that lost.

    `doubtful` is given where the base is itself a merge of several commits, with the paths that were contested in it.
    What such a base says of a line may be what no commit says. So what comes back although one side deleted it is
    recorded, and of the doubtful paths what is dropped.
    """
    if ours.tree == theirs.tree or (theirs.tree == base and not doubtful):
        return TreeMerge(ours.tree, ())
    if ours.tree == base and not doubtful:
        return TreeMerge(theirs.tree, ())
    merge = _Merge(objects, base, ours, theirs)
    our_changes, their_changes = objects.changes(base, ours.tree), objects.changes(base, theirs.tree)
    renames = [cache(partial(objects.renames, base, side.tree)) for side in (ours, theirs)]
    for pair in find_pairs(our_changes, their_changes, renames[0], renames[1]):
        if pair.left is not None:
            merge.edits |= {pair.left: None, pair.path: pair.ours}
        _merge_path(merge, pair.path, pair.old, pair.ours, pair.theirs)
    for split in find_splits(our_changes, their_changes, renames[0], renames[1]):
        found = (our_changes[split.ours][1], their_changes[split.theirs][1])
        old, names = our_changes[split.path][0], (split.ours, split.theirs)
        _record_both(merge, split.path, "rename/rename", old, *found, names=names)
    for fallen in find_fallen(our_changes, their_changes, renames[0], renames[1]):
        found = (our_changes.get(fallen.name, (None, None))[1], their_changes.get(fallen.name, (None, None))[1])
        winner = 0 if fallen.is_ours else 1
        _keep(merge, fallen.name, "rename/delete", our_changes[fallen.path][0], *found, winner=winner)
    for mine, other in find_twins(our_changes, their_changes):
        found = (our_changes[mine][1], their_changes[other][1])
        _record_both(merge, min(mine, other), "twins", None, *found, names=(mine, other))
    _separate_folders(merge, our_changes)
    tree = objects.write_tree(ours.tree, merge.edits) if merge.edits else ours.tree
    if doubtful is not None:
        both = {*doubtful, *our_changes.keys() & their_changes.keys()}
        for path in sorted(both - {record.path for record in merge.contested}):
            _record_doubt(merge, path, tree, path in doubtful)
    return TreeMerge(tree, tuple(merge.contested))


def _merge_path(merge: _Merge, path: bytes, old: Entry | None, ours: Entry | None, theirs: Entry | None) -> None:
    if not is_safe_path(path):
        _keep(merge, path, "unsafe", old, ours, theirs, winner=0)
    elif ours == old:
        merge.edits[path] = theirs
    elif theirs != old:
        _merge_both(merge, path, old, ours, theirs)


def _merge_both(merge: _Merge, path: bytes, old: Entry | None, ours: Entry | None, theirs: Entry | None) -> None:
    if ours is None or theirs is None:
        winner = 1 if ours is None else 0
        _keep(merge, path, "modify/delete", old, ours, theirs, winner)
        return
    mode = _merge_mode(old, ours, theirs)
    if ours.id == theirs.id and mode is not None:
        merge.edits[path] = Entry(ours.id, mode)
    elif mode is None or (old is not None and old.mode not in REGULAR):
        _keep(merge, path, _kind_of_type(ours, theirs), old, ours, theirs)
    elif old is None:
        _keep(merge, path, "add/add", old, ours, theirs)
    else:
        _merge_content(merge, path, old, ours, theirs, mode)


def _kind_of_type(ours: Entry, theirs: Entry) -> str:
    return {LINK: "symlink", SUBMODULE: "submodule"}.get(ours.mode, "type") if ours.mode == theirs.mode else "type"


def _merge_mode(old: Entry | None, ours: Entry, theirs: Entry) -> int | None:
    """Return the mode of two regular files, or None where they are not both regular. Executable wins a disagreement."""
    if ours.mode not in REGULAR or theirs.mode not in REGULAR:
        return None
    if old is not None and old.mode == ours.mode:
        return theirs.mode
    if old is not None and old.mode == theirs.mode:
        return ours.mode
    return max(ours.mode, theirs.mode)


def _merge_content(merge: _Merge, path: bytes, old: Entry, ours: Entry, theirs: Entry, mode: int) -> None:
    objects = merge.objects
    if old.id == ours.id or old.id == theirs.id:
        merge.edits[path] = Entry(theirs.id if old.id == ours.id else ours.id, mode)
        return
    # A very large file is told by its size, before it is read.
    if any(objects.blob_size(entry.id) > MAX_TEXT for entry in (old, ours, theirs)):
        _keep(merge, path, LARGE, old, ours, theirs)
        return
    texts = [objects.blob(entry.id) for entry in (old, ours, theirs)]
    sides = [_side(merge, merge.ours, path, ours, texts[1]), _side(merge, merge.theirs, path, theirs, texts[2])]
    result = merge_contents(
        path.decode("utf-8", "replace"), texts[0], sides, objects.line_diff, _attributes(merge, path)
    )
    if result.text is None:
        _keep(merge, path, result.kind, old, ours, theirs)
        return
    merge.edits[path] = Entry(objects.write_blob(result.text), mode)
    regions = [region for region in result.regions if region.is_contested or region.needs_look]
    merge.contested.extend(_region(objects, path, region) for region in regions)
    if result.is_broken:
        # As git would merge it; it just does not parse any more.
        _record_both(merge, path, "parse", old, ours, theirs, step="clean")


def _attributes(merge: _Merge, path: bytes) -> Attributes:
    """Return what the three trees together say of the path."""
    found = [
        attributes.find_attributes(_attribute_files(merge.objects, tree, path), path)
        for tree in (merge.base, merge.ours.tree, merge.theirs.tree)
    ]
    return attributes.merge_attributes(*found)


def _attribute_files(objects: Objects, tree: Oid | None, path: bytes) -> list[tuple[bytes, bytes]]:
    if tree is None:
        return []
    folders = [b"", *_parents(path)]
    entries = [(folder, objects.entry(tree, folder + b"/" * bool(folder) + attributes.FILE_NAME)) for folder in folders]
    return [
        (folder, objects.blob(entry.id))
        for folder, entry in entries
        if entry and entry.mode in REGULAR and objects.blob_size(entry.id) <= attributes.MAX_BYTES
    ]


def _record_both(
    merge: _Merge,
    path: bytes,
    kind: str,
    old: Entry | None,
    ours: Entry | None,
    theirs: Entry | None,
    step: str = "both",
    names: tuple[bytes, bytes] | None = None,
) -> None:
    """Record two versions that are both in the result, or from which it was combined; `names` are ours and theirs."""
    sides = sorted(
        (
            (_agents(_speakers(merge, party, path, entry)), entry, name)
            for party, entry, name in zip((merge.ours, merge.theirs), (ours, theirs), names or (b"", b""), strict=True)
        ),
        key=lambda side: (side[0], side[1].id if side[1] else "", side[2]),
    )
    merge.contested.append(
        Contested(
            id=record_id(path, kind, old, [entry for _, entry, _ in sides]),
            path=path,
            kind=kind,
            step=step,
            start=0,
            lines=0,
            base=old.id if old else None,
            agents=tuple(agents for agents, _, _ in sides),
            sides=tuple(entry.id if entry else None for _, entry, _ in sides),
            winner=None,
            names=tuple(name for _, _, name in sides) if names else (),
        )
    )


def _record_doubt(merge: _Merge, path: bytes, tree: Oid, is_doubtful: bool) -> None:
    """Record both versions of a file where the result has a line that a side deleted, or lacks one that a side has."""
    objects = merge.objects
    trees = (merge.base, merge.ours.tree, merge.theirs.tree, tree)
    old, ours, theirs, new = (objects.entry(one, path) if one else None for one in trees)
    before, mine, other, after = (lines_at(objects, entry) for entry in (old, ours, theirs, new))
    is_dropped = is_doubtful and not mine | other <= after
    if is_dropped or (before & after) - (mine & other):
        _record_both(merge, path, "base", old, ours, theirs)


def lines_at(objects: Objects, entry: Entry | None) -> frozenset[bytes]:
    if entry is None or entry.mode not in REGULAR or objects.blob_size(entry.id) > MAX_TEXT:
        return frozenset()
    return objects.lines(entry.id)


def _speakers(merge: _Merge, party: Party, path: bytes, entry: Entry | None) -> Sequence[Voice]:
    """Return this side's heads that have exactly this version of the path, else those that changed it, else all."""
    if len(party.voices) == 1:
        return party.voices
    entries = [(voice, merge.objects.entry(voice.tree, path)) for voice in party.voices]
    same = [voice for voice, its in entries if its == entry]
    if same:
        return same
    before = merge.objects.entry(merge.base, path) if merge.base else None
    return [voice for voice, its in entries if its != before] or party.voices


def _side(merge: _Merge, party: Party, path: bytes, entry: Entry, text: bytes) -> Side:
    voices = _speakers(merge, party, path, entry)
    last = max(voices, key=lambda voice: (voice.weight, voice.id))
    return Side(
        agents=_agents(voices),
        text=text,
        token=max(voice.token_for(path) for voice in voices),
        generation=last.weight,
        id=last.id,
        authors=tuple(_author(merge.objects, path, voice) for voice in voices) if len(voices) > 1 else (),
    )


def _author(objects: Objects, path: bytes, voice: Voice) -> Author:
    lines = partial(lines_at, objects, objects.entry(voice.tree, path))
    return Author(voice.agent, voice.id, voice.weight, voice.token_for(path), lines)


def _agents(voices: Sequence[Voice]) -> tuple[str, ...]:
    return tuple(sorted({voice.agent for voice in voices}))


def _rank(merge: _Merge, party: Party, path: bytes, entry: Entry | None) -> tuple[int, int, int, str]:
    """Return what decides between two whole sides; the higher stands. Never arrival, never wall clock."""
    voices = _speakers(merge, party, path, entry)
    last = max(voices, key=lambda voice: (voice.weight, voice.id))
    # The lower id wins, so that its digits are turned round.
    turned = "".join(f"{15 - int(digit, 16):x}" for digit in last.id)
    return (max(voice.token_for(path) for voice in voices), entry is not None, last.weight, turned)


def _keep(
    merge: _Merge,
    path: bytes,
    kind: str,
    old: Entry | None,
    ours: Entry | None,
    theirs: Entry | None,
    winner: int | None = None,
) -> None:
    """Take one side of the path whole and record the other."""
    if winner is None:
        ranks = [_rank(merge, merge.ours, path, ours), _rank(merge, merge.theirs, path, theirs)]
        winner = 0 if ranks[0] >= ranks[1] else 1
    if winner == 1:
        merge.edits[path] = theirs
    elif path in merge.edits:
        merge.edits[path] = ours
    parties = ((merge.ours, ours), (merge.theirs, theirs))
    sides = [
        (_agents(_speakers(merge, party, path, entry)), entry, index == winner)
        for index, (party, entry) in enumerate(parties)
    ]
    sides.sort(key=lambda side: (side[0], side[1].id if side[1] else ""))
    merge.contested.append(
        Contested(
            id=record_id(path, kind, old, [side[1] for side in sides]),
            path=path,
            kind=kind,
            step="claim" if _decided_by_claim(merge, path, ours, theirs) else "side",
            start=0,
            lines=0,
            base=old.id if old else None,
            agents=tuple(side[0] for side in sides),
            sides=tuple(side[1].id if side[1] else None for side in sides),
            winner=next(index for index, side in enumerate(sides) if side[2]),
        )
    )


def _decided_by_claim(merge: _Merge, path: bytes, ours: Entry | None, theirs: Entry | None) -> bool:
    one, other = _rank(merge, merge.ours, path, ours)[0], _rank(merge, merge.theirs, path, theirs)[0]
    return one != other


def _region(objects: Objects, path: bytes, region: Region) -> Contested:
    base = objects.write_blob(region.base_text)
    sides = tuple(objects.write_blob(text) for text in region.sides)
    entries = [Entry(id, FILE) for id in sorted(sides)]
    place = f"{region.base_start}+{region.base_lines}"
    return Contested(
        id=record_id(path, place, Entry(base, FILE), entries),
        path=path,
        kind="text",
        step=region.step,
        start=region.result_start + 1,
        lines=region.result_lines,
        base=base,
        agents=region.agents,
        sides=sides,
        winner=region.winner,
        place=place,
    )


def _separate_folders(merge: _Merge, our_changes: Changes) -> None:
    """Where one side has a file and the other a folder of the same name, the folder stays and the file is recorded."""
    for path, entry in sorted(merge.edits.items()):
        if entry is None:
            continue
        for parent in _parents(path):
            if _result_at(merge, parent) is not None:
                _displace(merge, parent, our_changes)
        if path in merge.edits and _is_folder_of_ours(merge, path, our_changes):
            _displace(merge, path, our_changes)


def _parents(path: bytes) -> list[bytes]:
    parts = path.split(b"/")
    return [b"/".join(parts[:depth]) for depth in range(1, len(parts))]


def _result_at(merge: _Merge, path: bytes) -> Entry | None:
    if path in merge.edits:
        return merge.edits[path]
    return merge.objects.entry(merge.ours.tree, path)


def _is_folder_of_ours(merge: _Merge, path: bytes, our_changes: Changes) -> bool:
    """Return whether some file below `path` that our side added is still in the result."""
    below = path + b"/"
    return any(
        new is not None and changed.startswith(below) and merge.edits.get(changed, new) is not None
        for changed, (_, new) in our_changes.items()
    )


def _displace(merge: _Merge, path: bytes, our_changes: Changes) -> None:
    entry = _result_at(merge, path)
    old = our_changes[path][0] if path in our_changes else None
    mine = merge.objects.entry(merge.ours.tree, path)
    # That one side deleted the file said that the other's stands: what stands is the folder, and it is said here.
    merge.contested[:] = [one for one in merge.contested if (one.path, one.kind) != (path, "modify/delete")]
    _keep(merge, path, "file/folder", old, mine, None if mine == entry else entry, winner=0 if mine is None else 1)
    if mine is None:
        del merge.edits[path]
