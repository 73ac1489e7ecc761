"""Wishes for erasure as staff see them: whose data, who checks it, and who is talking to them.

What staff do with them stands in :mod:`bot.services.data_requests`.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from bot.rules.states import DataRequestState
from bot.services.complaint_desk import Insured, Talk, insured_of, talks_of
from bot.services.data_requests import DataRequestView, view
from bot.services.desk_history import Entry, latest
from bot.store.models import ChatIdentity, DataRequest
from bot.store.session import Store

OPEN = (DataRequestState.RECEIVED.value, DataRequestState.CHECKING.value)


@dataclass(frozen=True)
class DeskDataRequest:
    """A wish with the account it comes from: its channel, its policies, its open conversations.

    ``taken`` says who began to check it, and when.
    """

    request: DataRequestView
    channel: str
    policies: tuple[Insured, ...]
    talks: tuple[Talk, ...]
    taken: Entry | None


def worklist(store: Store) -> tuple[DeskDataRequest, ...]:
    """Return what staff have not decided yet, the one due first at the head."""
    status = DataRequest.status
    query = (
        sa.select(DataRequest, ChatIdentity.channel)
        .join(ChatIdentity, ChatIdentity.id == DataRequest.identity_id)
        .where(DataRequest.kind == "erasure", status.in_(OPEN))  # type: ignore[attr-defined]
        .order_by(DataRequest.due_at, DataRequest.id)
    )
    with store.read() as session:
        found = list(session.execute(query))
        taken = latest(session, action="data.take_up", subjects=[row.reference for row, _ in found])
        return tuple(
            DeskDataRequest(
                view(row),
                channel,
                insured_of(session, row.identity_id),
                talks_of(session, row.identity_id),
                taken.get(row.reference),
            )
            for row, channel in found
        )
