"""The call sheet as filled in: its forms checked together and turned into rows together."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.forms import BoundField
from django.http import QueryDict
from django.utils.translation import gettext as _

from intake.actions import branding, calls, safety
from intake.admin.call_sheet_forms import ActedForm, CallForm, ClosingForm, ScreenForm
from intake.admin.health_forms import HealthForm
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
        self.uses_before = list(call.substances.order_by("position"))
        self.told_before = told(self.uses_before)

        def made(form: Any, prefix: str, **options: Any) -> Any:
            if typed is not None:
                options["initial"] = _as_typed(form(prefix=prefix, **options), typed)
            return form(data, prefix=prefix, **options)

        self.call = made(CallForm, "call", call=call, now=now)
        self.caller = made(CallerForm, "caller", call=call, person=caller)
        self.person = made(PersonForm, "person", person=other, age=age)
        self.questions = made(ScreenForm, "screen", screen=self.screen)
        self.acted = made(ActedForm, "acted")
        self.closing = made(ClosingForm, "closing")
        self.health = made(HealthForm, "health", call=call)
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
    def parts(self) -> tuple[Any, ...]:
        """The forms that are there once; the rows of substances come after them."""
        return (
            self.call,
            self.caller,
            self.person,
            self.questions,
            self.acted,
            self.closing,
            self.health,
        )

    @property
    def records(self) -> tuple[Any, ...]:
        """Those of them that are kept: not what a button asks beside."""
        return (self.call, self.caller, self.person, self.questions, self.health)

    @property
    def groups(self) -> dict[str, list[BoundField]]:
        """The questions of the screen by the code of their group."""
        return {group.value: self.questions.group(group) for group in rules.Group}

    @property
    def chips(self) -> dict[str, list[tuple[BoundField, str]]]:
        """The same, each with the few words that stand for it on a chip."""
        short = {question.code: question.short for question in rules.QUESTIONS}
        return {
            group: [(field, short[field.name]) for field in fields]
            for group, fields in self.groups.items()
        }

    # --- checking -------------------------------------------------------------------------------

    def is_valid(self, then: str) -> bool:
        """Whether the sheet can be saved, and what ``then`` asks for can be tried."""
        if not all([*(form.is_valid() for form in self.parts), self.substances.is_valid()]):
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
        return not any(form.errors for form in self.parts)

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
        for form in self.parts:
            yield names.get(id(form), ""), form
        for number, form in enumerate(self.substances.forms, start=1):
            yield _("Substance %(number)s") % {"number": number}, form

    @property
    def opens_caller_details(self) -> bool:
        """Whether the folded part holds something, or something wrong."""
        names = ("name", "time_zone", "safe_from", "safe_until", "approach_note")
        return _has_content(self.caller, names)

    @property
    def is_from_paper(self) -> bool:
        """Entered later: then the times are asked first, for they are not now."""
        return bool(self.call["entered_late"].value())

    @property
    def opens_call_details(self) -> bool:
        names = ("started_at", "ended_at", "direction", "channel", "language", "how_heard")
        return any(self.call[name].errors for name in names)

    # --- the rows -------------------------------------------------------------------------------

    def filled_in(self, version: int | None) -> calls.Sheet:
        """The sheet for the action; of a valid sheet only."""
        call = self.call_record
        self.call.apply(call)
        self.health.apply(call)
        call.number_withheld = self.caller.is_withheld
        if call._state.adding and call.channel == Call.Channel.PHONE:
            call.line_dialled = branding.current().number
        caller, person = self._two_people()
        return calls.Sheet(
            call=call,
            caller=caller,
            person_in_need=person,
            substances=self.substances.uses(call),
            version=version,
            replaced=self._replaced(),
        )

    def _replaced(self) -> Person | None:
        """Whom this call began with, before its caller was recognized."""
        is_replaced = self.caller.known is not None and not self.caller_record._state.adding
        return self.caller_record if is_replaced else None

    def _two_people(self) -> tuple[Person | None, Person | None]:
        """Caller and person in need: one record if they are one, else never the same."""
        kind, age = self.call.cleaned_data["call_type"], self.person.cleaned_data["age"]
        caller = self.caller.known or self.caller_record
        person = self.other_record or Person()
        self.caller.apply(caller)
        caller.language = self.call.cleaned_data["language"]
        if kind == Call.CallType.ABOUT_SELF:
            if age is not None or self.caller.known is None:
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
        """Everything the rules read beside the substances, of forms that were checked."""
        told: rules.Answers = self.questions.answers(age=self.person.cleaned_data.get("age"))
        return replace(told, symptoms=self.health.symptoms(), signs=self.health.signs())

    @property
    def is_answered(self) -> bool:
        """Whether anything was told that a screen would hear."""
        return bool(self.questions.is_answered or self.health.is_answered)

    def is_to_be_screened(self, then: str) -> bool:
        """Whether anything was told that the current screen, if any, has not heard."""
        uses = self.substances.uses(self.call_record)
        asked_for = then == "screened" and bool(uses)
        if not (self.is_answered or asked_for):
            return False
        if self.screen is None or self.screen.is_skipped:
            return True
        changed = self.screen.answers != self.answers().to_dict() or self.told_before != told(uses)
        # Hours have passed since: pressing the button again asks what holds now.
        return changed or (then == "screened" and not self.screen.override_level)

    # --- while it is being filled in ------------------------------------------------------------

    def rows_now(self) -> list[tuple[int, SubstanceUse]]:
        """Each substance told so far with the number of its row, the stored ones before a change.

        What cannot be read in a row counts as unknown, so that a slip hides no danger.
        """
        if not self.substances.is_bound:
            return list(enumerate(self.uses_before))
        self.substances.is_valid()
        return [
            (number, use)
            for number, form in enumerate(self.substances.forms)
            if (use := _readable_use(form, self.call_record))
        ]

    def answers_now(self) -> rules.Answers | None:
        """The answers told so far, for a sheet that was sent; None while nothing was answered."""
        for form in self.parts:
            form.is_valid()
        return self.answers() if self.is_answered else None

    @property
    def has_person_now(self) -> bool:
        """Whether it is known, or said, who needs help."""
        if not self.call.is_bound:
            return self.call_record.person_in_need is not None
        kind = self.call.cleaned_data.get("call_type")
        return kind in (Call.CallType.ABOUT_SELF, Call.CallType.ABOUT_OTHER) or (
            self.person.names_somebody or self.person.cleaned_data.get("age") is not None
        )

    @property
    def is_withheld_now(self) -> bool:
        """Whether a number was asked for and not given."""
        return bool(self.caller["number_withheld"].value())

    @property
    def has_number_now(self) -> bool:
        """Whether there is a number that could be rung."""
        if self.call.is_bound:
            return any(form.cleaned_data.get("phone") for form in (self.caller, self.person))
        people = (self.call_record.caller, self.call_record.person_in_need)
        return any(person.phone for person in people if person is not None)

    def is_heard(self, answers: rules.Answers | None, uses: Iterable[SubstanceUse]) -> bool:
        """Whether the stored screen has heard all of this."""
        if self.screen is None or answers is None:
            return self.screen is not None
        return self.screen.answers == answers.to_dict() and self.told_before == told(uses)


def _readable_use(form: Any, call: Call) -> SubstanceUse | None:
    form.is_valid()
    given = form.cleaned_data
    if not given.get("substance") or given.get("DELETE"):
        return None
    use: SubstanceUse = form.use(call)
    return use


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
