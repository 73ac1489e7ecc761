"""What parents send, judged by its content: photos and PDFs, nothing else (手册·理赔流程 C6).

A photo is decoded and written anew, upright: so no position, no other metadata and nothing hidden
behind the picture is kept. A PDF stays as it is (see :mod:`bot.services.pdf_check`).
"""

from __future__ import annotations

import hashlib
import io
import threading
import warnings
from dataclasses import dataclass

import pi_heif
from PIL import Image, ImageOps

from bot.services.errors import Refused
from bot.services.pdf_check import HEADER as PDF_HEADER
from bot.services.pdf_check import check_pdf
from bot.services.sharpness import is_blurry

LARGEST = 20 * 1024 * 1024
# A telephone's sharpest photos have 64 million pixels; decoded, they take 200 MB.
MOST_PIXELS = 65_000_000
TINY_LONG_SIDE = 600
TINY_SHORT_SIDE = 150
JPEG_QUALITY = 92
# A picture of thousands of scans takes minutes to decode; cameras write at most a dozen.
MOST_SCANS = 200
HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"mif1"})

pi_heif.register_heif_opener()
Image.MAX_IMAGE_PIXELS = MOST_PIXELS
# Pillow warns of what is refused here.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
# One picture is decoded at a time: several of the largest would fill the memory.
_decoding = threading.Lock()


@dataclass(frozen=True)
class Media:
    """A file that can be kept.

    Attributes:
        media_type: ``image/jpeg``, ``image/png`` or ``application/pdf``: of ``content``.
        content: What to keep; differs from what was sent.
        sha256: The digest of what was sent.
        pages: 1 for a photo.
        question: ``blurry`` or ``tiny`` where the parent should look again, else ``None``.
    """

    media_type: str
    content: bytes
    sha256: str
    pages: int
    question: str | None


def recognise(content: bytes) -> str | None:
    """Return ``JPEG``, ``PNG``, ``HEIF`` or ``PDF`` by the first bytes, else ``None``."""
    if content.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if content[4:8] == b"ftyp" and content[8:12] in HEIC_BRANDS:
        return "HEIF"
    return "PDF" if content.startswith(PDF_HEADER) else None


def check(content: bytes) -> Media:
    """Check a file and make what is kept of it.

    Raises:
        Refused: ``file_empty``, ``file_too_large`` (20 MB), ``file_type`` (neither JPEG, PNG,
            HEIC nor PDF by content), ``file_damaged``, ``picture_too_large`` (65 million
            pixels), ``file_animated``, and for PDFs as :func:`bot.services.pdf_check.check_pdf`.
    """
    if not content:
        raise Refused("file_empty")
    if len(content) > LARGEST:
        raise Refused("file_too_large")
    kind = recognise(content)
    if kind is None:
        raise Refused("file_type")
    digest = hashlib.sha256(content).hexdigest()
    if kind == "PDF":
        kept, pages = check_pdf(content)
        return Media("application/pdf", kept, digest, pages, None)
    with _decoding:
        picture = _decode(content, kind)
        kept = _encode(picture, "PNG" if kind == "PNG" else "JPEG")
        question = _question(picture)
    return Media("image/png" if kind == "PNG" else "image/jpeg", kept, digest, 1, question)


def _decode(content: bytes, kind: str) -> Image.Image:
    if kind == "JPEG" and content.count(b"\xff\xda") > MOST_SCANS:
        raise Refused("file_damaged")
    try:
        picture = Image.open(io.BytesIO(content), formats=[kind])
        _check_size(picture, kind)
        picture.load()
        return _plain(ImageOps.exif_transpose(picture))
    except Image.DecompressionBombError as error:
        raise Refused("picture_too_large") from error
    except Refused:
        raise
    # Broken data make the decoders raise nearly anything.
    except Exception as error:
        raise Refused("file_damaged") from error


def _check_size(picture: Image.Image, kind: str) -> None:
    if picture.width * picture.height > MOST_PIXELS:
        raise Refused("picture_too_large")
    # A JPEG or HEIC of several pictures has a depth map or a preview beside the photo.
    if kind == "PNG" and getattr(picture, "is_animated", False):
        raise Refused("file_animated")


def _plain(picture: Image.Image) -> Image.Image:
    """Return the pixels alone, RGB or grey; what is transparent becomes white."""
    if picture.mode in ("RGB", "L"):
        plain = picture
    elif picture.mode.startswith("I"):
        # 16 bits a pixel: the upper eight.
        plain = picture.convert("I").point(lambda level: level / 256).convert("L")
    elif "A" in picture.mode or "transparency" in picture.info:
        seen = picture.convert("RGBA")
        plain = Image.new("RGB", seen.size, "white")
        plain.paste(seen, mask=seen.getchannel("A"))
    else:
        plain = picture.convert("RGB")
    plain.info.clear()
    return plain


def _encode(picture: Image.Image, kind: str) -> bytes:
    out = io.BytesIO()
    # Without these two, Pillow copies them from the picture that was opened.
    picture.save(out, kind, quality=JPEG_QUALITY, exif=b"", icc_profile=None)
    return out.getvalue()


def _question(picture: Image.Image) -> str | None:
    long, short = max(picture.size), min(picture.size)
    if long < TINY_LONG_SIDE or short < TINY_SHORT_SIDE:
        return "tiny"
    return "blurry" if is_blurry(picture) else None
