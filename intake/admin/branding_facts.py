"""A version of the branding in words, for pages that only show it."""

from django.utils.translation import gettext as __

from intake.actions import branding
from intake.actions.brand_text import BrandText
from intake.actions.branding import Brand
from intake.models import Branding
from intake.rules import branding as colors
from intake.rules.branding import Palette


def facts(version: Branding) -> list[tuple[str, str]]:
    """Each setting of the version in words; where it is empty, what holds instead."""
    brand, text = branding.brand_of(version), BrandText.of(version)
    own = __("the page's own words")
    return [
        (__("Name"), brand.name if text.name else _of_settings(brand.name)),
        (
            __("Telephone number"),
            brand.number_display if text.number else _of_settings(brand.number_display),
        ),
        (__("Opening promise, English"), text.promise_en or own),
        (__("Opening promise, Spanish"), text.promise_es or own),
        (__("Neutral voicemail, English"), brand.voicemail("en")),
        (__("Neutral voicemail, Spanish"), brand.voicemail("es")),
        (__("Logo"), _logo(brand)),
        *_colors(version),
    ]


def _of_settings(value: str) -> str:
    return __("%(value)s (from the settings)") % {"value": value}


def _logo(brand: Brand) -> str:
    if not brand.logo_width:
        return __("none: our mark")
    size = {"width": brand.logo_width, "height": brand.logo_height}
    return __("shown %(width)d wide and %(height)d high") % size


def _colors(version: Branding) -> list[tuple[str, str]]:
    """Each color with the worst contrast it makes."""
    by_day, by_night = __("Color on light screens"), __("Color on dark screens")
    if not version.accent:
        own = __("the one the pages come with")
        return [(by_day, own), (by_night, own)]
    day, night = colors.day(version.accent), colors.night(version.accent, version.accent_dark)
    return [(by_day, _readable(day)), (by_night, _readable(night))]


def _readable(palette: Palette) -> str:
    # Rounded down, as where it is refused.
    told = {"color": palette.accent, "contrast": int(palette.least_contrast * 10) / 10}
    return __("%(color)s, contrast %(contrast)s : 1 at least (4.5 : 1 is needed)") % told
