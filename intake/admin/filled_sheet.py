"""The call sheet as filled in: its forms checked together and turned into rows together."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.forms import BoundField
from django.http import QueryDict
from django.utils.translation import gettext as _

from intake.actions import calls, safety
from intake.admin.call_sheet_forms import ActedForm, CallForm, ClosingForm, ScreenForm
from intake.admin.people_forms import CallerForm, PersonForm
from intake.admin.substance_forms import PREFIX, SubstanceFormSet, row_initial, rows_sent
from intake.models import Call, Person, SubstanceUse
from intake.rules import safety as rules
from intake.typed_text import showable


class FilledSheet:
    """All forms of one call's sheet, as one."""

    def __init__(
        self,
        call: Call,
        *,
        now: datetime,
        data: QueryDict | None = None,
        typed: QueryDict | None = None,
    ) -> None:
        """``data`` is checked; ``typed`` is only shown again, unchecked, with one more row."""
        self.call_record, self.now = call, now
        self.screen = None if call._state.adding else safety.current(call=call)
        caller = call.caller or Person()
        other = call.person_in_need if call.person_in_need_id != call.caller_id else None
        age = call.person_in_need.age if call.person_in_need else None
        self.caller_record, self.other_record = caller, other
        self.told_before = told(call.substances.order_by("position"))

        def made(form: Any, prefix: str, **options: Any) -> Any:
            if typed is not None:
                options["initial"] = _as_typed(form(prefix=prefix, **options), typed)
            return form(data, prefix=prefix, **options)

        self.call = made(CallForm, "call", call=call, now=now)
        self.caller = made(CallerForm, "caller", person=caller)
        self.person = made(PersonForm, "person", person=other, age=age)
        self.questions = made(ScreenForm, "screen", screen=self.screen)
        self.acted = made(ActedForm, "acted")
        self.closing = made(ClosingForm, "closing")
        self.substances = self._rows(data, typed)
        self.refusals: list[str] = []

    def _rows(self, data: QueryDict | None, typed: QueryDict | None) -> Any:
        options: dict[str, Any] = {"form_kwargs": {"now": self.now}}
        if data is not None:
            return SubstanceFormSet(data, **options)
        if typed is not None:
            blank = SubstanceFormSet(**options).empty_form
            rows = range(rows_sent(typed))
            initial = [_as_typed(blank, typed, prefix=f"{PREFIX}-{row}") for row in rows]
        else:
            initial = self.told_before
        return SubstanceFormSet(initial=initial, **options)

    @property
    def forms(self) -> tuple[Any, ...]:
        return (
            self.call,
            self.caller,
            self.person,
            self.questions,
            self.acted,
            self.closing,
            *self.substances.forms,
        )

    # --- checking -------------------------------------------------------------------------------

    def is_valid(self, then: str) -> bool:
        """Whether the sheet can be saved, and what ``then`` asks for can be tried."""
        if not all([*(form.is_valid() for form in self.forms[:6]), self.substances.is_valid()]):
            return False
        kind = self.call.cleaned_data["call_type"]
        if kind == Call.CallType.ABOUT_SELF and self.person.names_somebody:
            self.person.add_error(
                "alias",
                _(
                    "Somebody else is written down here, but the call is about the caller."
                    " Choose “About someone else”, or clear these answers."
                ),
            )
        if then == "acted" and not self.acted.cleaned_data["action_taken"]:
            self.acted.add_error("action_taken", _("Choose what was done."))
        if then == "close":
            self._check_ending(kind)
        return not any(form.errors for form in self.forms[:6])

    def _check_ending(self, kind: str) -> None:
        ending = self.closing.cleaned_data["disposition"]
        if not ending:
            self.closing.add_error("disposition", _("Choose how the call ended."))
        elif (ending == Call.Disposition.NON_SERVICE) != (kind in Call.NON_SERVICE):
            self.closing.add_error(
                "disposition", _("This ending does not go with the kind of call at the top.")
            )

    def problems(self) -> Iterator[dict[str, str]]:
        """Every error with the id of the field it is about, for the summary on top."""
        for refusal in self.refusals:
            yield {"text": refusal, "anchor": ""}
        for part, form in self._named_forms():
            if form.cleaned_data.get("DELETE"):
                continue
            for name, errors in form.errors.items():
                field = form[name] if name in form.fields else None
                where = ", ".join(str(word) for word in (part, field and field.label) if word)
                for error in errors:
                    yield {
                        "text": f"{where}: {error}" if where else str(error),
                        "anchor": _anchor(field) if field else "",
                    }

    def _named_forms(self) -> Iterator[tuple[str, Any]]:
        """Each form with the part of the page it stands in, where a label alone is not enough."""
        names = {id(self.caller): _("Who is calling"), id(self.person): _("Who needs help")}
        for form in self.forms[:6]:
            yield names.get(id(form), ""), form
        for number, form in enumerate(self.substances.forms, start=1):
            yield _("Substance %(number)s") % {"number": number}, form

    @property
    def opens_caller_details(self) -> bool:
        """Whether the folded part holds something, or something wrong."""
        names = ("name", "time_zone", "safe_from", "safe_until", "approach_note")
        return _has_content(self.caller, names)

    @property
    def opens_call_details(self) -> bool:
        names = ("started_at", "ended_at", "direction", "channel", "language", "how_heard")
        return bool(self.call["entered_late"].value()) or any(
            self.call[name].errors for name in names
        )

    # --- the rows -------------------------------------------------------------------------------

    def filled_in(self, version: int | None) -> calls.Sheet:
        """The sheet for the action; of a valid sheet only."""
        call = self.call_record
        self.call.apply(call)
        if call._state.adding and call.channel == Call.Channel.PHONE:
            call.line_dialled = settings.HELPLINE_NUMBER
        caller, person = self._two_people()
        return calls.Sheet(
            call=call,
            caller=caller,
            person_in_need=person,
            substances=self.substances.uses(call),
            version=version,
        )

    def _two_people(self) -> tuple[Person | None, Person | None]:
        """Caller and person in need: one record if they are one, else never the same."""
        kind, age = self.call.cleaned_data["call_type"], self.person.cleaned_data["age"]
        caller, person = self.caller_record, self.other_record or Person()
        self.caller.apply(caller)
        caller.language = self.call.cleaned_data["language"]
        if kind == Call.CallType.ABOUT_SELF:
            caller.age = age
            return caller, caller
        if caller == self.call_record.person_in_need:
            # They had been taken for the person in need; the age was not the caller's.
            caller.age = None
        self.person.apply(person)
        about_other = kind == Call.CallType.ABOUT_OTHER
        has_person = about_other or self.person.names_somebody or age is not None
        has_caller = about_other or self.caller.is_filled_in or not caller._state.adding
        return caller if has_caller else None, person if has_person else None

    def answers(self) -> rules.Answers:
        answers: rules.Answers = self.questions.answers(age=self.person.cleaned_data.get("age"))
        return answers

    def is_to_be_screened(self, then: str) -> bool:
        """Whether anything was told that the current screen, if any, has not heard."""
        uses = self.substances.uses(self.call_record)
        asked_for = then == "screened" and bool(uses)
        if not (self.questions.is_answered or asked_for):
            return False
        if self.screen is None or self.screen.is_skipped:
            return True
        changed = self.screen.answers != self.answers().to_dict() or self.told_before != told(uses)
        # Hours have passed since: pressing the button again asks what holds now.
        return changed or (then == "screened" and not self.screen.override_level)

    def provisional(self) -> tuple[rules.Assessment, tuple[rules.Exposure, ...]] | None:
        """What the rules say of a refused sheet: danger is shown before the form is right."""
        self.substances.is_valid()
        self.person.is_valid()
        if not (self.questions.is_valid() and self.questions.is_answered):
            return None
        sound = [form for form in self.substances.forms if form.is_valid() and form.has_changed()]
        uses = [form.use(self.call_record) for form in sound]
        exposures = safety.exposures(uses, now=self.now)
        return rules.assess(self.answers(), exposures), exposures


def _has_content(form: Any, names: Iterable[str]) -> bool:
    return any(form[name].errors or form[name].value() for name in names)


def _anchor(field: BoundField) -> str:
    return f"{field.auto_id}_0" if field.widget_type == "radioselect" else str(field.auto_id)


def _as_typed(form: Any, data: QueryDict, prefix: str = "") -> dict[str, Any]:
    """What the widgets of the form find in ``data``, unchecked."""
    prefix = prefix or form.prefix or ""
    return {
        name: showable(field.widget.value_from_datadict(data, {}, f"{prefix}-{name}"))
        for name, field in form.fields.items()
    }


def told(uses: Iterable[SubstanceUse]) -> list[dict[str, Any]]:
    """The rows as values that can be compared, whichever record holds them."""
    return [row_initial(use) for use in uses]
