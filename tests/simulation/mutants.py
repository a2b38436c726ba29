"""Bugs to be found: each replaces a piece of the product, and the same schedules must notice."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from agentroom_git.core import claims
from agentroom_git.core.checks import PASSED
from agentroom_git.core.claims import Table
from agentroom_git.core.fold import Folded
from agentroom_git.git import archive, checkout, contested_refs, folds, log, worktree_lock
from agentroom_git.git.checkout_outcome import Waits
from agentroom_git.git.checkout_plan import Action, Planner
from agentroom_git.git.displacement import Act, digest
from agentroom_git.git.ref_lock import locked_ref
from agentroom_git.git.refs import Refs
from agentroom_git.git.taking_back import TakingBack
from agentroom_git.room import (
    aftermath,
    coordination,
    folding,
    landed,
    landing,
    leases,
    messages,
    rewriting,
    stale,
    syncing,
    warning,
)
from agentroom_git.room.gate import bench, telling
from agentroom_git.system import exchange
from simulation import operations
from simulation.core_mutants import IN_CORE
from simulation.mutant import Mutant, Patches
from simulation.world import NAMES


def _swap_writes_whatever_is_there() -> Patches:
    def swap(self: Refs, name: str, new: Any, old: Any, *, message: str = "") -> bool:
        self.failpoint(f"lock {name}")
        with locked_ref(self.handle, self.clock, name) as transaction:
            transaction.set_target(name, new, message=message)
            transaction.commit()
        return True

    return [(Refs, "swap", swap)]


def _acknowledged_before_the_swap() -> Patches:
    def update(self: Refs, name: str, change: Any) -> Any:
        old = self.get(name)
        new, answer = change(old)
        if new != old:
            self.swap(name, new, old)
        return answer

    return [(Refs, "update", update)]


def _no_key_looked_for() -> Patches:
    real = log.islice

    def none(found: Any, count: int) -> Any:
        return (replace(one, event=replace(one.event, key="")) for one in real(found, count))

    return [(log, "islice", none)]


def _cursor_moved_before_showing() -> Patches:
    @contextmanager
    def taking(room: Any, **more: Any) -> Iterator[Any]:
        leases.beat(room)
        found = messages.unread(room, **more)
        messages.mark_read(room, found.messages)
        room.failpoint("show")
        yield found

    return [(operations.messages, "taking", taking)]


def _no_index_lock() -> Patches:
    @contextmanager
    def hold(git_dir: Any, failpoint: Any) -> Iterator[bool]:
        yield True

    return [(checkout, "hold", hold)]


def _branch_moved_before_files() -> Patches:
    real = checkout._Sync._sync_files_and_index

    def late(self: Any, bench: Any, staged: Any, index: Any) -> Any:
        if staged.wanted:
            index.install({})
        self._handle.references[self._ref].set_target(self._new)
        self._failpoint("files")
        return real(self, bench, replace(staged, wanted={}), index)

    return [(checkout._Sync, "_sync_files_and_index", late), (TakingBack, "_roll_back", lambda *_: None)]


def _mismatch_ignored() -> Patches:
    real = checkout.apply_step

    def apply(*arguments: Any) -> bool:
        real(*arguments)
        return True

    return [(checkout, "apply_step", apply)]


def _dirty_file_replaced() -> Patches:
    real = Planner._plan_path

    def plan(self: Planner, path: bytes, before: Any, after: Any) -> Any:
        found = real(self, path, before, after)
        return Action(Act.SWAP, path, digest(self._tree.read(path))) if found == "dirty" and after else found

    return [(Planner, "_plan_path", plan)]


def _untracked_file_replaced() -> Patches:
    real = Planner._plan_path

    def plan(self: Planner, path: bytes, before: Any, after: Any) -> Any:
        found = real(self, path, before, after)
        seen = self._tree.read(path)
        is_file = seen.kind is exchange.Kind.FILE
        return Action(Act.SWAP, path, digest(seen)) if found == "untracked" and is_file else found

    return [(Planner, "_plan_path", plan)]


def _tips_not_recorded() -> Patches:
    return [(folding, "_moved", lambda tips, branch, own: tips)]


def _record_stored_after_the_fold() -> Patches:
    real_store, real_publish = contested_refs.store, folding.Folder._publish
    waiting: list[Any] = []

    def publish(self: Any, made: Any, previous: Any) -> bool:
        is_done = real_publish(self, made, previous)
        for arguments in waiting:
            real_store(*arguments)
        waiting.clear()
        return is_done

    patched = SimpleNamespace(**vars(contested_refs) | {"store": lambda *arguments: waiting.append(arguments)})
    return [(folding, "contested_refs", patched), (folding.Folder, "_publish", publish)]


def _foreign_lock_taken_away() -> Patches:
    return [(worktree_lock, "_is_stale", lambda sign: True)]


def _links_followed() -> Patches:
    return [(exchange, "_OPEN_DIRECTORY", exchange.os.O_RDONLY | exchange.os.O_DIRECTORY)]


def _sign_of_life_lost() -> Patches:
    return [(leases, "beat", lambda room: None)]


class _WallClock:
    """A clock that measures by what it shows."""

    def __init__(self, clock: Any) -> None:
        self._clock = clock

    def monotonic(self) -> float:
        return float(self._clock.now().timestamp())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._clock, name)


def _leases_by_the_wall_clock() -> Patches:
    observe, beat = leases.observe, leases.beat

    def off(room: Any) -> Any:
        return replace(room, clock=_WallClock(room.clock))

    return [
        (leases, "observe", lambda room, snapshot: observe(off(room), snapshot)),
        (leases, "beat", lambda room: beat(off(room))),
    ]


def _others_claims_released() -> Patches:
    def release(table: Table, agent: Any, paths: Any) -> Any:
        answer = real(table, agent, paths)
        left = tuple(claim for claim in answer.table.claims if paths is not None and claim.path not in paths)
        return replace(answer, table=replace(answer.table, claims=left))

    real = claims.release
    return [(claims, "release", release)]


def _others_work_withdrawn() -> Patches:
    def everybodys(room: Any, agent: Any, old: Any, new: Any) -> frozenset[Any]:
        between = room.history.between(frozenset({new}), old)
        return frozenset(one for one in between if not folds.is_fold(room.history, one))

    return [(rewriting, "own_commits", everybodys)]


def _fold_of_the_newest_alone() -> Patches:
    def compute(self: Any, head: Any, tip: Any, previous: Any) -> Any:
        heads, folded = real(self, head, tip, previous)
        return heads, Folded(self.room.history.tree_of(head.id), folded.contested)

    real = folding.Folder._compute
    return [(folding.Folder, "_compute", compute)]


def _notes_written_when_nothing_moved() -> Patches:
    real = aftermath.after_folds

    def after(room: Any, made: Any) -> None:
        real(room, made)
        folding.tell(room, folding.Notice("idle", ("alice",), "nothing", ()), key=room.new_key())

    return [(operations.aftermath, "after_folds", after)]


def _refusal_takes_over() -> Patches:
    return [(coordination.leases.Leases, "stale", property(lambda self: frozenset(self.left)))]


def _waits_after_a_kill() -> Patches:
    def recover(self: TakingBack) -> Waits | None:
        return Waits("locked") if self.is_any_left() else None

    return [(TakingBack, "recover", recover), (checkout, "clear_own_stale_lock", lambda git_dir: False)]


def _green_moved_whatever_came_out() -> Patches:
    def record(room: Any, commit: Any, run: Any) -> None:
        real(room, commit, run)
        telling.advance_green(room, commit)

    real = telling.record_result
    return [(telling, "record_result", record)]


def _every_check_passes() -> Patches:
    return [(bench, "_result", lambda ended: PASSED)]


def _displaced_versions_kept() -> Patches:
    return [(syncing, "sweep", lambda *_: ())]


def _handle_left_open() -> Patches:
    return [(exchange.Folder, "close", lambda self: None)]


def _configuration_written() -> Patches:
    def publish(self: Any, made: Any, previous: Any) -> bool:
        self.room.repo.handle.config["agentroom.last"] = "now"
        return real(self, made, previous)

    real = folding.Folder._publish
    return [(folding.Folder, "_publish", publish)]


def _stale_writes_passed_over() -> Patches:
    return [(stale, "look_at_edits", lambda *_, **__: [])]


def _branch_landed_without_files() -> Patches:
    return [(landing, "_is_checked_out", lambda *_: False)]


def _landed_commits_not_recognised() -> Patches:
    return [(landed, "find_landing", lambda *_: None)]


def _edits_not_archived() -> Patches:
    return [(archive, "snapshot", lambda worktree, agent: None)]


def _clashes_not_seen() -> Patches:
    return [(warning, "find_clashes", lambda *_: ())]


def _warned_again_and_again() -> Patches:
    return [(warning.Forecast, "new", lambda self, clashes: clashes)]


def _warnings_stand_for_ever() -> Patches:
    return [(warning.Forecast, "_withdraw", lambda self, known: None)]


def _everybody_warned() -> Patches:
    return [(warning, "_readers", lambda clash: NAMES)]


MUTANTS = [
    *IN_CORE,
    Mutant("a swap writes whatever is there", "real", _swap_writes_whatever_is_there),
    Mutant("acknowledged although the swap failed", "real", _acknowledged_before_the_swap),
    Mutant("a repeated event written again", "real", _no_key_looked_for),
    Mutant("the cursor moved before showing", "real", _cursor_moved_before_showing),
    Mutant("a sync without index.lock", "real", _no_index_lock),
    Mutant("the branch moved before the files", "real", _branch_moved_before_files),
    Mutant("what was displaced not looked at", "real", _mismatch_ignored),
    Mutant("a dirty file replaced", "real", _dirty_file_replaced),
    Mutant("an untracked file replaced", "real", _untracked_file_replaced),
    Mutant("tips not recorded", "real", _tips_not_recorded),
    Mutant("records stored after the fold", "real", _record_stored_after_the_fold),
    Mutant("a foreign lock taken away", "real", _foreign_lock_taken_away),
    Mutant("links followed", "real", _links_followed),
    Mutant("signs of life lost", "real", _sign_of_life_lost),
    Mutant("leases by the wall clock", "real", _leases_by_the_wall_clock),
    Mutant("others' claims released", "real", _others_claims_released),
    Mutant("others' work withdrawn by a rewrite", "real", _others_work_withdrawn),
    Mutant("the newest head alone folded", "real", _fold_of_the_newest_alone),
    Mutant("something written when idle", "real", _notes_written_when_nothing_moved),
    Mutant("every claim taken for stale", "real", _refusal_takes_over),
    Mutant("locks of a killed sync left", "real", _waits_after_a_kill),
    Mutant("green moved whatever the check says", "real", _green_moved_whatever_came_out),
    Mutant("a check that fails taken for one that passes", "real", _every_check_passes),
    Mutant("displaced versions kept for ever", "real", _displaced_versions_kept),
    Mutant("a folder's handle left open", "real", _handle_left_open),
    Mutant("the user's configuration written", "real", _configuration_written),
    Mutant("edits not archived by who leaves", "real", _edits_not_archived),
    Mutant("whole-file writes not looked at", "real", _stale_writes_passed_over),
    Mutant("the branch landed without its files", "real", _branch_landed_without_files),
    Mutant("a landed commit not recognised", "real", _landed_commits_not_recognised),
    Mutant("a clash of edits not seen", "warning", _clashes_not_seen),
    Mutant("warned again and again", "warning", _warned_again_and_again),
    Mutant("warnings that stand for ever", "warning", _warnings_stand_for_ever),
    Mutant("everybody warned of what concerns two", "warning", _everybody_warned),
]
