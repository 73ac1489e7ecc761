"""What is kept of a file, and what is refused, by its content."""

from __future__ import annotations

import importlib.util
import io
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pypdf import PdfReader, PdfWriter

from bot.services import media, pdf_check
from bot.services.errors import Refused
from bot.services.sharpness import BLURRY_BELOW, sharpness

_spec = importlib.util.spec_from_file_location(
    "pictures", Path(__file__).parents[1] / "pictures.py"
)
assert _spec
assert _spec.loader
pictures = importlib.util.module_from_spec(_spec)
sys.modules["pictures"] = pictures
_spec.loader.exec_module(pictures)

POSITION = (b"SecretCamera", b"GPS", b"Exif")


def refused(content: bytes) -> str:
    with pytest.raises(Refused) as caught:
        media.check(content)
    return caught.value.reason


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


# ---- what is recognised


@pytest.mark.parametrize(
    ("name", "media_type", "pages"),
    [
        ("invoice.jpg", "image/jpeg", 1),
        ("page.png", "image/png", 1),
        ("photo.heic", "image/jpeg", 1),
        ("scan.pdf", "application/pdf", 2),
    ],
)
def test_photos_and_pdfs_are_kept(name: str, media_type: str, pages: int) -> None:
    found = media.check(pictures.fixture(name))
    assert (found.media_type, found.pages, found.question) == (media_type, pages, None)
    assert media.recognise(found.content) == {"image/jpeg": "JPEG", "image/png": "PNG"}.get(
        media_type, "PDF"
    )


@pytest.mark.parametrize(
    "content",
    [
        b"MZ\x90\x00",
        b"<html><script>alert(1)</script>",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"PK\x03\x04",
        b"GIF89a\x01\x00\x01\x00",
        b"BM",
        b"RIFF\x00\x00\x00\x00WEBP",
        b"\x00\x00\x00\x18ftypmp42",
        b"\x00\x00\x00\x18ftyphevc",
        "发票".encode(),
        b"\n%PDF-1.4",
    ],
)
def test_anything_else_is_refused(content: bytes) -> None:
    assert refused(content + bytes(100)) == "file_type"


def test_nothing_and_too_much_are_refused() -> None:
    assert refused(b"") == "file_empty"
    assert refused(pictures.fixture("huge.jpg")) == "file_too_large"
    edge = pictures.jpeg(pictures.page())
    assert media.check(edge + bytes(media.LARGEST - len(edge))).media_type == "image/jpeg"


@pytest.mark.parametrize(
    "content",
    [
        pictures.fixture("broken.jpg"),
        b"\xff\xd8\xff\xe0" + bytes(1000),
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        b"\x00\x00\x00\x18ftypheic" + bytes(1000),
        pictures.heic()[:40_000],
        pictures.png(pictures.page())[:5000],
    ],
)
def test_broken_pictures_are_refused(content: bytes) -> None:
    assert refused(content) == "file_damaged"


# ---- privacy


@pytest.mark.parametrize("content", [pictures.jpeg(pictures.page(), located=True), pictures.heic()])
def test_no_position_is_kept(content: bytes) -> None:
    assert any(word in content for word in POSITION)
    assert opened(content).getexif().get_ifd(pictures.GPS)
    kept = media.check(content).content
    assert not any(word in kept for word in POSITION)
    assert not opened(kept).getexif()


def test_a_png_loses_its_texts_and_its_position() -> None:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("Comment", "SecretCamera")
    exif = Image.Exif()
    exif[pictures.GPS] = {1: "N", 2: (31.0, 11.0, 22.0)}
    out = io.BytesIO()
    pictures.page(size=(900, 1200)).save(out, "PNG", pnginfo=info, exif=exif.tobytes())
    assert b"SecretCamera" in out.getvalue()
    kept = media.check(out.getvalue()).content
    assert b"SecretCamera" not in kept
    assert b"eXIf" not in kept
    assert b"tEXt" not in kept


@pytest.mark.parametrize(
    ("turn", "size", "red_corner"),
    [(1, (1200, 1600), (0, 0)), (3, (1200, 1600), (1, 1)), (6, (1600, 1200), (1, 0)),
     (8, (1600, 1200), (0, 1))],
)  # fmt: skip
def test_a_photo_stays_upright(
    turn: int, size: tuple[int, int], red_corner: tuple[int, int]
) -> None:
    picture = pictures.page()
    picture.paste("red", (0, 0, 100, 100))
    kept = opened(media.check(pictures.jpeg(picture, turn=turn, located=True)).content)
    assert kept.size == size
    x, y = (corner * (side - 1) for corner, side in zip(red_corner, size, strict=True))
    red, green, _ = kept.getpixel((abs(x - 20), abs(y - 20)))
    assert red > 200 > 80 > green


def test_what_hides_behind_a_photo_is_not_kept() -> None:
    hidden = io.BytesIO()
    with zipfile.ZipFile(hidden, "w") as archive:
        archive.writestr("run.exe", "SecretCamera")
    for content in (pictures.jpeg(pictures.page()), pictures.png(pictures.page(size=(900, 1200)))):
        kept = media.check(content + hidden.getvalue()).content
        assert b"SecretCamera" not in kept
        assert not zipfile.is_zipfile(io.BytesIO(kept))


def test_the_digest_is_of_what_was_sent() -> None:
    first, second = pictures.fixture("invoice.jpg", 1), pictures.fixture("invoice.jpg", 2)
    assert media.check(first).sha256 == media.check(first).sha256 != media.check(second).sha256


# ---- bombs


def test_a_picture_of_billions_of_pixels_is_never_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    def decode(*_: Any) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", decode)
    assert refused(pictures.huge_png()) == "picture_too_large"
    # Between the limit and twice the limit Pillow itself only warns.
    assert refused(pictures.huge_png(9000, 9000)) == "picture_too_large"


def test_a_picture_of_thousands_of_scans_is_refused() -> None:
    content = pictures.jpeg(pictures.page())
    assert refused(content + b"\xff\xda" * 300) == "file_damaged"


def test_an_animation_is_refused() -> None:
    frames = [pictures.page(seed, (700, 900)) for seed in range(3)]
    out = io.BytesIO()
    frames[0].save(out, "PNG", save_all=True, append_images=frames[1:], duration=100)
    assert refused(out.getvalue()) == "file_animated"


def test_a_photo_with_a_second_picture_is_one_photo() -> None:
    out = io.BytesIO()
    pictures.page(1).save(out, "MPO", save_all=True, append_images=[pictures.page(2)])
    assert getattr(opened(out.getvalue()), "n_frames", 1) == 2
    kept = media.check(out.getvalue())
    assert kept.media_type == "image/jpeg"
    assert getattr(opened(kept.content), "n_frames", 1) == 1


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGBA", "LA", "CMYK", "I;16"])
def test_every_kind_of_pixel_becomes_a_readable_page(mode: str) -> None:
    grey = pictures.page(size=(900, 1200)).convert("L")
    page = (
        Image.merge("LA", (grey, Image.new("L", grey.size, 255))) if mode == "LA"
        else Image.frombytes("I;16", grey.size, b"".join(bytes([0, v]) for v in grey.tobytes()))
        if mode == "I;16"
        else pictures.page(size=(900, 1200)).convert(mode)
    )  # fmt: skip
    out = io.BytesIO()
    page.save(out, "JPEG" if mode == "CMYK" else "PNG")
    found = media.check(out.getvalue())
    assert found.question is None
    kept = opened(found.content).convert("L")
    assert kept.getpixel((5, 5)) > 200
    assert min(kept.tobytes()) < 80


def test_what_is_transparent_is_white() -> None:
    page = Image.new("RGBA", (900, 1200), (0, 0, 0, 0))
    page.paste(pictures.page(size=(900, 600)), (0, 0))
    kept = opened(media.check(pictures.png(page)).content)
    assert kept.getpixel((450, 1100)) == (255, 255, 255)


# ---- questions

LOOKS: dict[str, dict[str, Any]] = {
    "dense": {"lines": 40},
    "few lines": {"lines": 5},
    "small type": {"lines": 60, "font": 18},
    "faint": {"ink": 170, "paper": 225},
    "from a telephone": {"size": (3000, 4000), "font": 60},
    "receipt": {"size": (500, 1500), "font": 22, "lines": 50},
    "sent through a chat": {"size": (720, 960), "font": 18, "lines": 35},
    "dark thermal paper": {"ink": 60, "paper": 130},
}


def through_jpeg(page: Image.Image, quality: int) -> Image.Image:
    return opened(pictures.jpeg(page, quality=quality))


@pytest.mark.parametrize("look", LOOKS)
def test_readable_photos_are_not_questioned(look: str) -> None:
    page = pictures.page(3, **LOOKS[look])
    scale = max(page.size) / 1600
    for seen in (page, through_jpeg(page, 30), pictures.blurred(page, 1.4 * scale)):
        assert sharpness(seen) > BLURRY_BELOW


@pytest.mark.parametrize("look", LOOKS)
def test_blurred_photos_are_questioned(look: str) -> None:
    page = pictures.page(3, **LOOKS[look])
    scale = max(page.size) / 1600
    for radius in (2.5, 4, 8):
        assert sharpness(pictures.blurred(page, radius * scale)) < BLURRY_BELOW


def test_a_shaken_photo_is_questioned() -> None:
    page = pictures.page(3)
    steps = [
        page.transform(page.size, Image.Transform.AFFINE, (1, 0, n, 0, 1, 0)) for n in range(18)
    ]
    shaken = steps[0]
    for number, step in enumerate(steps[1:], start=2):
        shaken = Image.blend(shaken, step, 1 / number)
    assert sharpness(shaken) < BLURRY_BELOW


def test_an_empty_page_is_questioned() -> None:
    assert media.check(pictures.jpeg(Image.new("RGB", (1200, 1600), "white"))).question == "blurry"


@pytest.mark.parametrize(
    ("size", "question"),
    [((450, 599), "tiny"), ((500, 600), None), ((140, 1500), "tiny"), ((1, 1), "tiny")],
)
def test_a_tiny_photo_is_questioned(size: tuple[int, int], question: str | None) -> None:
    page = pictures.page(2, size, lines=15, font=16)
    assert media.check(pictures.png(page)).question == question


def test_a_blurred_photo_is_kept_all_the_same() -> None:
    found = media.check(pictures.fixture("blurry.jpg"))
    assert found.question == "blurry"
    assert opened(found.content).size == (1200, 1600)


# ---- PDFs


def written(change: Any) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pictures.pdf())))
    change(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_a_pdf_is_kept_to_the_byte() -> None:
    content = pictures.pdf(3)
    assert media.check(content).content == content


def test_a_pdf_may_have_a_hundred_pages() -> None:
    assert media.check(pictures.pdf(100)).pages == 100
    assert refused(pictures.pdf(101)) == "too_many_pages"


def test_a_count_that_lies_is_not_believed() -> None:
    assert refused(pictures.pdf(101).replace(b"/Count 101", b"/Count 001")) == "too_many_pages"


def test_a_locked_pdf_is_refused_but_not_one_that_opens() -> None:
    assert refused(pictures.fixture("locked.pdf")) == "file_locked"
    opens = written(lambda w: w.encrypt("", "owner", algorithm="AES-128"))
    assert media.check(opens).pages == 1


@pytest.mark.parametrize(
    "content",
    [
        b"%PDF-1.4\n" + bytes(500),
        b"%PDF-1.4\ntrailer<</Root 1 0 R>>\n%%EOF",
        pictures.pdf().replace(b"/Kids[3 0 R]", b"/Kids[2 0 R]"),
        pictures.pdf().replace(b"/Kids[3 0 R]", b"/Kids[     ]"),
        pictures.pdf().replace(b"/Kids[3 0 R]/Count 1", b"/Kids[3 0 R 3 0 R]/C 2"),
        pictures.pdf(5)[:300] + b"%%EOF",
    ],
)
def test_broken_pdfs_are_refused(content: bytes) -> None:
    assert refused(content) == "file_damaged"


@pytest.mark.parametrize(
    "content",
    [
        pictures.pdf(catalog="/OpenAction<</S/JavaScript/JS(app.alert\\(1\\))>>"),
        pictures.pdf(catalog="/AA<</WC<</S/Launch/F(cmd.exe)>>>>"),
        pictures.pdf(extra="/AA<</O<</S/JavaScript/JS(1)>>>>"),
        pictures.pdf(catalog="/Names<</JavaScript<</Names[(a)<</S/JavaScript/JS(1)>>]>>>>"),
    ],
)
def test_pdfs_that_run_programs_are_refused(content: bytes) -> None:
    assert refused(content) == "file_active"


def test_a_pdf_that_opens_on_a_page_is_kept() -> None:
    assert media.check(pictures.pdf(catalog="/OpenAction[3 0 R/Fit]")).pages == 1


def test_a_pdf_with_another_file_behind_it_is_refused() -> None:
    hidden = io.BytesIO()
    with zipfile.ZipFile(hidden, "w") as archive:
        archive.writestr("a", "b")
    assert refused(pictures.pdf() + hidden.getvalue()) == "file_mixed"
    assert refused(pictures.pdf() + bytes(2000)) == "file_mixed"
    assert media.check(pictures.pdf() + b"\r\n\x00\x00").pages == 1


def test_positions_inside_a_pdf_are_blanked() -> None:
    photo = pictures.jpeg(pictures.page(size=(300, 400)), located=True)
    content = pictures.pdf(stream=photo)
    kept = media.check(content).content
    assert b"SecretCamera" in content
    assert b"SecretCamera" not in kept
    assert len(kept) == len(content)
    inside = kept[kept.index(b"\xff\xd8\xff") :]
    assert opened(inside).size == (300, 400)
    assert not opened(inside).getexif().get_ifd(pictures.GPS)


def test_a_signed_pdf_is_not_touched() -> None:
    photo = pictures.jpeg(pictures.page(size=(300, 400)), located=True)
    content = pictures.pdf(catalog="/X<</ByteRange[0 1 2 3]>>", stream=photo)
    assert media.check(content).content == content


def test_a_packed_list_of_objects_is_not_unpacked_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    packed = written(lambda w: None)
    assert media.check(packed).pages == 1
    import zlib

    bomb = zlib.compress(bytes(30_000_000), 9)
    head = b"%PDF-1.5\n"
    body = (
        b"1 0 obj\n<</Type/XRef/Size 5/W[1 2 1]/Root 2 0 R/Filter/FlateDecode/Length "
        + str(len(bomb)).encode() + b">>stream\n" + bomb + b"\nendstream\nendobj\n"
    )  # fmt: skip
    content = head + body + b"startxref\n9\n%%EOF\n"
    assert len(content) < 100_000
    assert refused(content) == "file_damaged"
    assert pdf_check.MOST_DECODED < 30_000_000
