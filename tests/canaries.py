"""The canary world: every personal field of every model holds a token of its own.

The values are made from the models, so a new personal field is planted without anybody thinking
of it, and a new model without a record here fails ``test_canaries``. Whoever sees a token where
none may be asks ``World.sightings`` which field it came from.
"""

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from django.apps import apps
from django.conf import settings

from intake import crypto, models
from intake.rules.needs import Need
from intake.rules.safety import Answer, Answers, assess

PREFIX = "ZQX"
# Any of them may stand before 555-01xx; each gives a hundred numbers for invented people.
AREA_CODES = ("202", "303", "415", "512", "617", "206", "404", "713")


def personal_models():
    """Every model that holds something about a person."""
    return [model for model in apps.get_app_config("intake").get_models() if model.Privacy.personal]


@dataclass(frozen=True)
class Canary:
    """One planted value: where it belongs, and every way it might be written elsewhere."""

    place: str
    needles: tuple[str, ...]

    def __post_init__(self):
        object.__setattr__(self, "lowered", tuple(needle.lower() for needle in self.needles))


class Planter:
    """Gives each personal field a value nobody else has."""

    def __init__(self, now, *, is_walkable):
        self.now = now
        self.real_codes = real_codes(now) if is_walkable else {}
        self.canaries = []
        self.count = 0

    def plant(self, record):
        """Fill the personal fields of ``record`` and save it; blind indexes fill themselves."""
        model = type(record)
        for name in sorted(model.Privacy.personal):
            field = model._meta.get_field(name)
            if isinstance(field, crypto.BlindIndexField):
                continue
            self.count += 1
            place = f"{model.__name__}.{name}"
            if isinstance(field, crypto.LoneDigestField):
                digest, record.key_id = crypto.lone_digest(field.purpose, self.phone("")[0])
                setattr(record, name, digest)
                self.canaries.append(Canary(place, (digest.hex(),)))
                continue
            value, needles = self.value(place, field)
            setattr(record, name, value)
            self.canaries.append(Canary(place, needles))
        record.save(force_insert=True)
        for name in model.Privacy.personal:
            if isinstance(model._meta.get_field(name), crypto.BlindIndexField):
                digest = getattr(record, name)
                needles = (digest.hex(),) if digest else ()
                self.canaries.append(Canary(f"{model.__name__}.{name}", needles))
        return record

    def value(self, place, field):
        """The value for a field, and its needles."""
        token = f"{PREFIX}-{place.replace('.', '-').lower()}-{secrets.token_hex(4)}"
        if place in self.real_codes:
            value = self.real_codes[place](token)
            return value, (token,) if token in str(value) else ()
        for kind, make in self.MAKERS.items():
            if isinstance(field, kind):
                return make(self, token)
        raise TypeError(f"{place}: no canary is known for a {type(field).__name__}")

    def text(self, token):
        return token, (token,)

    def json(self, token):
        return {"a": [{token: [token, 1]}], "b": token}, (token,)

    def phone(self, token):
        area, last = AREA_CODES[self.count // 100], f"01{self.count % 100:02d}"
        number = f"+1{area}555{last}"
        needles = (
            f"{area}555{last}",
            f"{area}) 555-{last}",
            f"{area}-555-{last}",
            f"{area}.555.{last}",
            f"{area} 555 {last}",
        )
        return number, needles

    def integer(self, token):
        number = 71_390_000 + self.count
        return number, (str(number), f"{number:,}")

    def decimal(self, token):
        number = 60_480_000 + self.count
        return Decimal(f"{number}.25"), (str(number), f"{number:,}")

    def date(self, token):
        day = date(1931, 3, 1) + timedelta(days=self.count)
        return day, tuple(dates_written(day))

    def moment(self, token):
        at = datetime(1933, 3, 1, 16, 37, 11, tzinfo=UTC) + timedelta(days=self.count)
        local = at.astimezone(ZoneInfo(settings.HELPLINE_TIME_ZONE))
        needles = {
            needle
            for moment in (at, local)
            for needle in (*dates_written(moment.date()), f"{moment:%b} {moment.day}, 4:37")
        }
        return at, tuple(needles)

    def boolean(self, token):
        # One of two values gives nobody away; that it is encrypted is held by tests/repo.
        return True, ()

    MAKERS = {
        crypto.EncryptedTextField: text,
        crypto.EncryptedJSONField: json,
        crypto.EncryptedPhoneField: phone,
        crypto.EncryptedIntegerField: integer,
        crypto.EncryptedDecimalField: decimal,
        crypto.EncryptedDateField: date,
        crypto.EncryptedDateTimeField: moment,
        crypto.EncryptedBooleanField: boolean,
    }


def dates_written(day):
    """A date as anybody might print it."""
    yield day.isoformat()
    yield f"{day:%m/%d/%Y}"
    yield f"{day.month}/{day.day}/{day.year}"
    yield f"{day:%B} {day.day}, {day.year}"
    yield f"{day:%b} {day.day}, {day.year}"
    yield f"{day:%b}. {day.day}, {day.year}"


def real_codes(now):
    """What pages can be opened with: codes and figures of the trade where any text would be a
    fault of the data, with the token in whatever part of it is free."""
    answers = Answers(withdrawal_seizure=Answer.YES, age=41)
    assessment = assess(answers, ()).to_dict()
    exposure = {"substance": "clonazepam", "dose_mg": "2", "times_per_day": "2"}
    return {
        "Person.zip_code": lambda token: "20001",
        "Person.age": lambda token: 41,
        "Call.topics": lambda token: ["detox"],
        "Call.dependence_signs": lambda token: ["tolerance"],
        "Call.withdrawal_symptoms": lambda token: {"tremor": "severe"},
        "SheetDraft.typed": lambda token: [["call-narrative", token]],
        "StaffSearch.terms": lambda token: {"text": token},
        "SubstanceUse.substance": lambda token: "clonazepam",
        "SubstanceUse.source": lambda token: "street",
        "SubstanceUse.route": lambda token: "swallowed",
        "SubstanceUse.dose_mg": lambda token: Decimal("2.5"),
        "SubstanceUse.times_a_day": lambda token: Decimal(2),
        "SubstanceUse.days_a_week": lambda token: 6,
        "SubstanceUse.weeks_of_use": lambda token: 104,
        "SubstanceUse.last_used_at": lambda token: now - timedelta(days=2),
        "SubstanceUse.last_used_precision": lambda token: "day",
        "SubstanceUse.recent_cut_percent": lambda token: 40,
        "SafetyScreen.answers": lambda token: {**answers.to_dict(), "note": token},
        "SafetyScreen.exposures": lambda token: [{**exposure, "note": token}],
        "SafetyScreen.assessment": lambda token: {
            **assessment,
            "findings": [
                {**finding, "title": token, "advice": token, "say": token}
                for finding in assessment["findings"]
            ],
        },
        "InsurancePolicy.payer_kind": lambda token: "PI",
        "InsurancePolicy.payer_phone": lambda token: "+13125550189",
        "InsurancePolicy.policyholder_relationship": lambda token: "self",
        "InsuranceCheck.levels_wanted": lambda token: ["3.7-WM"],
        "InsuranceCheck.coverage": lambda token: "active",
        "Benefit.level_of_care": lambda token: "3.7-WM",
        "Benefit.covered": lambda token: "yes",
        "Benefit.preauthorization": lambda token: "yes",
        "HandOver.digest": lambda token: {
            "high_risk": [
                {
                    "id": str(UUID(int=0)),
                    "reference": token,
                    "at": now.isoformat(),
                    "level": "high",
                    "open": True,
                    "action": "",
                    "callback_at": "",
                }
            ]
        },
        "Referral.need": lambda token: as_stored(Need(), token),
        "Referral.list_shown": lambda token: [list_row(token)],
        "Referral.list_explained": lambda token: {
            "explanation": token,
            "found": 1,
            "radius_miles": 50,
            "widened": False,
            "not_matched": {token: 1},
            "near_misses": [list_row(token)],
        },
    }


def as_stored(need, token):
    from intake.actions import needs

    return {**needs.as_stored(need, zip_code="20001"), "note": token}


def list_row(token):
    return {
        "facility": str(UUID(int=0)),
        "name": token,
        "program_name": token,
        "city": "Springfield",
        "state": "DC",
        "phone": "+17025550188",
        "relationship": "none",
        "distance_miles": 7,
        "reasons_for": [token],
        "reasons_against": [],
        "to_confirm": [token],
        "capacity": [],
    }


NAMES = "|".join(["typed", *(model.__name__.lower() for model in personal_models())])
TOKEN_CUT_SHORT = re.compile(f"{PREFIX.lower()}-({NAMES})-[a-z_]*")


class World:
    """One call of each kind with all that can hang on it, every personal field a canary.

    ``is_walkable``: pages are going to be opened, so codes are real codes. Otherwise they are
    tokens too, and so is every figure.
    """

    def __init__(self, *, agent, other_agent, supervisor, now, is_walkable=True):
        self.agent, self.other_agent, self.supervisor = agent, other_agent, supervisor
        self.now, self.hour = now, timedelta(hours=1)
        self.planter = Planter(now, is_walkable=is_walkable)
        self.records = []
        self.build()

    @property
    def canaries(self):
        return self.planter.canaries

    def of(self, model):
        """The records of one model, in the order they were made."""
        return [record for record in self.records if type(record) is model]

    # --- what was seen --------------------------------------------------------------------------

    def sightings(self, seen, *, but=()):
        """The fields whose canary stands in ``seen`` (text or bytes), except those in ``but``."""
        text = seen.decode("utf-8", "replace") if isinstance(seen, bytes) else str(seen)
        lowered = text.lower()
        found = {
            canary.place
            for canary in self.canaries
            if any(needle in lowered for needle in canary.lowered)
        }
        if not found and (piece := TOKEN_CUT_SHORT.search(lowered)):
            found.add(f"a piece of {piece[0]}")
        return found - set(but)

    # --- building it ----------------------------------------------------------------------------

    def add(self, model, **fields):
        record = model(**fields)
        if model.Privacy.personal:
            self.planter.plant(record)
        else:
            record.save(force_insert=True)
        self.records.append(record)
        return record

    def build(self):
        self.people()
        self.calls()
        self.insurance()
        self.directory()
        self.referrals()
        self.callbacks()
        self.oversight()

    def people(self):
        told = {
            "time_zone": "America/New_York",
            "time_zone_source": "zip",
            "safe_to_call": True,
            "voicemail_rule": "full",
            "may_say_who_is_calling": True,
            "created_at": self.now,
        }
        self.caller = self.add(models.Person, **told)
        self.add(models.PersonNameWord, person=self.caller)
        self.in_need = self.add(models.Person, **told)
        self.from_web = self.add(models.Person, **told)

    def calls(self):
        self.open_call = self.call(call_type="about_other")
        ended = {"status": "closed", "disposition": "referred", "closed_by": self.agent}
        self.closed_call = self.call(call_type="about_other", closed_at=self.now, **ended)
        self.screen(self.open_call)
        overridden = {"override_level": "high", "overridden_at": self.now}
        self.screen(self.closed_call, **overridden, overridden_by=self.supervisor)
        self.screen(self.closed_call, is_current=False, is_skipped=True)
        self.add(models.CallAmendment, call=self.closed_call, **self.made("made"))
        for key in (self.open_call.pk, models.base.new_id()):
            self.add(models.SheetDraft, call_key=key, **self.made("typed"))

    def call(self, **fields):
        call = self.add(
            models.Call,
            caller=self.caller,
            person_in_need=self.in_need,
            started_at=self.now - self.hour,
            taken_by=self.agent,
            **fields,
        )
        self.add(models.SubstanceUse, call=call)
        return call

    def screen(self, call, **fields):
        return self.add(
            models.SafetyScreen,
            call=call,
            rule_set_version="1",
            level="moderate",
            **self.made("screened"),
            **fields,
        )

    def made(self, verb):
        return {f"{verb}_at": self.now - self.hour, f"{verb}_by": self.agent}

    def insurance(self):
        self.policies = [
            self.add(models.InsurancePolicy, person=self.in_need, created_at=self.now)
            for _number in range(5)
        ]
        self.consents = {
            scope: self.add(
                models.Consent,
                person=self.in_need,
                scope=scope,
                given_how="verbal",
                wording_version="1",
                **self.made("recorded"),
            )
            for scope in models.Consent.Scope.values
        }
        # The first and the last stay free to be asked about.
        self.check(self.open_call, self.policies[1])
        taken = {"taken_at": self.now, "taken_by": self.agent}
        self.check(self.open_call, self.policies[2], status="in_progress", **taken)
        answered = {
            "status": "verified",
            "answered_at": self.now,
            "answered_by": self.agent,
            "expires_at": self.now + timedelta(days=30),
        }
        verified = self.check(self.closed_call, self.policies[3], **taken, **answered)
        self.add(models.Benefit, insurance_check=verified)
        for scope, purpose in (("health_plan", "insurance_check"), ("facilities", "referral")):
            self.add(
                models.Disclosure,
                person=self.in_need,
                consent=self.consents[scope],
                purpose=purpose,
                fields_told=["name"],
                notice_version="1",
                **self.made("disclosed"),
            )

    def check(self, call, policy, **fields):
        return self.add(
            models.InsuranceCheck,
            call=call,
            policy=policy,
            consent=self.consents["health_plan"],
            **self.made("requested"),
            **fields,
        )

    def directory(self):
        self.add(
            models.DirectoryEdition,
            file_name="invented.xlsx",
            file_digest="0" * 64,
            imported_at=self.now,
            rows_read=0,
            rows_added=0,
            rows_updated=0,
            rows_unchanged=0,
            rows_refused=0,
            rows_relisted=0,
            rows_unlisted=0,
        )
        self.add(
            models.ServiceCode,
            code="BDTX",
            name="Benzodiazepines detoxification",
            category_code="DET",
            category_name="Detoxification",
        )
        self.facilities = [
            self.add(
                models.Facility,
                source_key=f"invented-{number}",
                name=f"Invented Detox {number}",
                city="Springfield",
                state="DC",
                zip_code="20001",
                phone="+17025550188",
                service_codes=" BDTX DT HID RD PI ",
                latitude=38.91,
                longitude=-77.02,
                time_zone="America/New_York",
                first_listed_at=self.now,
                last_listed_at=self.now,
            )
            for number in range(4)
        ]
        self.add(
            models.CapacityReading,
            facility=self.facilities[0],
            level_of_care="3.7-WM",
            beds_free=2,
            source="phone",
            expires_at=self.now + self.hour,
            **self.made("read"),
        )

    def referrals(self):
        consent = self.consents["facilities"]
        self.open_referral = self.add(
            models.Referral, call=self.open_call, consent=consent, **self.made("searched")
        )
        placed = self.add(
            models.Referral,
            call=self.closed_call,
            consent=consent,
            status="placed",
            **self.made("searched"),
        )
        self.offer(self.open_referral, 0)
        self.offer(self.open_referral, 1, status="acknowledged", acknowledged_at=self.now)
        decided = {"decided_at": self.now, "decided_by": self.agent}
        self.offer(placed, 2, status="accepted", expected_at=self.now + self.hour, **decided)
        self.offer(placed, 3, status="declined", decline_reason="no_bed", **decided)

    def offer(self, referral, number, **fields):
        return self.add(
            models.ReferralOffer,
            referral=referral,
            facility=self.facilities[number],
            **self.made("sent"),
            **fields,
        )

    def callbacks(self):
        claimed = {"claimed_at": self.now, "claimed_by": self.agent, "owner": self.agent}
        self.callback(self.caller, self.open_call, **claimed)
        self.callback(self.from_web, None, source="web", due_at=self.now + self.hour)
        closed = {"status": "reached", "closed_at": self.now}
        self.callback(self.caller, self.closed_call, **closed)
        self.held_request()
        self.add(models.BlockedNumber, reason="declined", blocked_at=self.now, user=self.agent)
        self.phone()
        self.add(
            models.Branding,
            name="Northern Lights",
            accent="#7a2048",
            begun_at=self.now,
            begun_by=self.supervisor,
        )

    def held_request(self):
        """What the limits of the form held back, and what was ordered about many of them."""
        self.add(
            models.Callback,
            person=self.from_web,
            source="web",
            status="held",
            held_because="number",
            due_at=self.now + self.hour,
            time_zone="America/New_York",
            requested_at=self.now - self.hour,
        )
        self.add(
            models.ReviewOrder,
            because="ceiling",
            ordered_at=self.now - self.hour,
            ordered_by=self.agent,
            done_at=self.now,
        )
        self.add(models.Allowance, began_at=self.now)
        self.add(models.OnlineStop, stopped_at=self.now)

    def phone(self):
        """What went out and came in over the phone system."""
        self.add(
            models.TextMessage,
            reminder=self.of(models.Reminder)[0],
            plan=1,
            wording="2026.1.en",
            outcome="accepted",
            tried_at=self.now,
        )
        self.add(models.TextStop, person=self.from_web, stopped_at=self.now)
        self.add(
            models.PhoneEvent,
            event_digest="a" * 64,
            kind="text_received",
            occurred_at=self.now,
            received_at=self.now,
            result="wants_no_calls",
            callback=self.of(models.Callback)[1],
        )

    def callback(self, person, call, *, due_at=None, **fields):
        due_at = due_at or self.now - self.hour
        callback = self.add(
            models.Callback,
            person=person,
            call=call,
            source=fields.pop("source", "agent"),
            due_at=due_at,
            time_zone="America/New_York",
            requested_at=self.now - 2 * self.hour,
            first_attempt_at=self.now - self.hour,
            first_deadline_at=due_at,
            **fields,
        )
        self.add(
            models.Attempt,
            callback=callback,
            number=1,
            outcome="no_answer",
            number_shown_at=self.now,
            **self.made("made"),
        )
        self.reminders(callback, owner=fields.get("owner"))
        return callback

    def reminders(self, callback, *, owner):
        for stage, for_supervisors in (("due", False), ("breach", True)):
            sent = self.add(
                models.Reminder,
                callback=callback,
                stage=stage,
                channel="in_app",
                due_at=callback.due_at,
                next_try_at=callback.due_at,
                status="sent",
                sent_at=self.now,
            )
            self.add(
                models.Notice,
                reminder=sent,
                plan=1,
                recipient=None if for_supervisors else owner,
                for_supervisors=for_supervisors,
                shown_from=self.now,
            )
            self.add(
                models.Reminder,
                callback=callback,
                stage=stage,
                channel="email",
                due_at=callback.due_at,
                next_try_at=callback.due_at,
                status="planned" if stage == "due" else "dead",
            )

    def oversight(self):
        self.searches = [
            self.add(models.StaffSearch, target=target, made_at=self.now, made_by=made_by)
            for target, made_by in (
                ("caller", self.agent),
                ("caller", self.other_agent),
                ("call", self.other_agent),
            )
        ]
        self.add(models.Heartbeat, name="beat", seen_at=self.now)
        self.answers()
        self.shift()
        self.audit()

    def shift(self):
        """Two hand-overs, one of them read; a hard call."""
        ahead = {"covers_until": self.now + 8 * self.hour}
        self.add(models.HandOver, written_at=self.now, written_by=self.other_agent, **ahead)
        read = self.add(models.HandOver, **self.made("written"), **ahead)
        self.add(
            models.HandOverAcknowledgement,
            hand_over=read,
            acknowledged_at=self.now,
            acknowledged_by=self.supervisor,
        )
        self.add(models.Debrief, call=self.open_call, **self.made("asked"))

    def answers(self):
        written = {"title": "Invented answer", "say": "Say it.", "text": "In full.", "sources": []}
        retired = {"retired_at": self.now, "retired_by": self.supervisor}
        self.add(models.AnswerCard, key="invented", topic="withdrawal", **written)
        self.add(models.AnswerCard, key="retired", topic="withdrawal", **written, **retired)
        self.add(models.AnswerFeedback, call_key=self.open_call.pk, **self.made("given"))

    def audit(self):
        """An event, a seal and a key, so that their pages have something to show."""
        from intake.actions import events
        from intake.crypto.checks import verify_keyring

        for call in self.of(models.Call):
            events.write("call.opened", by=self.agent, now=self.now, subject=call)
        events.seal(now=self.now)
        self.records += [models.Event.objects.latest("id"), models.EventSeal.objects.latest("id")]
        verify_keyring()
        self.records.append(models.KeyCheck.objects.first())
