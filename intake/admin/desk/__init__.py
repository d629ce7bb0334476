"""The desk: what needs me now, most pressing first, and kept up to date while it is open."""

from intake.admin.desk.page import live, show, urls

__all__ = ["live", "show", "urls"]
