"""What a parent does with an open claim: send in, withdraw, number, account (C1–C6)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm.exc import StaleDataError

from bot.rules.claims import ClaimKind, ClaimState, DocumentKind, claim_route, settlement_due
from bot.rules.numbers import find_card, is_tracking, names_branch
from bot.services import audit
from bot.services.claims import OPEN, TO_COMPLETE, ClaimView, own_claim, record_move, view
from bot.services.errors import Conflict, Refused
from bot.settings import get_settings
from bot.store.models import Claim
from bot.store.seal import BrokenSealError, seal, unseal
from bot.store.session import Store

PURPOSE = "bank account"


@dataclass(frozen=True)
class BankAccount:
    """A bank card's number and the bank with its branch; only staff who pay see it whole."""

    card: str
    branch: str


def submit(
    store: Store, *, identity_id: int, reference: str, now: datetime
) -> tuple[ClaimView, bool]:
    """Send in a claim whose documents are complete (手册·理赔流程 C1–C4, C6).

    It is due by C1, C3 and C4 within 3 working days. For a stay in hospital (C2) the 10 working
    days begin when the couriered originals have come too; until then it has no due time.

    Returns:
        The claim, and whether it was sent in just now; one that is sent in already stays as it is.

    Raises:
        NotFound: It is not this account's.
        Refused: ``papers_missing`` (``ClaimView.missing`` names them) or ``claim_over``.
        Conflict: Somebody else changed it meanwhile.
    """
    actor = audit.identity_actor(identity_id)
    with conflicts(), store.begin() as session:
        row = own_claim(session, identity_id, reference)
        if row.status not in TO_COMPLETE:
            if row.status not in OPEN:
                raise Refused("claim_over")
            return view(row), False
        if any(not requirement.received for requirement in row.requirements):
            raise Refused("papers_missing")
        record_move(row, ClaimState.SUBMITTED, actor=actor, now=now)
        row.submitted_at = now
        set_due(row, now)
        audit.record(session, at=now, actor=actor, action="claim.submit", subject=f"claim:{row.id}")
        session.flush()
        return view(row), True


def check_submittable(claim: ClaimView) -> None:
    """Check that it is the parent's turn to send a claim in (C1–C4).

    Raises:
        Refused: ``not_a_draft`` (it was sent in) or ``claim_over``.
    """
    if claim.status not in OPEN:
        raise Refused("claim_over")
    if not claim.to_complete:
        raise Refused("not_a_draft")


def set_due(row: Claim, complete_at: datetime) -> None:
    """Set until when a claim is settled, from the moment at which all was there (C1–C4)."""
    kind = ClaimKind(row.kind)
    waits = claim_route(kind).needs_originals and row.originals_received_at is None
    row.due_at = None if waits else settlement_due(kind, complete_at)


def withdraw(
    store: Store, *, identity_id: int, reference: str, now: datetime
) -> tuple[ClaimView, bool]:
    """Withdraw a claim that is not being settled yet; the visit may be claimed anew.

    Returns:
        The claim, and whether it was withdrawn just now.

    Raises:
        NotFound: It is not this account's.
        Refused: ``settling`` or ``claim_over``.
        Conflict: Somebody else changed it meanwhile.
    """
    actor = audit.identity_actor(identity_id)
    with conflicts(), store.begin() as session:
        row = own_claim(session, identity_id, reference)
        if row.status == ClaimState.WITHDRAWN:
            return view(row), False
        check_withdrawable(view(row))
        record_move(row, ClaimState.WITHDRAWN, actor=actor, now=now)
        row.due_at = None
        row.idempotency_key = None
        audit.record(
            session, at=now, actor=actor, action="claim.withdraw", subject=f"claim:{row.id}"
        )
        session.flush()
        return view(row), True


def check_withdrawable(claim: ClaimView) -> None:
    """Check that a claim can still be withdrawn.

    Raises:
        Refused: ``settling`` or ``claim_over``.
    """
    if claim.status == ClaimState.SETTLING:
        raise Refused("settling")
    if claim.status not in OPEN:
        raise Refused("claim_over")


def set_tracking(
    store: Store, *, identity_id: int, reference: str, number: str, now: datetime
) -> ClaimView:
    """Note by which courier's number the originals come; it may be corrected until they have (C2).

    Raises:
        NotFound: It is not this account's.
        Refused: ``no_originals`` (not a stay in hospital), ``originals_here``, ``claim_over`` or
            ``tracking`` (it cannot be a courier's number).
        Conflict: Somebody else changed it meanwhile.
    """
    with conflicts(), store.begin() as session:
        row = own_claim(session, identity_id, reference)
        check_tracking(view(row))
        if not is_tracking(number):
            raise Refused("tracking")
        if row.originals_tracking != number:
            row.originals_tracking = number
            audit.record(
                session,
                at=now,
                actor=audit.identity_actor(identity_id),
                action="claim.tracking",
                subject=f"claim:{row.id}",
                number=number,
            )
        session.flush()
        return view(row)


def check_tracking(claim: ClaimView) -> None:
    """Check that originals of this claim are still waited for (C2).

    Raises:
        Refused: ``no_originals``, ``originals_here`` or ``claim_over``.
    """
    if not claim_route(ClaimKind(claim.kind)).needs_originals:
        raise Refused("no_originals")
    if claim.originals_received_at is not None:
        raise Refused("originals_here")
    if claim.status not in OPEN:
        raise Refused("claim_over")


def set_bank_account(
    store: Store, *, identity_id: int, reference: str, account: BankAccount, now: datetime
) -> ClaimView:
    """Note where a claim is to be paid to, sealed; the document counts as received (C6).

    It may be changed until settling begins; after that only staff can.

    Raises:
        NotFound: It is not this account's.
        Refused: ``bank_fixed`` (too late to change), ``card`` (no bank card's number) or
            ``branch`` (the bank's branch is not named).
        Conflict: Somebody else changed it meanwhile.
    """
    with conflicts(), store.begin() as session:
        row = own_claim(session, identity_id, reference)
        check_bank_claim(view(row))
        card = find_card(account.card)
        if card is None or card.wrong is not None:
            raise Refused("card")
        if not names_branch(account.branch):
            raise Refused("branch")
        row.bank_account = seal_account(BankAccount(card.digits, account.branch))
        row.bank_tail = card.tail
        for requirement in row.requirements:
            if requirement.document == DocumentKind.BANK_ACCOUNT:
                requirement.received = True
                requirement.note = None
        audit.record(
            session,
            at=now,
            actor=audit.identity_actor(identity_id),
            action="claim.bank_account",
            subject=f"claim:{row.id}",
        )
        session.flush()
        return view(row)


def check_bank_claim(claim: ClaimView) -> None:
    """Check that the parent can still change where a claim is paid to (C6).

    Raises:
        Refused: ``bank_fixed``.
    """
    if claim.status not in TO_COMPLETE | {ClaimState.SUBMITTED}:
        raise Refused("bank_fixed")


def seal_account(account: BankAccount) -> str:
    """Return a bank account as it may be stored, and kept in a conversation."""
    text = json.dumps([account.card, account.branch], ensure_ascii=False)
    return seal(text, secret=get_settings().file_keys[0], purpose=PURPOSE)


def open_account(sealed: str) -> BankAccount:
    """Return a sealed bank account.

    Raises:
        bot.store.seal.BrokenSealError: It was sealed with another secret.
    """
    keys = get_settings().file_keys
    for older in keys[:-1]:
        # The newest secret seals; what an older one has sealed stays readable.
        with suppress(BrokenSealError):
            return BankAccount(*json.loads(unseal(sealed, secret=older, purpose=PURPOSE)))
    return BankAccount(*json.loads(unseal(sealed, secret=keys[-1], purpose=PURPOSE)))


@contextmanager
def conflicts() -> Iterator[None]:
    """Turn "somebody else changed the row meanwhile" into :class:`Conflict`.

    Raises:
        Conflict: See there.
    """
    try:
        yield
    except StaleDataError as error:
        raise Conflict(str(error)) from error
