"""The claim form, filled in for a claim as a PDF to sign (手册·理赔流程 C6).

The same claim gives the same bytes. The font is Noto Sans SC (SIL Open Font License), embedded as
far as it is used, so that every phone and printer shows the same signs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import pylopdf_fonts_zh_cn as font
import yaml
from fpdf import FPDF

from bot.render.canvas import printable
from bot.rules.claims import DocumentKind
from bot.services import wording
from bot.services.claims import OPEN, ClaimView, own_claim, view
from bot.services.errors import Refused
from bot.settings import ROOT
from bot.store.models import Claim
from bot.store.session import Store

FAMILY = "noto"
MARGIN_MM, LABEL_MM, ROW_MM = 16, 34, 8.5
TITLE_PT, HEAD_PT, TEXT_PT, SMALL_PT = 17, 11.5, 10, 8
RULE_GREY, SHADE = 160, 240
BOX = "□ "


@dataclass(frozen=True)
class ClaimForm:
    """A claim form: its file name and the PDF."""

    name: str
    pdf: bytes


def claim_form(store: Store, *, identity_id: int, reference: str) -> ClaimForm:
    """Return the form of an open claim, filled in (手册·理赔流程 C6).

    Raises:
        NotFound: The claim is not this account's.
        Refused: ``claim_over``: it was decided or withdrawn.
    """
    with store.read() as session:
        row = own_claim(session, identity_id, reference)
        check_form(view(row))
        drawn = _draw(row)
    return ClaimForm(f"{reference}.pdf", drawn)


def check_form(claim: ClaimView) -> None:
    """Check that a claim's form is still of use (手册·理赔流程 C6).

    Raises:
        Refused: ``claim_over``: it was decided or withdrawn.
    """
    if claim.status not in OPEN:
        raise Refused("claim_over")


@lru_cache(maxsize=1)
def words() -> dict[str, Any]:
    """Return the form's words."""
    found: dict[str, Any] = yaml.safe_load(
        (ROOT / "data" / "claim_form.yml").read_text(encoding="utf-8")
    )
    return found


class _Sheet(FPDF):
    """A sheet of A4 with the claim's number at its foot."""

    def __init__(self, reference: str, made_at: datetime) -> None:
        """Begin an empty sheet."""
        super().__init__(format="A4")
        self._reference = reference
        self.set_creation_date(made_at)
        self.set_title(words()["title"])
        self.set_lang("zh-CN")
        self.add_font(FAMILY, fname=Path(font.sans_path()))
        self.set_margins(MARGIN_MM, MARGIN_MM)
        self.set_auto_page_break(True, MARGIN_MM)
        self.set_draw_color(RULE_GREY)
        self.alias_nb_pages("{pages}")
        self.add_page()

    def footer(self) -> None:
        """Write the claim's number and the page's."""
        self.set_y(-15)
        self.set_font(FAMILY, size=SMALL_PT)
        text = words()["footer"].format(
            reference=self._reference, page=self.page_no(), pages="{pages}"
        )
        self.cell(w=0, h=5, text=text, align="C")

    def line_of(self, text: str, size: float, height: float, align: str = "L") -> None:
        """Write lines of a text."""
        self.set_font(FAMILY, size=size)
        self.multi_cell(
            w=0, h=height, text=printable(text), align=align, new_x="LMARGIN", new_y="NEXT"
        )

    def head(self, text: str) -> None:
        """Write a heading."""
        self.ln(2)
        self.line_of(text, HEAD_PT, 7)

    def row(self, label: str, value: str = "") -> None:
        """Write a label and its value, or a blank to fill in."""
        self.set_font(FAMILY, size=TEXT_PT)
        self.set_fill_color(SHADE)
        self.cell(w=LABEL_MM, h=ROW_MM, text=printable(label), border=1, fill=True)
        size: float = TEXT_PT
        # A hospital's name may be longer than the line.
        while size > SMALL_PT and self.get_string_width(printable(value)) > self.epw - LABEL_MM - 3:
            size -= 0.5
            self.set_font(FAMILY, size=size)
        self.cell(w=0, h=ROW_MM, text=printable(value), border=1, new_x="LMARGIN", new_y="NEXT")


def _draw(row: Claim) -> bytes:
    said = words()
    sheet = _Sheet(row.reference, row.opened_at)
    sheet.line_of(said["title"], TITLE_PT, 12, align="C")
    sheet.line_of(said["intro"], TEXT_PT, 6)
    sheet.head(said["printed"])
    values = _values(row)
    for label, value in values:
        sheet.row(label, value)
    if any(printable(value) != value for _, value in values):
        sheet.line_of(said["rare"], SMALL_PT, 6)
    sheet.head(said["written"])
    for label in said["blanks"] + ([] if row.bank_tail else said["blanks_account"]):
        sheet.row(label)
    sheet.head(said["papers"])
    documents = [r.document for r in row.requirements if r.document != DocumentKind.CLAIM_FORM]
    names = [BOX + wording.word("document", document) for document in documents]
    for first in range(0, len(names), 2):
        sheet.set_font(FAMILY, size=TEXT_PT)
        for name in names[first : first + 2]:
            sheet.cell(w=sheet.epw / 2, h=6, text=printable(name))
        sheet.ln(6)
    sheet.head(said["declaration_title"])
    for number, sentence in enumerate(said["declaration"], start=1):
        sheet.line_of(f"{number}. {sentence}", TEXT_PT, 6)
    # The signature stays on the sheet of what is signed, as far as a sheet reaches.
    with sheet.unbreakable() as whole:
        whole.ln(3)
        whole.row(said["signature"])
        whole.row(said["signed_on"], said["signed_on_blank"])
    return bytes(sheet.output())


def _values(row: Claim) -> list[tuple[str, str]]:
    said, fields = words(), words()["fields"]
    day = fields.get(f"day_{row.kind}", fields["day"])
    tail = row.bank_tail
    return [
        (fields["reference"], row.reference),
        (fields["policy"], row.policy.number),
        (fields["child"], row.policy.child.name),
        (fields["born"], row.policy.child.born.isoformat()),
        (fields["kind"], wording.word("kind", row.kind)),
        (fields["hospital"], (row.hospital.name if row.hospital else row.hospital_name) or ""),
        (day, row.visited_on.isoformat() if row.visited_on else ""),
        (fields["amount"], said["amount"].format(amount=wording.yuan(row.amount))),
        (fields["account"], said["account"].format(tail=tail) if tail else said["account_open"]),
    ]
