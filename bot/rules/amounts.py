"""Amounts as staff type them."""

import re
import unicodedata
from decimal import Decimal

_AMOUNT = re.compile(r"[¥￥]?\s*(\d{1,3}(?:[,，]\d{3})+|\d{1,10})(\.\d{1,2})?\s*元?")


def amount_typed(text: str) -> Decimal | None:
    """Read an amount in CNY, ``1,234.50`` or ``１２００元``, exactly; None for anything else."""
    match = _AMOUNT.fullmatch(unicodedata.normalize("NFKC", text).strip())
    if match is None:
        return None
    whole = match[1].replace(",", "").replace("，", "")
    return Decimal(whole + (match[2] or ""))
