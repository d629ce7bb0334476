"""Which test files stay on one worker: what they set up is dear, and shared by all of them.

xdist's own ``xdist_group`` mark does nothing under pytest 9.2: the group travels in a node id that
may no longer be changed (pytest-xdist issue 1386). Here the file says it.
"""

from xdist.scheduler import LoadScopeScheduling

WALK = "one walk over every page as every role"
SERVERS = "whole installations with their own servers: one at a time"

GROUPS = {
    "test_story.py": SERVERS,
    "test_up.py": SERVERS,
    "test_access.py": WALK,
    "test_admin_base.py": WALK,
    "test_canaries.py": WALK,
    "test_every_page.py": WALK,
    "test_mass_assignment.py": WALK,
}
ORDER = [SERVERS, WALK, ""]


def group_of(nodeid):
    return GROUPS.get(nodeid.partition("::")[0].rpartition("/")[2], "")


def longest_first(item):
    """The sort key that starts the groups first, each on a worker of its own."""
    return ORDER.index(group_of(item.nodeid))


class TogetherScheduling(LoadScopeScheduling):
    """Each group on one worker, any other test on whichever is free."""

    def _split_scope(self, nodeid):
        return group_of(nodeid) or nodeid
