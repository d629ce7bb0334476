"""An uploaded logo, made safe: only its pixels are kept, in a small picture written here.

A picture file may hold where and when it was taken, a name, a second picture, a script, or a few
bytes that unfold into gigabytes. None of that gets past this module: the file is read as one of
three kinds, its size is known before a pixel is, and what comes out is a new PNG.
"""

import io
import struct
import warnings
import zlib
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageOps

# Of the file as it comes; a good logo has a tenth of it.
LARGEST_FILE: Final = 512 * 1024
# Of the PNG we keep, so that the pages stay light.
LARGEST_PNG: Final = 16 * 1024
# Twice what the pages show, for sharp screens.
WIDEST: Final = 480
HIGHEST: Final = 120
SMALLEST_SIDE: Final = 16
# Longest side, and all of it: sixteen megabytes of memory at most.
LONGEST_SIDE: Final = 4096
MOST_PIXELS: Final = 4_000_000
KINDS: Final = ("PNG", "JPEG", "WEBP")
_TOO_LARGE: Final = f"The picture is too large: {LONGEST_SIDE} pixels a side, 4 million in all."
_COLORS: Final = (256, 128, 64, 32, 16)
_SCALES: Final = (1.0, 0.75, 0.5)
# Less than this is not seen on any paper.
_FAINTEST: Final = 16


class NotALogo(ValueError):
    """The file cannot be used; the message says why, in words fit to show."""


@dataclass(frozen=True, slots=True)
class Logo:
    """``png`` and its size in pixels."""

    png: bytes
    width: int
    height: int


def read(data: bytes) -> Logo:
    """The picture in ``data`` (PNG, JPEG or WebP), no larger than the pages need.

    Whatever else the file held is gone. Raises ``NotALogo``.
    """
    if not data:
        raise NotALogo("The file is empty.")
    if len(data) > LARGEST_FILE:
        raise NotALogo("The file is larger than 512 kB. Save it smaller.")
    picture = _pixels(data)
    edges = picture.getchannel("A").point(lambda alpha: 255 * (alpha >= _FAINTEST)).getbbox()
    if edges is None:
        raise NotALogo("There is nothing to see in this picture.")
    return _small(picture.crop(edges))


def _pixels(data: bytes) -> Image.Image:
    """Nothing but the pixels, upright, with transparency."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with Image.open(io.BytesIO(data), formats=KINDS) as opened:
                _check_size(opened)
                opened.load()
                upright = ImageOps.exif_transpose(opened).convert("RGBA")
    except NotALogo:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise NotALogo(_TOO_LARGE) from error
    except (OSError, ValueError, SyntaxError, EOFError, struct.error, zlib.error) as error:
        raise NotALogo("This is no PNG, JPEG or WebP picture, or it is damaged.") from error
    except (Warning, MemoryError, OverflowError) as error:
        raise NotALogo("This picture cannot be read safely. Save it anew.") from error
    # A new picture: what the old one knew besides is left behind.
    return Image.frombytes("RGBA", upright.size, upright.tobytes())


def _check_size(opened: Image.Image) -> None:
    """Before a single pixel is unpacked."""
    width, height = opened.size
    if max(width, height) > LONGEST_SIDE or width * height > MOST_PIXELS:
        raise NotALogo(_TOO_LARGE)
    if min(width, height) < SMALLEST_SIDE:
        raise NotALogo(f"The picture is too small: {SMALLEST_SIDE} pixels a side at least.")
    if getattr(opened, "is_animated", False):
        raise NotALogo("This picture moves. Save one frame of it.")


def _small(picture: Image.Image) -> Logo:
    """The picture at the size of the pages, in as many colors as fit."""
    for scale in _SCALES:
        fitted = _fitted(picture, round(WIDEST * scale), round(HIGHEST * scale))
        for made in (fitted, *(_reduced(fitted, colors) for colors in _COLORS)):
            png = _png(made)
            if len(png) <= LARGEST_PNG:
                return Logo(png, *made.size)
    raise NotALogo("There is too much detail in this picture for a small logo. Use a simpler one.")


def _fitted(picture: Image.Image, width: int, height: int) -> Image.Image:
    made = picture.copy()
    made.thumbnail((width, height), Image.Resampling.LANCZOS)
    return made


def _reduced(picture: Image.Image, colors: int) -> Image.Image:
    # The one method that keeps transparency.
    return picture.quantize(colors, method=Image.Quantize.FASTOCTREE)


def _png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, format="PNG", optimize=True)
    return file.getvalue()
