"""Answer cards: written, confirmed, read out on the right call, and worth something or not."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import RequestFactory
from django.urls import reverse

from intake.actions import answer_files, answer_marks, answers, events
from intake.actions.answers import CardText
from intake.admin import answer_cards
from intake.admin.filled_sheet import FilledSheet
from intake.admin.live_sheet import evaluated
from intake.models import AnswerCard, AnswerFeedback, Call, Event
from intake.rules.card_fit import Situation, fit, situation
from intake.rules.safety import Answer, Answers, Exposure
from tests import casting
from tests.racing import at_once
from tests.sheets import text_of

pytestmark = pytest.mark.django_db

SOURCE = {"title": "An invented guideline", "where": "shelf 3"}


def text(**changes):
    given = {
        "title": "Why sleep is poor",
        "say": "Poor sleep is common. It gets better.",
        "text": "Many people sleep badly at first.\n\n- It passes.\n- Ask for help.",
        "topic": "withdrawal",
        "sources": [SOURCE],
        "for_substances": ["benzodiazepine"],
        "for_signs": ["insomnia"],
    }
    return CardText(**given | changes)


@pytest.fixture
def card(supervisor, now, frozen):
    return answers.write(given=text(), by=supervisor, now=now)


def verbs():
    return sorted(Event.objects.values_list("verb", flat=True))


# --- Writing and confirming ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"title": " "}, answers.CardIncomplete),
        ({"say": ""}, answers.CardIncomplete),
        ({"topic": "gossip"}, answers.UnknownCode),
        ({"sources": []}, answers.NoSource),
        ({"sources": [{"title": "Only this"}]}, answers.NoSource),
        ({"text": "Take 2 mg."}, answers.NamesADose),
        ({"say": "Half a tablet."}, answers.NamesADose),
        ({"for_signs": ["no such/code"]}, answers.UnknownCode),
    ],
)
def test_a_card_without_what_it_needs_is_refused(supervisor, now, card, change, refusal):
    with pytest.raises(refusal):
        answers.write(given=text(**{"title": "Another"} | change), by=supervisor, now=now)
    with pytest.raises(refusal):
        answers.change(card=card, given=text(**change), version=1, by=supervisor, now=now)
    assert AnswerCard.objects.get().version == 1


def test_a_key_is_taken_once_a_language(supervisor, now, card):
    assert card.key == "why-sleep-is-poor"
    with pytest.raises(answers.KeyTaken):
        answers.write(given=text(), by=supervisor, now=now)
    answers.write(given=text(), key=card.key, language="es", by=supervisor, now=now)
    assert AnswerCard.objects.count() == 2


def test_a_change_takes_the_review_away_and_the_second_editor_is_told(supervisor, agent, now, card):
    answers.review(card=card, version=1, by=supervisor, now=now)
    answer_marks.mark_helped(card=card, version=1, call_key=None, helped=True, by=agent, now=now)
    card.refresh_from_db()
    mine, theirs = (AnswerCard.objects.get(pk=card.pk) for _editor in "12")
    answers.change(card=mine, given=text(say="Newer."), version=1, by=supervisor, now=now)
    with pytest.raises(answers.CardChanged):
        answers.change(card=theirs, given=text(say="Mine!"), version=1, by=supervisor, now=now)
    stored = AnswerCard.objects.get(pk=card.pk)
    assert (stored.say, stored.version, stored.reviewed_at) == ("Newer.", 2, None)
    assert (stored.helped_count, stored.changed_by) == (0, supervisor)
    assert verbs() == ["answer.changed", "answer.marked", "answer.reviewed", "answer.written"]
    changed = Event.objects.get(verb="answer.changed").detail
    assert changed == {"version": 2, "fields": ["say"], "helped": 1, "not_helped": 0}


def test_a_review_is_of_the_version_that_was_read(supervisor, now, card):
    answers.change(card=card, given=text(say="Newer."), version=1, by=supervisor, now=now)
    with pytest.raises(answers.CardChanged):
        answers.review(card=card, version=1, by=supervisor, now=now)
    with pytest.raises(answers.UnknownCode):
        answers.review(card=card, version=2, months=120, by=supervisor, now=now)
    answers.review(card=card, version=2, by=supervisor, now=now)
    # Six months of the calendar, on the clock of New York.
    assert card.review_due_at.isoformat() == "2026-09-10T14:00:00+00:00"


@pytest.mark.parametrize(
    ("at", "months", "due"),
    [
        ("2026-08-31T16:00:00+00:00", 6, "2027-02-28T17:00:00+00:00"),
        ("2026-12-15T16:00:00+00:00", 1, "2027-01-15T16:00:00+00:00"),
        ("2027-08-31T03:30:00+00:00", 6, "2028-03-01T04:30:00+00:00"),
    ],
)
def test_months_are_those_of_the_calendar(now, at, months, due):
    assert answers.months_after(now.fromisoformat(at), months).isoformat() == due


def test_a_review_falls_due_and_supervisors_are_told(supervisor, now, card, frozen):
    state = answer_cards.review_state(card, now)
    assert state["label"] == "Not reviewed here yet"
    assert not answer_cards.overdue_reviews(now + timedelta(days=900)).exists()
    answers.review(card=card, version=1, by=supervisor, now=now)
    state = answer_cards.review_state(card, now)
    assert state["text"] == "Reviewed Mar 10, 2026 by sam, due again Sep 10, 2026"
    late = card.review_due_at
    assert not answer_cards.overdue_reviews(late - timedelta(seconds=1)).exists()
    assert list(answer_cards.overdue_reviews(late)) == [card]
    assert answer_cards.review_state(card, late)["label"] == "Review overdue"
    answers.retire(card=card, by=supervisor, now=now)
    assert not answer_cards.overdue_reviews(late).exists()


def test_a_retired_card_is_not_worked_on_until_it_is_brought_back(supervisor, agent, now, card):
    answers.review(card=card, version=1, by=supervisor, now=now)
    with pytest.raises(answers.CardNotRetired):
        answers.restore(card=card, by=supervisor, now=now)
    answers.retire(card=card, by=supervisor, now=now)
    marking = {"version": 1, "call_key": None, "helped": True}
    for refused in (
        lambda: answers.retire(card=card, by=supervisor, now=now),
        lambda: answers.change(card=card, given=text(), version=1, by=supervisor, now=now),
        lambda: answers.review(card=card, version=1, by=supervisor, now=now),
        lambda: answer_marks.mark_helped(card=card, by=agent, now=now, **marking),
    ):
        with pytest.raises(answers.CardRetired):
            refused()
    answers.restore(card=card, by=supervisor, now=now)
    stored = AnswerCard.objects.get()
    assert (stored.retired_at, stored.reviewed_at) == (None, None)


def test_the_public_site_gets_reviewed_public_cards_only(supervisor, now, card):
    public = answers.write(given=text(title="For all", is_public=True), by=supervisor, now=now)
    assert not AnswerCard.objects.for_the_public().exists()
    for each in (card, public):
        answers.review(card=each, version=1, by=supervisor, now=now)
    assert list(AnswerCard.objects.for_the_public()) == [public]
    answers.retire(card=public, by=supervisor, now=now)
    assert not AnswerCard.objects.for_the_public().exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"reviewed_at": True},
        {"reviewed_at": True, "reviewed_by": True},
        {"reviewed_at": True, "reviewed_by": True, "review_due_at": True},
        {"retired_at": True},
        {"changed_by": None},
        {"version": 0},
    ],
)
def test_the_database_refuses_half_a_review(supervisor, now, card, changes):
    given = {"reviewed_at": now, "review_due_at": now, "retired_at": now, "reviewed_by": supervisor}
    columns = {name: given[name] if value is True else value for name, value in changes.items()}
    with pytest.raises(IntegrityError), transaction.atomic():
        AnswerCard.objects.filter(pk=card.pk).update(**columns)


# --- Whether it helped ---------------------------------------------------------------------------


def counts(card):
    card.refresh_from_db()
    return card.helped_count, card.not_helped_count


def test_the_last_word_of_each_person_on_each_call_counts(agent, other_agent, now, card):
    call, other_call = uuid4(), uuid4()

    def mark(helped, by=agent, call_key=call):
        return answer_marks.mark_helped(
            card=card, version=card.version, call_key=call_key, helped=helped, by=by, now=now
        )

    mark(True)
    mark(False)
    assert (counts(card), AnswerFeedback.objects.count()) == ((0, 1), 1)
    with pytest.raises(answer_marks.AlreadyMarked):
        mark(False)
    mark(True)
    mark(True, by=other_agent)
    mark(False, call_key=other_call)
    mark(True, call_key=None)
    assert (counts(card), AnswerFeedback.objects.count()) == ((3, 1), 4)
    with pytest.raises(answers.CardChanged):
        answer_marks.mark_helped(
            card=card, version=2, call_key=call, helped=True, by=agent, now=now
        )
    said = {
        key: answer_marks.marks_of([card], call_key=key, by=agent) for key in (call, other_call)
    }
    assert said == {call: {card.pk: True}, other_call: {card.pk: False}}
    assert answer_marks.marks_of([card], call_key=None, by=agent) == {card.pk: True}
    assert answer_marks.marks_of([card], call_key=None, by=other_agent) == {}


def test_one_row_a_card_call_and_person_in_the_database_too(agent, now, card):
    call = uuid4()
    answer_marks.mark_helped(card=card, version=1, call_key=call, helped=True, by=agent, now=now)
    about = answer_marks.about_of(card, call_key=call, by=agent)
    twin = AnswerFeedback(call_key=call, about=about, helped=False, given_at=now, given_by=agent)
    with pytest.raises(IntegrityError), transaction.atomic():
        twin.save()


@pytest.mark.django_db(transaction=True)
def test_many_at_once_leave_one_word_and_one_text(agent, supervisor, now):
    card, call = answers.write(given=text(), by=supervisor, now=now), uuid4()

    def mark():
        answer_marks.mark_helped(
            card=card, version=1, call_key=call, helped=True, by=agent, now=now
        )

    def edit():
        mine = AnswerCard.objects.get(pk=card.pk)
        answers.change(card=mine, given=text(say="Newer."), version=1, by=supervisor, now=now)

    assert sorted(at_once(*[mark] * 6)) == ["AlreadyMarked"] * 5 + ["done"]
    assert (counts(card), AnswerFeedback.objects.count()) == ((1, 0), 1)
    assert sorted(at_once(*[edit] * 6)) == ["CardChanged"] * 5 + ["done"]
    assert AnswerCard.objects.get().version == 2


def test_which_card_a_call_was_about_stands_nowhere_in_clear(agent, now, card):
    call = uuid4()
    answer_marks.mark_helped(card=card, version=1, call_key=call, helped=True, by=agent, now=now)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM intake_answerfeedback")
        row = cursor.fetchone()
    stored = "|".join(
        bytes(value).hex() if isinstance(value, bytes | memoryview) else str(value) for value in row
    )
    assert str(call) in stored or call.hex in stored
    for needle in (str(card.pk), card.pk.hex, card.key, str(card.pk).encode().hex()):
        assert needle not in stored
    event = Event.objects.get(verb="answer.marked")
    assert (event.subject_id, event.detail) == ("", {"call": str(call)})


# --- Which cards fit -----------------------------------------------------------------------------


def keys_for(**told):
    given = {"answers": None, "exposures": ()} | told
    return [card.key for card in answer_cards.fitting(situation(**given))]


def test_a_sign_weighs_more_than_a_drug_and_a_drug_more_than_its_class():
    at_hand = Situation(
        frozenset({"clonazepam"}), frozenset({"benzodiazepine"}), frozenset({"R10"})
    )
    by_sign, by_drug, by_class, by_none = (
        fit([], ["R10"], at_hand),
        fit(["clonazepam"], [], at_hand),
        fit(["benzodiazepine"], [], at_hand),
        fit(["alcohol"], ["pregnant"], at_hand),
    )
    assert by_sign > by_drug > by_class > by_none == 0


def test_the_cards_follow_what_was_told(now):
    answer_files.load(by=events.SYSTEM, now=now)
    klonopin = Exposure("clonazepam", stopped_abruptly=Answer.YES)
    assert keys_for() == []
    assert keys_for(exposures=[klonopin], rule_ids=["R10"])[:3] == [
        "withdrawal-signs",
        "do-not-stop-suddenly",
        "feeling-fine-after-stopping",
    ]
    pregnant = Answers(pregnant=Answer.YES)
    assert "pregnancy" in keys_for(answers=pregnant, exposures=[klonopin], rule_ids=["R10", "R13"])
    assert keys_for(answers=Answers(age=71), rule_ids=["R14"]) == ["older-adults"]
    for told, first in (
        ({"exposures": [Exposure("alcohol")]}, "mixing-alcohol"),
        ({"exposures": [Exposure("cocaine")]}, "mixing-stimulants"),
        ({"exposures": [Exposure("fentanyl")]}, "overdose-naloxone"),
        ({"routes": ["snorted", "swallowed", ""]}, "snorting"),
        ({"topics": ["cost"]}, "insurance"),
        ({"about_other": True}, "supporting-someone"),
        ({"answers": Answers(signs=("runs_out_early",))}, "ran-out-early"),
        ({"answers": Answers(ptsd=Answer.YES)}, "dual-diagnosis"),
    ):
        assert keys_for(**told)[0] == first
    assert len(keys_for(exposures=[klonopin, Exposure("alcohol"), Exposure("fentanyl")])) == 5


def test_an_unanswered_question_brings_no_card(now):
    answer_files.load(by=events.SYSTEM, now=now)
    assert keys_for(answers=Answers()) == []


def test_a_card_in_the_callers_language_stands_for_the_english_one(supervisor, now, card):
    spanish = answers.write(
        given=text(title="Por qué"), key=card.key, language="es", by=supervisor, now=now
    )
    at_hand = Situation(signs=frozenset({"insomnia"}))
    assert answer_cards.fitting(at_hand, language="es") == [spanish]
    assert answer_cards.fitting(at_hand, language="zh") == [card]
    answers.retire(card=spanish, by=supervisor, now=now)
    assert answer_cards.fitting(at_hand, language="es") == [card]


# --- Beside the sheet ----------------------------------------------------------------------------


@pytest.fixture
def live(agent, now, frozen):
    """The stored sheet of a call about Klonopin stopped two days ago, as the page takes it."""
    answer_files.load(by=events.SYSTEM, now=now)
    call = casting.screened_call(agent=agent, now=now)
    request = RequestFactory().get("/")
    request.user = agent
    return evaluated(request, call, FilledSheet(call, now=now), now=now)


def test_the_fragment_shows_what_fits_and_how_far_it_is_trusted(live, agent, now):
    page = answer_cards.cards_for(live)
    assert page.count("<details") == 5
    assert 'id="answer-do-not-stop-suddenly"' in page
    assert "Not reviewed here yet" in page
    assert 'aria-pressed="true"' not in page
    assert "hx-swap-oob" not in page
    card = AnswerCard.objects.get(key="do-not-stop-suddenly", language="en")
    answer_marks.mark_helped(
        card=card, version=1, call_key=live.call.pk, helped=True, by=agent, now=now
    )
    assert page != answer_cards.cards_for(live)
    assert 'id="mark-do-not-stop-suddenly-yes" aria-pressed="true"' in answer_cards.cards_for(live)


def test_the_same_call_gives_the_same_fragment_by_two_queries(live, django_assert_num_queries):
    first = answer_cards.cards_for(live)
    with django_assert_num_queries(2):
        again = answer_cards.cards_for(live)
    assert first == again


def test_nothing_told_brings_no_card_and_says_why(agent, now, frozen):
    request = RequestFactory().get("/")
    request.user = agent
    call = Call(started_at=now)
    page = answer_cards.cards_for(evaluated(request, call, FilledSheet(call, now=now), now=now))
    assert "They come up as you fill in" in page
    assert "<details" not in page


# --- Pages ---------------------------------------------------------------------------------------

LIST = "/admin/intake/answercard/"
MARK = f"{LIST}mark/"


def page_of(card, page="change"):
    return reverse(f"admin:intake_answercard_{page}", args=[card.pk])


def posted(card, **changes):
    given = {
        "version": card.version,
        "title": card.title,
        "say": card.say,
        "text": card.text,
        "topic": card.topic,
        "sources": "\n".join(f"{source['title']} | {source['where']}" for source in card.sources),
        "for_substances": card.for_substances,
        "for_signs": card.for_signs,
        "position": card.position,
    }
    return given | changes


def test_agents_read_and_mark_but_do_not_write(client_for, agent, card):
    browser = client_for(agent)
    assert card.title in text_of(browser.get(LIST))
    assert "shelf 3" in text_of(browser.get(page_of(card)))
    for page in ("edit", "review", "retire", "restore"):
        assert browser.get(page_of(card, page)).status_code == 403
    assert browser.get(f"{LIST}add/").status_code == 403


def test_others_do_not_see_cards(client_for, privacy_officer, administrator, card):
    for user in (privacy_officer, administrator):
        browser = client_for(user)
        assert browser.get(LIST).status_code == 403
        assert browser.get(page_of(card)).status_code == 403
        assert browser.post(MARK).status_code == 403


def test_the_audit_says_that_a_card_was_read_and_not_which(client_for, agent, card):
    browser = client_for(agent)
    browser.get(LIST, {"topic": "withdrawal"})
    browser.get(page_of(card))
    read = Event.objects.filter(verb__endswith=".read").order_by("verb")
    assert [(event.verb, event.subject_id, event.detail) for event in read] == [
        ("list.read", "", {"model": "answercard"}),
        ("record.read", "", {"model": "answercard"}),
    ]


def test_a_supervisor_writes_changes_reviews_and_retires(client_for, supervisor, now, card):
    browser = client_for(supervisor)
    new = posted(card, title="Another one", language="en", key="")
    browser.post(f"{LIST}add/", new)
    written = AnswerCard.objects.get(key="another-one")
    assert browser.post(f"{LIST}add/", new).status_code == 422
    browser.post(page_of(written, "edit"), posted(written, say="Other words."))
    browser.post(page_of(written, "review"), {"version": 2, "confirmed": "on", "months": "3"})
    written.refresh_from_db()
    assert (written.say, written.version, written.reviewed_by) == ("Other words.", 2, supervisor)
    assert written.review_due_at.isoformat() == "2026-06-10T14:00:00+00:00"
    assert "due again Jun 10, 2026" in text_of(browser.get(page_of(written)))
    browser.post(page_of(written, "retire"))
    assert written.title not in text_of(browser.get(LIST))
    assert written.title in text_of(browser.get(LIST, {"state": "retired"}))
    browser.post(page_of(written, "restore"))
    assert written.title in text_of(browser.get(LIST, {"state": "unreviewed"}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"text": "Take 2 mg."}, "take “2 mg” out"),
        ({"sources": "A title alone"}, "what it is | where to find it"),
        ({"sources": ""}, "required"),
        ({"topic": "gossip"}, "Choose one of the answers."),
        ({"title": "x\x00y"}, "control characters"),
        ({"text": "x" * 6001}, "6000"),
        ({"version": "soon"}, answers.CardChanged.default_message),
        ({"position": "9" * 400}, "whole number"),
    ],
)
def test_what_is_wrong_with_a_card_is_said_and_nothing_is_lost(
    client_for, supervisor, card, change, message
):
    response = client_for(supervisor).post(
        page_of(card, "edit"), posted(card, say="Kept", **change)
    )
    assert response.status_code == 422
    assert message in text_of(response)
    assert "Kept" in text_of(response)
    assert AnswerCard.objects.get().version == 1


def test_a_stale_editor_sees_what_stands_and_may_then_replace_it(client_for, supervisor, now, card):
    browser, old = client_for(supervisor), posted(card, say="Mine.")
    answers.change(card=card, given=text(say="Theirs."), version=1, by=supervisor, now=now)
    refused = browser.post(page_of(card, "edit"), old)
    shown = text_of(refused)
    assert refused.status_code == 422
    assert "Theirs." in shown
    assert "Mine." in shown
    assert '<input type="hidden" name="version" value="2">' in refused.content.decode()
    browser.post(page_of(card, "edit"), old | {"version": 2})
    assert AnswerCard.objects.get().say == "Mine."


def test_a_search_finds_words_and_topics(client_for, agent, supervisor, now, card):
    answers.write(given=text(title="Something else", topic="insurance"), by=supervisor, now=now)
    browser = client_for(agent)
    for words, found in (("sleep is POOR", 1), ("insurance", 1), ("sleep", 2), ("nonsense", 0)):
        page = browser.post(f"{LIST}search/", {"q": words}, follow=True)
        assert page.context["cl"].result_count == found, words


def test_pressing_helped_beside_the_sheet_gives_back_the_buttons(client_for, agent, card):
    browser, call = client_for(agent), uuid4()
    given = {"card": card.pk, "version": 1, "call_key": call, "helped": "yes"}
    first = browser.post(MARK, given, headers={"HX-Request": "true"})
    again = browser.post(MARK, given, headers={"HX-Request": "true"})
    assert first.content == again.content
    assert b'id="mark-why-sleep-is-poor-yes" aria-pressed="true"' in first.content
    assert counts(card) == (1, 0)
    stale = browser.post(MARK, given | {"version": 7}, headers={"HX-Request": "true"})
    assert answers.CardChanged.default_message in text_of(stale)


def test_a_card_is_marked_without_a_script_and_nonsense_is_not(client_for, agent, card):
    browser = client_for(agent)
    response = browser.post(MARK, {"card": card.pk, "version": 1, "helped": "no"})
    assert response.url == page_of(card)
    assert counts(card) == (0, 1)
    for nonsense in ({}, {"card": "x"}, {"card": card.pk, "version": 1, "helped": "perhaps"}):
        assert browser.post(MARK, nonsense).url == LIST
        live = browser.post(MARK, nonsense, headers={"HX-Request": "true"})
        assert live.status_code == 400
    assert browser.get(MARK).status_code == 405
    missing = {"card": uuid4(), "version": 1, "helped": "no"}
    assert browser.post(MARK, missing).status_code == 404


def test_the_typed_key_must_be_a_key(client_for, supervisor, card):
    browser = client_for(supervisor)
    refused = browser.post(f"{LIST}add/", posted(card, language="en", key="no key!"))
    assert refused.status_code == 422
    taken = browser.post(f"{LIST}add/", posted(card, language="en", key=card.key))
    assert answers.KeyTaken.default_message in text_of(taken)
    browser.post(f"{LIST}add/", posted(card, language="es", key=card.key))
    assert AnswerCard.objects.filter(key=card.key).count() == 2
