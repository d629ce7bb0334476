"""What a report is asked for: the days, checked; and the audit's line about it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import wraps
from typing import Any

from django import forms
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import HttpRequest, HttpResponseNotAllowed, QueryDict
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from intake.actions import events
from intake.reports.period import (
    EARLIEST,
    LATEST,
    LONGEST_DAYS,
    Choice,
    Period,
    named,
    staff_zone,
)

READ, EXPORT = "intake.view_reports", "intake.export_reports"
METHODS = ("GET", "HEAD")

View = Callable[..., HttpResponseBase]


class DateInput(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


def _day(label: Any) -> forms.DateField:
    return forms.DateField(
        label=label,
        required=False,
        widget=DateInput(),
        input_formats=["%Y-%m-%d"],
        validators=[MinValueValidator(EARLIEST), MaxValueValidator(LATEST)],
        error_messages={"invalid": gettext_lazy("Give a date as YYYY-MM-DD.")},
    )


class PeriodForm(forms.Form):
    """The days of a report, by GET: a named week or month, or two dates."""

    use_required_attribute = False

    period = forms.ChoiceField(choices=Choice.choices, widget=forms.HiddenInput)
    first = _day(gettext_lazy("From"))
    last = _day(gettext_lazy("To"))

    def add_prefix(self, field_name: str) -> str:
        """In the address the days are called ``from`` and ``to``, which Python keeps to itself."""
        return {"first": "from", "last": "to"}.get(field_name, field_name)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if "period" in self.errors:
            # The field itself is hidden.
            raise ValidationError(_("Choose one of the periods."), code="period")
        if given.get("period") == Choice.CUSTOM and not self.errors:
            self._check(given.get("first"), given.get("last"))
        return given

    def _check(self, first: date | None, last: date | None) -> None:
        for name, day in (("first", first), ("last", last)):
            if day is None:
                self.add_error(name, _("Give both dates."))
        if first is None or last is None:
            return
        if first > last:
            self.add_error("last", _("The last day lies before the first."))
        elif (last - first).days >= LONGEST_DAYS:
            self.add_error("last", _("Choose at most %(days)d days.") % {"days": LONGEST_DAYS})

    def chosen(self, today: date) -> Period:
        """The period of a valid form."""
        given = self.cleaned_data
        if given["period"] == Choice.CUSTOM:
            return Period(given["first"], given["last"], staff_zone())
        return named(given["period"], today=today, zone=staff_zone())


@dataclass(frozen=True)
class Asked:
    """What a request asks for: the days and the form that shows them, or the form's errors."""

    form: PeriodForm
    choice: str
    period: Period | None
    now: datetime

    @property
    def query(self) -> str:
        """The same days in a link; a named period is spelled out, since it moves on by itself."""
        if self.period is None:
            # Wrong dates go back to the form as they were typed.
            return urlencode({name: str(value) for name, value in self.form.data.items()})
        return urlencode(self.detail)

    def url(self, name: str, *args: str) -> str:
        """A page of the reports for the same days."""
        return f"{reverse(f'admin:{name}', args=args)}?{self.query}"

    @property
    def detail(self) -> dict[str, str]:
        """The days as codes, for the audit."""
        if self.period is None:
            return {}
        return {"from": str(self.period.first), "to": str(self.period.last)}


def read_request(request: HttpRequest) -> Asked:
    """The days in the address; this week where it names none."""
    now = timezone.now()
    form = PeriodForm(_given(request.GET))
    if not form.is_valid():
        return Asked(form, Choice.CUSTOM, None, now)
    choice, period = form.cleaned_data["period"], form.chosen(now.astimezone(staff_zone()).date())
    shown = PeriodForm(initial={"first": period.first, "last": period.last})
    return Asked(shown, choice, period, now)


def _given(address: QueryDict) -> dict[str, str]:
    """Two dates alone say enough; nothing at all means this week."""
    given = {name: str(address[name]) for name in ("period", "from", "to") if name in address}
    return given if "period" in given else {**given, "period": _silent_choice(given)}


def _silent_choice(given: dict[str, str]) -> str:
    return Choice.CUSTOM.value if given else Choice.THIS_WEEK.value


def require(request: HttpRequest, *permissions: str) -> None:
    """Raise ``PermissionDenied`` unless the user holds all of them."""
    if not request.user.has_perms(permissions):
        raise PermissionDenied


def reading(*permissions: str) -> Callable[[View], View]:
    """A view for those who hold all ``permissions``, and for looking only: no POST."""

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(site: AdminSite, request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
            require(request, *permissions)
            if request.method not in METHODS:
                return HttpResponseNotAllowed(METHODS)
            return view(site, request, **kwargs)

        return checked

    return decorate


def audit(request: HttpRequest, verb: str, asked: Asked, **detail: Any) -> None:
    """The audit's line comes before the answer: without it there is none."""
    events.write(
        verb,
        by=request.user,  # type: ignore[arg-type]
        now=asked.now,
        detail={**asked.detail, **detail},
    )
