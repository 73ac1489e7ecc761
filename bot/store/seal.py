"""Seals short texts that must be stored but never read by the way, such as bank cards.

AES in Fernet's form, with a key of its own for each purpose, derived from the secret. A secret may
name several, commas between, the newest first: the first seals, all open.
"""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class BrokenSealError(ValueError):
    """A sealed text was changed, or sealed with a secret that is no longer known."""


def seal(text: str, *, secret: str, purpose: str) -> str:
    """Return the text encrypted and authenticated, safe to store; each time another one."""
    return _cipher(secret, purpose).encrypt(text.encode()).decode()


def unseal(sealed: str, *, secret: str, purpose: str) -> str:
    """Return what was sealed.

    Raises:
        BrokenSealError: See there.
    """
    try:
        return _cipher(secret, purpose).decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise BrokenSealError(purpose) from error


def _cipher(secret: str, purpose: str) -> MultiFernet:
    secrets = [one.strip() for one in secret.split(",") if one.strip()]
    return MultiFernet([Fernet(_key(one, purpose)) for one in secrets])


def _key(secret: str, purpose: str) -> bytes:
    derived = HKDF(SHA256(), length=32, salt=None, info=f"youxiang {purpose}".encode())
    return base64.urlsafe_b64encode(derived.derive(secret.encode()))
