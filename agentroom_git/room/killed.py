"""Runs that ended without a word: `agentroom run` itself was killed, so that nobody looked after its agent's end.

The agent's command may have outlived it and work on. So nothing is decided before the agent has given no sign of life
for a whole lease; by then its claims are anybody's, too.
"""

from agentroom_git.core.events import Left
from agentroom_git.core.ids import AgentName
from agentroom_git.room import abandonment, coordination, leases, logs, running
from agentroom_git.room.room import Room, acting_as
from agentroom_git.system.locks import try_hold

UNKNOWN = -1


def close_killed(room: Room) -> list[AgentName]:
    """Record the end of each such run, with what its agent leaves behind, and give back what it holds; return whose."""
    return [agent for agent in room.worktrees() if _is_killed(room, agent) and _close(room, agent)]


def _is_killed(room: Room, agent: AgentName) -> bool:
    if not running.run_record(room, agent).exists() or running.is_running(room, agent):
        return False
    silent = leases.seconds_since_seen(room, agent)
    return silent is None or silent >= room.config.lease


def _close(room: Room, agent: AgentName) -> bool:
    """Close the run under the lock that the next one takes, so that none begins meanwhile."""
    lock = try_hold(running.run_lock(room, agent))
    if lock is None:
        return False
    try:
        abandonment.after_kill(acting_as(room, agent))
        coordination.release_all(room, agent)
        logs.record(room, Left(UNKNOWN, ()), writer=agent)
        # Last: a kill before this does it all again, which records nothing twice but `left`.
        running.run_record(room, agent).unlink(missing_ok=True)
    finally:
        lock.release()
    return True
