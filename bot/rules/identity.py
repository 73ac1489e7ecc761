"""Names and numbers by which a parent is known: read, compared and masked (手册·电子保险卡 E1)."""

import re
import unicodedata

_NAME_MAX = 64
_MIDDLE_DOTS = dict.fromkeys(map(ord, "•・‧∙⋅●.．"), "·")
_CHINESE = r"[\u2e80-\u2fff\u3005\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff·]"
_SPACE_BESIDE_CHINESE = re.compile(rf"(?<={_CHINESE})\s+|\s+(?={_CHINESE})")
_PHONE = re.compile(r"(?:\+?86|0086)?(1[3-9][0-9]{9})")
_PHONE_FILLING = re.compile(r"[\s().\-‐‑‒–—]+")


def _without_invisible(text: str) -> str:
    # Zero-width marks and variation selectors come with pasted text and are never part of a name.
    return "".join(
        character
        for character in text
        if unicodedata.category(character) not in {"Cf", "Cc"} or character.isspace()
        if not 0xFE00 <= ord(character) <= 0xFE0F
        if not 0xE0100 <= ord(character) <= 0xE01EF
    )


def normalise_child_name(name: str) -> str:
    """Give a child's name in the one form in which names are stored (手册·电子保险卡 E1).

    Full-width letters become plain, spaces within a Chinese name go, the middle dots of minority
    names become one. Characters are otherwise kept: the name must be exactly as insured. Raises
    ValueError if nothing is left or it is longer than 64 characters.
    """
    text = _without_invisible(unicodedata.normalize("NFKC", name)).strip()
    if re.search(_CHINESE, text):
        text = text.translate(_MIDDLE_DOTS)
    text = " ".join(_SPACE_BESIDE_CHINESE.sub("", text).split())
    if not text or len(text) > _NAME_MAX:
        msg = "a name has 1 to 64 characters"
        raise ValueError(msg)
    return text


def same_child_name(one: str, other: str) -> bool:
    """Say whether two names are the same child's (手册·电子保险卡 E1).

    Letter case does not count. Raises ValueError as `normalise_child_name`.
    """
    return normalise_child_name(one).casefold() == normalise_child_name(other).casefold()


def normalise_phone(phone: str) -> str:
    """Give a mainland mobile number as its 11 digits (手册·电子保险卡 E1).

    Full-width digits, spaces, hyphens and a +86, 0086 or 86 in front are read. Raises ValueError
    for anything that is not 1, then 3 to 9, then nine digits.
    """
    text = _PHONE_FILLING.sub("", _without_invisible(unicodedata.normalize("NFKC", phone)))
    match = _PHONE.fullmatch(text)
    if match is None:
        msg = "not a mainland mobile number"
        raise ValueError(msg)
    return match.group(1)


def mask_phone(phone: str) -> str:
    """Give a mobile number fit to be shown: 138****0101 (手册·电子保险卡 E1).

    Raises ValueError as `normalise_phone`.
    """
    digits = normalise_phone(phone)
    return f"{digits[:3]}****{digits[-4:]}"


def mask_policy_number(number: str) -> str:
    """Give a policy number fit to be shown: YX****-**0101 (手册·电子保险卡 E1).

    The first two and last four characters stay, and whatever is neither letter nor digit; a
    number of fewer than nine shows its last two at most.
    """
    number = number.strip()
    head, tail = (2, 4) if len(number) > 8 else (0, min(2, len(number) // 2))
    last = len(number) - tail
    return "".join(
        "*" if head <= place < last and character.isalnum() else character
        for place, character in enumerate(number)
    )
