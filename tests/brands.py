"""An operator's own name, number, colors and words: drafted, and published."""

from django.urls import reverse

from intake.actions import branding
from intake.actions.brand_text import BrandText

OURS = {
    "name": "Northern Lights Helpline",
    "number": "+18005550142",
    "accent": "#7a2048",
    "promise_en": "A person answers, at any hour.",
    "promise_es": "Le contesta una persona, a cualquier hora.",
    "voicemail_en": "Hello, I will ring again. Goodbye.",
    "voicemail_es": "Hola, llamaré otra vez. Adiós.",
}


def forget(monkeypatch):
    """This process knows nothing yet of what is published."""
    monkeypatch.setattr(branding, "_published", branding._Published())


def drafted(by, now, logo=None, **fields):
    draft = branding.begin(by=by, now=now)
    given = BrandText(**{**BrandText.of(draft).columns(), **fields})
    branding.change(draft=draft, given=given, revision=0, logo=logo, by=by, now=now)
    return draft


def published(by, now, logo=None, **fields):
    draft = drafted(by, now, logo, **(fields or OURS))
    branding.publish(draft=draft, revision=draft.revision, by=by, now=now)
    return draft


def page(draft, name="edit"):
    return reverse(f"admin:intake_branding_{name}", args=[draft.pk])
