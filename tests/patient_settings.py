"""The settings as in use, for web servers at which forty knock at once on a busy machine."""

from helpline.settings import *  # noqa: F403
from helpline.settings import DATABASES
from tests import patience

patience.with_locks(DATABASES["default"])
