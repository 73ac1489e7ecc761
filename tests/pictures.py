"""Pictures and papers to send, made on the spot: text-like, nobody's, and small."""

from __future__ import annotations

import io
import random
import zlib
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter, ImageFont

HERE = Path(__file__).parent
GPS = 34853
ORIENTATION = 274


def page(
    seed: int = 0,
    size: tuple[int, int] = (1200, 1600),
    *,
    lines: int = 40,
    ink: int = 30,
    paper: int = 240,
    font: int = 28,
) -> Image.Image:
    """Draw a page of digits and words; another seed gives another text."""
    chance = random.Random(seed)  # noqa: S311 - a drawing
    picture = Image.new("RGB", size, (paper, paper, paper))
    draw = ImageDraw.Draw(picture)
    letters = ImageFont.load_default(size=font)
    for number in range(lines):
        y = size[1] * (number + 1) // (lines + 2)
        words = " ".join(
            "".join(chance.choices("ABCDEFGHKMNPRSTabcdeghkmnopqrst0123456789", k=6))
            for _ in range(max(1, size[0] // (font * 5)))
        )
        draw.text((size[0] // 12, y), words, fill=(ink, ink, ink), font=letters)
    draw.rectangle([size[0] // 20, size[1] // 30, size[0] * 19 // 20, size[1] * 29 // 30],
                   outline=(ink, ink, ink), width=3)  # fmt: skip
    return picture


def blurred(picture: Image.Image, radius: float) -> Image.Image:
    """Put a picture out of focus."""
    return picture.filter(ImageFilter.GaussianBlur(radius))


def jpeg(picture: Image.Image, *, quality: int = 85, located: bool = False, turn: int = 1) -> bytes:
    """Write a JPEG; ``located`` with a GPS position, ``turn`` with an EXIF orientation."""
    exif = Image.Exif()
    if located:
        exif[GPS] = {1: "N", 2: (31.0, 11.0, 22.0), 3: "E", 4: (121.0, 25.0, 7.0)}
        exif[271] = "SecretCamera"
    if turn != 1:
        exif[ORIENTATION] = turn
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality, exif=exif.tobytes())
    return out.getvalue()


def png(picture: Image.Image) -> bytes:
    """Write a PNG."""
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def heic() -> bytes:
    """Return a photo as a telephone takes it: HEIC, with a GPS position (nothing here writes it).

    900 × 1200 pixels, made once with pillow-heif from ``page(7)``.
    """
    return (HERE / "photo.heic").read_bytes()


def pdf(pages: int = 1, *, extra: str = "", catalog: str = "", stream: bytes = b"") -> bytes:
    """Write a PDF by hand: empty pages, and what ``extra`` and ``catalog`` add to their objects."""
    kids = " ".join(f"{3 + n} 0 R" for n in range(pages))
    objects = [
        f"<</Type/Catalog/Pages 2 0 R{catalog}>>".encode(),
        f"<</Type/Pages/Kids[{kids}]/Count {pages}>>".encode(),
        *[f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]{extra}>>".encode()] * pages,
    ]
    if stream:
        head = f"<</Length {len(stream)}/Filter/DCTDecode>>stream\n".encode()
        objects.append(head + stream + b"\nendstream")
    return _whole(objects)


def endless_pdf(levels: int = 9) -> bytes:
    """Write a short, whole PDF of one page whose forms each draw the next one ten times."""
    names = [f"/Resources<</XObject<</F {number} 0 R>>>>" for number in range(5, 5 + levels)]
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]{names[0]}/Contents 4 0 R>>".encode(),
        b"<</Length 5>>stream\n/F Do\nendstream",
    ]
    for name in [*names[1:], ""]:
        drawn = ("/F Do " if name else "0 0 m 100 100 l S ") * 10
        head = f"<</Type/XObject/Subtype/Form/BBox[0 0 595 842]{name}/Length {len(drawn)}>>"
        objects.append(f"{head}stream\n{drawn}\nendstream".encode())
    return _whole(objects)


def _whole(objects: list[bytes]) -> bytes:
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    for place in places:
        out += f"{place:010d} 00000 n \n".encode()
    out += f"trailer<</Size {len(objects) + 1}/Root 1 0 R>>\n".encode()
    return bytes(out + f"startxref\n{start}\n%%EOF\n".encode())


def huge_png(width: int = 60_000, height: int = 60_000) -> bytes:
    """Write a PNG of a few hundred bytes that says it has billions of pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data).to_bytes(4, "big")
        return len(data).to_bytes(4, "big") + kind + data + check

    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 2, 0, 0, 0])
    body = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


# What a conversation may upload, by name; ``seed`` makes each another picture.
FIXTURES: dict[str, Callable[[int], bytes]] = {
    "invoice.jpg": lambda seed: jpeg(page(seed), located=True),
    "page.png": lambda seed: png(page(seed, (900, 1200), lines=20)),
    "blurry.jpg": lambda seed: jpeg(blurred(page(seed), 8)),
    "tiny.png": lambda seed: png(page(seed, (300, 400), lines=8, font=14)),
    "scan.pdf": lambda seed: pdf(2, extra=f"/UserUnit {seed + 1}"),
    "photo.heic": lambda seed: heic(),
    "virus.txt": lambda seed: f"X5O!P%@AP {seed}".encode(),
    "empty.jpg": lambda seed: b"",
    "broken.jpg": lambda seed: jpeg(page(seed))[:20_000],
    "huge.jpg": lambda seed: jpeg(page(seed)) + bytes(21 * 1024 * 1024),
    "locked.pdf": lambda seed: (HERE / "locked.pdf").read_bytes(),
}


def fixture(name: str, seed: int = 0) -> bytes:
    """Return the bytes of a file by its name.

    Raises:
        KeyError: There is no such file.
    """
    return FIXTURES[name](seed)
