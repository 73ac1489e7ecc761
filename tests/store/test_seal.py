"""Sealed texts: opened with the secret, for the purpose, and with no other."""

from __future__ import annotations

import pytest

from bot.store.seal import BrokenSealError, seal, unseal

TEXT = '["6222021234567890128", "招商银行"]'


def test_what_is_sealed_is_opened_again() -> None:
    sealed = seal(TEXT, secret="one", purpose="bank account")
    assert "6222021234567890128" not in sealed
    assert unseal(sealed, secret="one", purpose="bank account") == TEXT
    assert seal(TEXT, secret="one", purpose="bank account") != sealed


def test_a_new_secret_before_the_old_one_opens_both() -> None:
    old = seal(TEXT, secret="old", purpose="bank account")
    new = seal(TEXT, secret="new, old", purpose="bank account")
    for sealed in (old, new):
        assert unseal(sealed, secret="new,old", purpose="bank account") == TEXT
    with pytest.raises(BrokenSealError):
        unseal(new, secret="old", purpose="bank account")


@pytest.mark.parametrize(("secret", "purpose"), [("two", "bank account"), ("one", "file")])
def test_another_secret_or_purpose_opens_nothing(secret: str, purpose: str) -> None:
    sealed = seal(TEXT, secret="one", purpose="bank account")
    with pytest.raises(BrokenSealError):
        unseal(sealed, secret=secret, purpose=purpose)


def test_a_changed_seal_opens_nothing() -> None:
    sealed = seal(TEXT, secret="one", purpose="bank account")
    changed = sealed[:40] + ("A" if sealed[40] != "A" else "B") + sealed[41:]
    for broken in (changed, "", "你好"):
        with pytest.raises(BrokenSealError):
            unseal(broken, secret="one", purpose="bank account")
