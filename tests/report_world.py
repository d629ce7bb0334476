"""Rows for the reports' tests, placed to the second; nothing here but what a report counts."""

from datetime import UTC, datetime, timedelta

from intake.models import (
    Attempt,
    Call,
    Callback,
    Consent,
    Facility,
    InsuranceCheck,
    InsurancePolicy,
    Person,
    Referral,
    ReferralOffer,
    SafetyScreen,
)


def utc(text):
    """A moment such as "2026-03-08 06:59:59"."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class World:
    """Everything is done by one agent; each method saves one row and gives it back."""

    def __init__(self, agent):
        self.agent = agent

    def person(self, **fields):
        fields.setdefault("time_zone", "America/New_York")
        return self._saved(Person(created_at=utc("2026-01-01"), **fields))

    def call(self, at, *, kind="about_self", ended_as="information_given", **fields):
        """A closed call; ``ended_as=""`` leaves it open."""
        at = utc(at)
        if ended_as:
            fields |= {"status": "closed", "closed_at": at, "closed_by": self.agent}
        return self._saved(
            Call(
                started_at=at,
                call_type=kind,
                disposition=ended_as,
                taken_by=self.agent,
                **fields,
            )
        )

    def call_about(self, person, at, **fields):
        return self.call(at, caller=person, person_in_need=person, **fields)

    def screen(self, call, at=None, **fields):
        at = utc(at) if at else call.started_at
        fields.setdefault("level", "moderate")
        if acted := fields.pop("acted", None):
            fields |= {
                "action_taken": "called_911",
                "acted_at": utc(acted),
                "acted_by": self.agent,
            }
        return self._saved(
            SafetyScreen(
                call=call,
                rule_set_version="1",
                screened_at=at,
                screened_by=self.agent,
                **fields,
            )
        )

    def check(self, call, at):
        person = call.person_in_need or self.person()
        policy = self._saved(
            InsurancePolicy(
                person=person,
                payer_name="Example Mutual",
                member_id="X1",
                policyholder_name="Maria Invented",
                created_at=utc(at),
            )
        )
        return self._saved(
            InsuranceCheck(
                call=call,
                policy=policy,
                consent=self.consent(person),
                requested_at=utc(at),
                requested_by=self.agent,
            )
        )

    def consent(self, person):
        return self._saved(
            Consent(
                person=person,
                scope="health_plan",
                information="Name",
                recipient="The health plan",
                given_how="verbal",
                wording_version="1",
                recorded_at=utc("2026-01-01"),
                recorded_by=self.agent,
            )
        )

    def offer(self, call, at, *, arrived=None):
        referral = self._saved(Referral(call=call, searched_at=utc(at), searched_by=self.agent))
        fields = {}
        if arrived:
            fields = {
                "status": "arrived",
                "decided_at": utc(at),
                "decided_by": self.agent,
                "arrived_at": utc(arrived),
            }
        return self._saved(
            ReferralOffer(
                referral=referral,
                facility=self.facility(),
                sent_at=utc(at),
                sent_by=self.agent,
                **fields,
            )
        )

    def facility(self):
        number = Facility.objects.count()
        return self._saved(
            Facility(
                source_key=f"invented-{number}",
                name="Invented Detox",
                street="1 Example St",
                city="Springfield",
                state="DC",
                zip_code="20001",
                first_listed_at=utc("2026-01-01"),
                last_listed_at=utc("2026-01-01"),
            )
        )

    def callback(self, due, *, tried=(), status=None, closed=None, window=None, **fields):
        """``tried``: moments of the attempts; the last one reaches the person if ``status`` says."""
        fields.setdefault("source", "agent")
        fields.setdefault("requested_at", utc(due) - timedelta(hours=1))
        fields.setdefault("time_zone", "America/New_York")
        fields.setdefault("person", None)
        fields["person"] = fields["person"] or self.person()
        moments = [utc(at) for at in tried]
        deadline = utc(window) if window else utc(due)
        if moments:
            fields |= {"first_attempt_at": moments[0], "first_deadline_at": deadline}
        if status:
            fields |= {"status": status, "closed_at": utc(closed) if closed else moments[-1]}
        callback = self._saved(
            Callback(due_at=utc(due), window_ends_at=utc(window) if window else None, **fields)
        )
        for number, at in enumerate(moments, start=1):
            is_last = number == len(moments)
            reached = status == "reached" and is_last
            self._saved(
                Attempt(
                    callback=callback,
                    number=number,
                    outcome="reached" if reached else "no_answer",
                    identity_confirmed=reached,
                    number_shown_at=at,
                    made_at=at,
                    made_by=self.agent,
                )
            )
        return callback

    @staticmethod
    def _saved(record):
        record.save(force_insert=True)
        return record
