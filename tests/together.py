"""Which test files stay on one worker, and what starts first: the long ones, each on its own.

xdist's own ``xdist_group`` mark does nothing under pytest 9.2: the group travels in a node id that
may no longer be changed (pytest-xdist issue 1386). Here the file says it.
"""

from xdist.scheduler import LoadScopeScheduling

SERVERS = "whole installations with their own servers: one at a time"
CRASH = "one installation that is killed again and again"
WALK = "one walk over every page as every role"
PAGES = "every staff page in a browser"
# Each file that drives a browser stays on one worker, which starts that browser once.
BROWSER = "tests/browser/"

GROUPS = {
    "tests/test_story.py": SERVERS,
    "tests/test_up.py": SERVERS,
    "tests/test_access.py": WALK,
    "tests/test_admin_base.py": WALK,
    "tests/test_canaries.py": WALK,
    "tests/test_every_page.py": WALK,
    "tests/test_mass_assignment.py": WALK,
    "tests/browser/test_every_staff_page.py": PAGES,
}
FIRST = [SERVERS, CRASH, WALK, PAGES]


def group_of(nodeid):
    path = nodeid.partition("::")[0]
    if path.startswith("tests/crash/"):
        return CRASH
    return GROUPS.get(path) or (path if path.startswith(BROWSER) else "")


def longest_first(item):
    """The sort key: the groups, then the other files with a browser, then single tests."""
    group = group_of(item.nodeid)
    return FIRST.index(group) if group in FIRST else len(FIRST) + (not group)


class TogetherScheduling(LoadScopeScheduling):
    """Each group on one worker, any other test on whichever is free; in the order collected."""

    def __init__(self, config, log=None):
        super().__init__(config, log)
        # By number of tests, the one test that takes longest would come last.
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid):
        return group_of(nodeid) or nodeid
