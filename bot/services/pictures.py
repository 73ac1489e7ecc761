"""Pictures of what is in the store: the e-card, what is left, the papers of a claim (E2, E3, C6).

An action gets an address with a signed token and the same in words. The picture is drawn when the
address is opened, from what then stands in the store, and only while the chat account is still
bound to the policy.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

from bot.render import bars, card, ticks
from bot.render.canvas import Drawing
from bot.rules.benefits import CardStatus
from bot.rules.claims import ClaimKind, DocumentKind
from bot.rules.identity import mask_policy_number
from bot.services import claims, policies, wording
from bot.services.errors import NotFound
from bot.services.identity import own_policy
from bot.services.links import PictureHolder, picture_link, read_picture_token
from bot.services.policies import Benefit, PolicyView
from bot.store.models import Policy
from bot.store.session import Store

LASTS = timedelta(hours=24)
CARD, CHECK, LIMITS, CLAIM, PAPERS = "card", "check", "limits", "claim", "papers"


@dataclass(frozen=True)
class PictureView:
    """A picture to be shown: the path with us that opens it for a day, and its words."""

    path: str
    alt: str


class _Picture(Protocol):
    @property
    def words(self) -> tuple[str, ...]: ...


def e_card(store: Store, *, identity_id: int, number: str, now: datetime) -> PictureView:
    """Return the e-card of a bound policy (手册·电子保险卡 E2); grey while something is owed (E3).

    Raises:
        NotBound, NotFound: The policy is not this account's.
    """
    holder = _holder(store, CARD, identity_id, number, now)
    return _shown(holder, _card(_seen(store, holder, now), holder, now))


def limits(store: Store, *, identity_id: int, number: str, now: datetime) -> PictureView:
    """Return what is left of each benefit of a bound policy as bars (手册·电子保险卡 E2).

    Raises:
        NotBound, NotFound: The policy is not this account's.
    """
    holder = _holder(store, LIMITS, identity_id, number, now)
    return _shown(holder, _bars(_seen(store, holder, now)))


def claim_papers(store: Store, *, identity_id: int, reference: str, now: datetime) -> PictureView:
    """Return the papers of a claim, ticked where they have come (手册·理赔流程 C6).

    Raises:
        NotFound: The claim is not this account's.
    """
    holder = PictureHolder(CLAIM, reference, identity_id, now + LASTS)
    return _shown(holder, _claim(store, holder, now))


def papers(kind: ClaimKind, *, identity_id: int, now: datetime) -> PictureView:
    """Return the papers that a claim of a kind needs, nothing ticked (手册·理赔流程 C6).

    Raises:
        NotFound: There is no claim for such a visit (C5).
    """
    holder = PictureHolder(PAPERS, kind.value, identity_id, now + LASTS)
    return _shown(holder, _papers(holder))


def load(store: Store, token: str, now: datetime) -> bytes:
    """Draw the picture behind a token, as PNG.

    Args:
        store: The store.
        token: The end of :attr:`PictureView.path`.
        now: Business time, aware.

    Raises:
        NotFound, NotBound: The token was not made here, or what it shows is not this account's.
        Refused: ``link_over``: its time is over.
    """
    return drawing(store, read_picture_token(token, now), now).png


def drawing(store: Store, holder: PictureHolder, now: datetime) -> Drawing:
    """Draw what a token's holder may see.

    Raises:
        NotFound, NotBound: It is not this account's.
    """
    if holder.kind in (CARD, CHECK):
        return card.draw(_card(_seen(store, holder, now), holder, now))
    if holder.kind == LIMITS:
        return bars.draw(_bars(_seen(store, holder, now)))
    return ticks.draw(_claim(store, holder, now) if holder.kind == CLAIM else _papers(holder))


def _holder(store: Store, kind: str, identity_id: int, number: str, now: datetime) -> PictureHolder:
    # An address names the policy by its row: its number is nobody else's business.
    with store.read() as session:
        policy = own_policy(session, identity_id, number)
        return PictureHolder(kind, str(policy.id), identity_id, now + LASTS)


def _seen(store: Store, holder: PictureHolder, now: datetime) -> PolicyView:
    with store.read() as session:
        policy = session.get(Policy, int(holder.subject))
        if policy is None:
            raise NotFound("policy")
        return policies.view(session, own_policy(session, holder.identity_id, policy.number), now)


def _shown(holder: PictureHolder, picture: _Picture) -> PictureView:
    return PictureView(picture_link(holder), wording.line("picture_words").join(picture.words))


def _card(seen: PolicyView, holder: PictureHolder, now: datetime) -> card.Card:
    owed = sum((bill.amount for bill in seen.unpaid), start=Decimal(0))
    note = ""
    if seen.status is CardStatus.GREY:
        note = wording.line("picture_owed", owed=wording.yuan(owed))
    elif seen.status is CardStatus.EXPIRED:
        note = wording.line("picture_expired")
    elif seen.status is CardStatus.NOT_STARTED:
        note = wording.line("picture_not_started")
    code = None
    if holder.kind == CARD:
        # Whoever scans sees how the card stands then; that picture has no code of its own, or it
        # could be prolonged for ever.
        check = PictureHolder(CHECK, holder.subject, holder.identity_id, holder.until)
        until = wording.line("picture_code_until", until=wording.moment(holder.until, now))
        code = card.Code(picture_link(check, absolute=True), (wording.line("picture_code"), until))
    checked = wording.line("picture_checked", now=wording.moment(now, now))
    return card.Card(
        title=wording.line("picture_card"),
        state=wording.word("card", seen.status.value),
        active=seen.status is CardStatus.ACTIVE,
        name=seen.child,
        plan=seen.plan,
        rows=(
            (wording.line("picture_number"), mask_policy_number(seen.number)),
            (
                wording.line("picture_valid"),
                wording.line(
                    "picture_period",
                    first=seen.valid_from.isoformat(),
                    last=seen.valid_to.isoformat(),
                ),
            ),
            (wording.line("picture_billing"), _billing(seen)),
        ),
        note=note,
        footer=checked if holder.kind == CHECK else wording.line("picture_hotline"),
        code=code,
    )


def _billing(seen: PolicyView) -> str:
    if not seen.direct_billing:
        return wording.line("picture_no_billing")
    return wording.listed([wording.word("route", r) for r in sorted(seen.direct_billing)])


def _bars(seen: PolicyView) -> bars.Bars:
    active = seen.status is CardStatus.ACTIVE
    state = wording.word("card", seen.status.value)
    return bars.Bars(
        title=wording.line("picture_limits", child=seen.child),
        heading=wording.line(
            "picture_as_of", plan=seen.plan, today=wording.day(seen.as_of, seen.as_of)
        ),
        rows=tuple(_bar(benefit) for benefit in seen.benefits.values()),
        note="" if active else wording.line("picture_state", state=state),
    )


def _bar(benefit: Benefit) -> bars.Bar:
    name = wording.word("benefit", benefit.name)
    if benefit.name == "vaccine" and benefit.limit == 0:
        return bars.Bar(name, "", wording.line("picture_no_vaccine"), None)
    unit = wording.word("unit", "yuan" if benefit.unit == "CNY" else benefit.name)
    return bars.Bar(
        name,
        wording.line("picture_left", left=wording.yuan(benefit.left), unit=unit),
        wording.line(
            "picture_used",
            used=wording.yuan(benefit.used),
            limit=wording.yuan(benefit.limit),
            unit=unit,
        ),
        float(benefit.left / benefit.limit) if benefit.limit else 0.0,
    )


def _claim(store: Store, holder: PictureHolder, now: datetime) -> ticks.Ticks:
    with store.read() as session:
        row = claims.own_claim(session, holder.identity_id, holder.subject)
        seen = claims.view(row)
        needed = [(r.document, bool(r.received)) for r in row.requirements]
    place = [seen.child, seen.hospital or ""]
    if seen.visited_on is not None:
        place.append(wording.day(seen.visited_on, now.date()))
    place.append(wording.line("picture_amount", amount=wording.yuan(seen.amount)))
    got = sum(done for _, done in needed)
    return ticks.Ticks(
        title=wording.line("picture_claim", reference=seen.reference),
        heading=wording.line("picture_between").join(part for part in place if part),
        rows=tuple(_tick(document, done, seen.notes.get(document)) for document, done in needed),
        note=wording.line("picture_got", got=str(got), missing=str(len(needed) - got))
        if got < len(needed)
        else wording.line("picture_got_all", got=str(got)),
    )


def _tick(document: str, done: bool, remark: str | None) -> ticks.Tick:
    return ticks.Tick(
        wording.word("document", DocumentKind(document)),
        done,
        wording.line("picture_done") if done else wording.line("picture_open"),
        "" if done or not remark else wording.line("picture_again", reason=remark),
    )


def _papers(holder: PictureHolder) -> ticks.Ticks:
    needed = claims.checklist(ClaimKind(holder.subject))
    if not needed.allowed:
        raise NotFound("papers")
    return ticks.Ticks(
        title=wording.line("picture_papers"),
        heading=wording.word("kind", needed.kind.value),
        rows=tuple(
            ticks.Tick(wording.word("document", document), False, "")
            for document in needed.documents
        ),
        note=wording.line("picture_papers_count", count=str(len(needed.documents))),
    )
