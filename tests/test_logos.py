"""A logo: what is taken, what is made of it, and what never gets in."""

import io
import struct
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from intake.rules import logos
from intake.rules.logos import NotALogo

pytestmark = pytest.mark.once

PLUM = (122, 32, 72, 255)
# The chunks a picture needs to be shown, and no other.
NEEDED = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}


def drawn(width=600, height=200, mode="RGBA"):
    """A disk and a bar on nothing."""
    picture = Image.new("RGBA", (width, height), (0, 0, 0, 0))
    pen = ImageDraw.Draw(picture)
    pen.ellipse((5, 5, height - 5, height - 5), fill=PLUM)
    if width > height + 10:
        pen.rectangle((height + 5, height // 3, width - 5, height * 2 // 3), fill=PLUM)
    return picture.convert(mode)


def file_of(picture, kind="PNG", **options):
    file = io.BytesIO()
    picture.save(file, format=kind, **options)
    return file.getvalue()


def chunks(png):
    """Name -> bytes of each chunk, in order."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    place, found = 8, []
    while place < len(png):
        length, name = struct.unpack(">I4s", png[place : place + 8])
        found.append((name, png[place + 8 : place + 8 + length]))
        place += 12 + length
    return found


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_of(width, height, *more, pixels=b""):
    """A PNG written by hand, which may claim any size and hold any chunk."""
    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    parts = [(b"IHDR", head), *more, (b"IDAT", zlib.compress(pixels)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


@pytest.mark.parametrize(("kind", "mode"), [("PNG", "RGBA"), ("JPEG", "RGB"), ("WEBP", "RGBA")])
def test_each_kind_of_picture_becomes_a_small_png(kind, mode):
    logo = logos.read(file_of(drawn(1800, 600, mode), kind))
    assert {name for name, _data in chunks(logo.png)} <= NEEDED
    assert len(logo.png) <= logos.LARGEST_PNG
    with Image.open(io.BytesIO(logo.png)) as made:
        assert made.size == (logo.width, logo.height)
    assert logo.width <= logos.WIDEST
    assert logo.height <= logos.HIGHEST


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_way_to_store_pixels_is_read(mode):
    picture = drawn().convert("L") if mode == "I;16" else drawn()
    assert logos.read(file_of(picture.convert(mode))).png


def test_the_print_colors_of_a_jpeg_are_read():
    assert logos.read(file_of(drawn().convert("RGB").convert("CMYK"), "JPEG")).png


def test_what_is_transparent_stays_so_and_empty_margins_are_cut_off():
    framed = Image.new("RGBA", (900, 900), (0, 0, 0, 0))
    framed.paste(drawn(), (100, 400))
    logo = logos.read(file_of(framed))
    with Image.open(io.BytesIO(logo.png)) as made:
        assert made.convert("RGBA").getpixel((0, 0))[3] == 0
    assert logo.width > 2 * logo.height


def test_no_word_and_no_place_in_the_file_gets_out_of_it():
    canary = "ZQX taken at home by Maria"
    exif = Image.Exif()
    exif[0x010E] = canary  # ImageDescription
    exif[0x8825] = {1: "N", 2: (38.0, 53.0, 0.0)}  # GPS
    noted = file_of(drawn(mode="RGB"), "JPEG", exif=exif, comment=canary.encode())
    assert b"ZQX" in noted
    words = [
        (b"tEXt", b"Author\0" + canary.encode()),
        (b"iTXt", b"XML\0\0\0\0\0" + canary.encode()),
    ]
    drawn_again = chunks(file_of(drawn(64, 32)))
    written = b"\x89PNG\r\n\x1a\n" + b"".join(
        chunk(*part) for part in [drawn_again[0], *words, *drawn_again[1:]]
    )
    trailed = file_of(drawn()) + b"<script>ZQX</script>"
    for data in (noted, written, trailed):
        png = logos.read(data).png
        assert b"ZQX" not in png
        assert {name for name, _data in chunks(png)} <= NEEDED


def test_a_picture_that_lies_on_its_side_is_put_upright():
    """The turn is in the metadata, which is dropped."""
    exif = Image.Exif()
    exif[0x0112] = 6
    logo = logos.read(file_of(drawn(300, 100, "RGB"), "JPEG", exif=exif))
    assert logo.height > logo.width


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b"<svg xmlns='x'><script>alert(1)</script></svg>", "no PNG"),
        (b"<!DOCTYPE html><script>alert(1)</script>", "no PNG"),
        (b"%PDF-1.7", "no PNG"),
        (b"GIF89a" + bytes(100), "no PNG"),
        (b"BM" + bytes(100), "no PNG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\n", "no PNG"),
        (b"\x89PNG\r\n\x1a\n", "no PNG"),
        (b"\xff\xd8\xff\xe0" + bytes(50), "no PNG"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "no PNG"),
        (b"x" * (logos.LARGEST_FILE + 1), "larger than 512 kB"),
    ],
    ids=range(11),
)
def test_what_is_no_picture_of_these_kinds_is_refused_with_the_reason(data, why):
    with pytest.raises(NotALogo, match=why):
        logos.read(data)


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "ICO", "PPM", "TGA", "PCX"])
def test_other_kinds_are_refused_however_sound(kind):
    with pytest.raises(NotALogo, match="no PNG"):
        logos.read(file_of(drawn(64, 64, "RGB"), kind))


@pytest.mark.parametrize(
    "size", [(60_000, 60_000), (4097, 20), (20, 4097), (2001, 2000), (2**31 - 1, 2**31 - 1)]
)
def test_a_picture_that_unfolds_is_refused_before_a_pixel_of_it_is(size):
    bomb = png_of(*size, pixels=bytes(10_000))
    tracemalloc.start()
    with pytest.raises(NotALogo, match="too large"):
        logos.read(bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4_000_000


def test_a_word_that_unfolds_is_refused():
    """A hundred megabytes of text in a kilobyte of file."""
    packed = zlib.compress(bytes(100_000_000), 9)
    with pytest.raises(NotALogo):
        logos.read(png_of(64, 64, (b"zTXt", b"Comment\0\0" + packed)))


def test_a_picture_that_moves_is_refused():
    frames = [drawn(64, 64), drawn(64, 64).rotate(90)]
    for kind in ("PNG", "WEBP"):
        moving = file_of(frames[0], kind, save_all=True, append_images=frames[1:])
        with pytest.raises(NotALogo, match="moves"):
            logos.read(moving)


@pytest.mark.parametrize("size", [(15, 60), (60, 15)])
def test_a_picture_too_small_to_be_shown_is_refused(size):
    with pytest.raises(NotALogo, match="too small"):
        logos.read(file_of(Image.new("RGB", size)))


def test_a_picture_of_nothing_is_refused():
    with pytest.raises(NotALogo, match="nothing to see"):
        logos.read(file_of(Image.new("RGBA", (200, 100), (255, 255, 255, 0))))


def test_a_picture_of_many_colors_is_kept_in_fewer_and_never_over_its_weight():
    sky = Image.merge("RGB", [Image.radial_gradient("L").rotate(turn) for turn in (0, 40, 80)])
    assert len(logos.read(file_of(sky.resize((480, 120)))).png) <= logos.LARGEST_PNG


def test_a_picture_of_too_much_detail_is_small_or_refused():
    noise = Image.effect_noise((480, 120), 90).convert("RGB")
    read_or_refused(file_of(noise))


def test_a_file_cut_off_anywhere_is_refused_or_read_and_nothing_else():
    whole = file_of(drawn(64, 32))
    for end in range(0, len(whole), 7):
        read_or_refused(whole[:end])


@given(st.binary(max_size=400), st.integers(0, 300), st.sampled_from(["PNG", "JPEG", "WEBP"]))
def test_a_damaged_file_is_refused_or_read_and_nothing_else(noise, place, kind):
    whole = file_of(drawn(48, 24, "RGB"), kind)
    read_or_refused(whole[:place] + noise + whole[place + len(noise) :])


def read_or_refused(data):
    try:
        logo = logos.read(data)
    except NotALogo:
        return
    assert len(logo.png) <= logos.LARGEST_PNG
    assert {name for name, _data in chunks(logo.png)} <= NEEDED
