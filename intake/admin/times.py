"""Times as staff read them: how far off, in the helpline's zone, and in the person's own."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from intake.rules.last_use import Precision


def relative(at: datetime, now: datetime) -> str:
    """``in 1 h 5 min`` or ``18 min late``; minutes are rounded down."""
    is_late = at < now
    gap = now - at if is_late else at - now
    text = _span(gap)
    return _("%(span)s late") % {"span": text} if is_late else _("in %(span)s") % {"span": text}


def since(at: datetime, now: datetime) -> str:
    """``18 min ago``."""
    return _("%(span)s ago") % {"span": _span(now - at)}


def _span(gap: timedelta) -> str:
    minutes = max(0, int(gap.total_seconds() // 60))
    days, minutes = divmod(minutes, 24 * 60)
    hours, minutes = divmod(minutes, 60)
    if days:
        return _("%(days)d d %(hours)d h") % {"days": days, "hours": hours}
    if hours:
        return _("%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": minutes}
    return _("%(minutes)d min") % {"minutes": minutes}


def staff_time(at: datetime) -> str:
    """In the zone of the helpline, with its abbreviation."""
    local = timezone.localtime(at)
    return f"{date_format(local, 'D, M j, g:i A')} {local.tzname()}"


def told_time(at: datetime, precision: str) -> str:
    """A moment as precisely as it was told (``rules.last_use.Precision``), in the staff's zone."""
    told = Precision(precision or Precision.TIME)
    text = staff_time(at) if told.has_time else date_format(timezone.localtime(at), "D, M j, Y")
    return _("about %(time)s") % {"time": text} if told.is_about else text


def told_since(at: datetime, precision: str, now: datetime) -> str:
    """How long ago that was, no more precisely than it was told."""
    if Precision(precision or Precision.TIME).has_time:
        return since(at, now)
    days = (timezone.localtime(now).date() - timezone.localtime(at).date()).days
    if days == 0:
        return _("today")
    return ngettext("%(count)d day ago", "%(count)d days ago", days) % {"count": days}


def their_time(at: datetime, zone: str) -> str:
    """In the person's own zone, with its abbreviation."""
    local = at.astimezone(ZoneInfo(zone))
    return f"{date_format(local, 'D, M j, g:i A')} {local.tzname()}"


def their_window(at: datetime, until: datetime | None, zone: str) -> str:
    """``their_time``, up to the end of the window where one was promised."""
    if until is None:
        return their_time(at, zone)
    begins, ends = (moment.astimezone(ZoneInfo(zone)) for moment in (at, until))
    if (begins.date(), begins.tzname()) != (ends.date(), ends.tzname()):
        return _("%(begins)s to %(ends)s") % {
            "begins": their_time(at, zone),
            "ends": their_time(until, zone),
        }
    return _("%(begins)s to %(ends)s") % {
        "begins": date_format(begins, "D, M j, g:i A"),
        "ends": f"{date_format(ends, 'g:i A')} {ends.tzname()}",
    }
