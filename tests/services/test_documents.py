"""Papers from their arrival to the checklist, and who may touch them."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot.rules.claims import ClaimKind
from bot.services import claims, document_places, document_upkeep, documents
from bot.services.claims import ClaimWish
from bot.services.document_access import DocumentView
from bot.services.documents import ReceivedDocument
from bot.services.errors import NotFound, Refused
from bot.store.files import FileGoneError, FileStore
from bot.store.models import (
    AuditEntry,
    Authorization,
    Binding,
    Claim,
    ClaimRequirement,
    DocumentReference,
)
from bot.store.session import Store

_spec = importlib.util.spec_from_file_location(
    "pictures", Path(__file__).parents[1] / "pictures.py"
)
assert _spec
assert _spec.loader
pictures = importlib.util.module_from_spec(_spec)
sys.modules["pictures"] = pictures
_spec.loader.exec_module(pictures)

WANG, LI, CHEN = "13800000101", "13800000201", "13800000301"
WANG_POLICY = "YX2026-000101"


@pytest.fixture
def files(tmp_path: Path) -> FileStore:
    return FileStore(str(tmp_path / "files"), ["a secret"])


@pytest.fixture
def send(store: Store, files: FileStore, now: datetime) -> Callable[..., ReceivedDocument]:
    """Send a picture; another seed is another picture."""

    def sent(
        identity_id: int, seed: int = 0, name: str = "scan.pdf", filename: str | None = None
    ) -> ReceivedDocument:
        return documents.receive(
            store,
            files,
            identity_id=identity_id,
            content=pictures.fixture(name, seed),
            filename=filename,
            now=now,
        )

    return sent


@pytest.fixture
def claim(store: Store, now: datetime) -> Callable[..., str]:
    """Open a draft claim; return its number."""

    def opened(identity_id: int, day: int = 20, number: str = WANG_POLICY) -> str:
        wish = ClaimWish(ClaimKind.PUBLIC_OUTPATIENT, "某医院", date(2026, 11, day), Decimal("300"))
        found, _ = claims.open_claim(
            store, identity_id=identity_id, number=number, wish=wish, now=now
        )
        return found.reference

    return opened


@pytest.fixture
def kit(store: Store, files: FileStore, now: datetime) -> Any:
    """The services with what never changes filled in."""

    class Kit:
        def attach(self, who: int, ids: list[int], reference: str) -> documents.Filed:
            return documents.attach(
                store, files, identity_id=who, ids=ids, reference=reference, now=now
            )

        def label(self, who: int, ids: list[int], *kinds: str) -> list[DocumentView]:
            return documents.label(store, identity_id=who, ids=ids, kinds=kinds, now=now)

        def remove(self, who: int, *ids: int) -> list[DocumentView]:
            return documents.remove(store, files, identity_id=who, ids=ids, now=now)

        def missing(self, who: int, reference: str) -> tuple[str, ...]:
            return documents.papers(store, identity_id=who, reference=reference).missing

    return Kit()


def stored(files: FileStore) -> int:
    return sum(1 for _ in files.stored())


# ---- receiving


def test_what_is_sent_is_kept_unfiled(
    store: Store, files: FileStore, bound: Any, send: Any, now: datetime
) -> None:
    who = bound()
    got = send(who, name="invoice.jpg", filename="门诊发票.jpg")
    assert (got.media_type, got.questions, got.duplicate) == ("image/jpeg", (), False)
    (seen,) = documents.unfiled(store, identity_id=who)
    assert (seen.id, seen.kinds, seen.reference) == (got.id, (), None)
    assert (seen.suggested, seen.status, seen.received_at) == ("invoice", "current", now)
    with store.read() as session:
        row = session.get(DocumentReference, got.id)
        kept = files.get(row.storage_key)
        assert (row.size, row.media_type) == (len(kept), "image/jpeg")
    assert b"SecretCamera" not in kept


@pytest.mark.parametrize(("name", "question"), [("blurry.jpg", "blurry"), ("tiny.png", "tiny")])
def test_a_doubtful_photo_is_kept_with_the_question(
    store: Store, bound: Any, send: Any, name: str, question: str
) -> None:
    who = bound()
    got = send(who, name=name)
    assert got.questions == (question,)
    assert documents.unfiled(store, identity_id=who)[0].question == question


def test_the_same_file_is_not_stored_twice(files: FileStore, bound: Any, send: Any) -> None:
    who, other = bound(), bound(account="other")
    first, again = send(who), send(who)
    assert (again.id, again.duplicate) == (first.id, True)
    assert stored(files) == 1
    assert send(other).id != first.id


def test_what_is_refused_leaves_nothing(
    files: FileStore, bound: Any, send: Any, count: Any
) -> None:
    for name in ("virus.txt", "broken.jpg", "locked.pdf", "empty.jpg"):
        with pytest.raises(Refused):
            send(bound(), name=name)
    assert (stored(files), count(DocumentReference)) == (0, 0)


def test_a_row_that_cannot_be_written_leaves_no_file(
    files: FileStore, bound: Any, send: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("no audit, no change")

    who = bound()
    monkeypatch.setattr(documents, "record", broken)
    with pytest.raises(RuntimeError):
        send(who)
    assert stored(files) == 0


def test_thirty_unfiled_files_are_enough(files: FileStore, bound: Any, send: Any) -> None:
    who = bound()
    for seed in range(documents.MOST_FILES):
        send(who, seed)
    with pytest.raises(Refused, match="too_many_files"):
        send(who, 99)
    assert send(who, 3).duplicate
    assert stored(files) == documents.MOST_FILES


# ---- naming and filing, in any order


@pytest.mark.parametrize("named_first", [True, False])
def test_a_named_and_filed_paper_is_ticked(
    bound: Any, send: Any, claim: Any, kit: Any, named_first: bool
) -> None:
    who = bound(WANG)
    got, reference = send(who), claim(who)
    assert "invoice" in kit.missing(who, reference)
    steps = [
        lambda: kit.label(who, [got.id], "invoice"),
        lambda: kit.attach(who, [got.id], reference),
    ]
    for step in steps if named_first else reversed(steps):
        step()
    assert "invoice" not in kit.missing(who, reference)
    assert "medical_record" in kit.missing(who, reference)


def test_one_photo_may_show_several_papers(
    store: Store, bound: Any, send: Any, claim: Any, kit: Any
) -> None:
    who = bound(WANG)
    got, reference = send(who), claim(who)
    kit.attach(who, [got.id], reference)
    (seen,) = kit.label(who, [got.id], "medical_record", "invoice")
    assert seen.kinds == ("medical_record", "invoice")
    assert {"medical_record", "invoice"} & set(kit.missing(who, reference)) == set()
    (seen,) = kit.label(who, [got.id], "invoice", "itemised_bill")
    assert seen.kinds == ("invoice", "itemised_bill")
    missing = kit.missing(who, reference)
    assert "medical_record" in missing
    assert {"invoice", "itemised_bill"} & set(missing) == set()


def test_a_wrong_name_is_corrected(bound: Any, send: Any, claim: Any, kit: Any) -> None:
    who = bound(WANG)
    got, reference = send(who), claim(who)
    kit.attach(who, [got.id], reference)
    kit.label(who, [got.id], "invoice")
    kit.label(who, [got.id], "medical_record")
    missing = kit.missing(who, reference)
    assert "invoice" in missing
    assert "medical_record" not in missing


def test_a_line_stays_ticked_while_another_file_shows_it(
    bound: Any, send: Any, claim: Any, kit: Any
) -> None:
    who = bound(WANG)
    reference = claim(who)
    first, second = send(who, 1), send(who, 2)
    kit.attach(who, [first.id, second.id], reference)
    kit.label(who, [first.id, second.id], "invoice")
    kit.remove(who, first.id)
    assert "invoice" not in kit.missing(who, reference)
    kit.label(who, [second.id], "medical_record")
    assert "invoice" in kit.missing(who, reference)


def test_what_staff_ticked_stays_ticked(store: Store, bound: Any, send: Any, kit: Any) -> None:
    who = bound(CHEN)
    got = send(who)
    before = kit.missing(who, "C3001")
    assert "invoice" not in before
    kit.attach(who, [got.id], "C3001")
    kit.label(who, [got.id], "invoice")
    kit.remove(who, got.id)
    assert kit.missing(who, "C3001") == before


def test_what_staff_ask_for_again_stays_missing(
    store: Store, bound: Any, send: Any, claim: Any, kit: Any
) -> None:
    who = bound(WANG)
    reference = claim(who)
    first, second, third = (send(who, seed) for seed in range(3))
    kit.attach(who, [first.id, second.id], reference)
    kit.label(who, [first.id, second.id], "invoice")
    with store.begin() as session:
        line = session.scalars(
            sa.select(ClaimRequirement).where(
                ClaimRequirement.document == "invoice", ClaimRequirement.file_id == first.id
            )
        ).one()
        line.received = False
    kit.remove(who, first.id)
    assert "invoice" in kit.missing(who, reference)
    kit.label(who, [third.id], "invoice")
    kit.attach(who, [third.id], reference)
    assert "invoice" not in kit.missing(who, reference)


def test_a_paper_nobody_asked_for_is_kept_too(
    store: Store, bound: Any, send: Any, claim: Any, kit: Any
) -> None:
    who = bound(WANG)
    got, reference = send(who), claim(who)
    kit.label(who, [got.id], "discharge_summary")
    found = kit.attach(who, [got.id], reference).papers
    assert (found.extra, found.files, found.unnamed) == (("discharge_summary",), 1, 0)


def test_kinds_that_do_not_exist_are_an_error(bound: Any, send: Any, kit: Any) -> None:
    who = bound()
    got = send(who)
    for kinds in ((), ("selfie",)):
        with pytest.raises(ValueError, match="no kind"):
            kit.label(who, [got.id], *kinds)


def test_filing_twice_files_once(bound: Any, send: Any, claim: Any, kit: Any, count: Any) -> None:
    who = bound(WANG)
    got, reference = send(who), claim(who)
    for _ in range(2):
        assert kit.attach(who, [got.id], reference).papers.files == 1
    assert count(AuditEntry, action="document.attach") == 1


def test_the_same_paper_of_a_claim_is_not_kept_twice(
    files: FileStore, bound: Any, send: Any, claim: Any, kit: Any
) -> None:
    who = bound(WANG)
    reference = claim(who)
    first = send(who)
    kit.attach(who, [first.id], reference)
    again = send(who)
    assert again.id != first.id
    done = kit.attach(who, [again.id], reference)
    assert (done.duplicates, done.papers.files, stored(files)) == ((again.id,), 1, 1)
    other = claim(who, day=19)
    assert kit.attach(who, [send(who).id], other).papers.files == 1


def test_a_claim_takes_thirty_files(
    bound: Any, send: Any, claim: Any, kit: Any, count: Any
) -> None:
    who = bound(WANG)
    reference = claim(who)
    ids = [send(who, seed).id for seed in range(documents.MOST_FILES)]
    kit.attach(who, ids, reference)
    one_more = send(who, 99).id
    with pytest.raises(Refused, match="too_many_files"):
        kit.attach(who, [one_more], reference)
    assert count(DocumentReference, claim_id=None) == 1


def test_a_paper_moves_to_another_open_claim(bound: Any, send: Any, claim: Any, kit: Any) -> None:
    who = bound(WANG)
    wrong, right = claim(who, day=19), claim(who, day=20)
    got = send(who)
    kit.label(who, [got.id], "invoice")
    kit.attach(who, [got.id], wrong)
    kit.attach(who, [got.id], right)
    assert "invoice" in kit.missing(who, wrong)
    assert "invoice" not in kit.missing(who, right)


def test_an_authorization_takes_papers_too(store: Store, bound: Any, send: Any, kit: Any) -> None:
    who = bound(CHEN)
    got = send(who)
    kit.label(who, [got.id], "cost_estimate")
    found = kit.attach(who, [got.id], "P3002").papers
    assert (found.kind, found.what) == ("authorization", "核磁共振检查")
    assert dict(found.lines) == {
        "medical_record": False, "examination_order": False, "cost_estimate": True
    }  # fmt: skip
    assert found.open
    assert not found.waiting
    again = send(who)
    assert kit.attach(who, [again.id], "P3002").duplicates == (again.id,)


# ---- replacing and removing


def test_a_new_photo_takes_the_place_of_an_old_one(
    store: Store, bound: Any, send: Any, claim: Any, kit: Any, now: datetime
) -> None:
    who = bound(WANG)
    reference = claim(who)
    old, new = send(who, name="blurry.jpg"), send(who, name="invoice.jpg")
    kit.attach(who, [old.id], reference)
    kit.label(who, [old.id], "invoice", "itemised_bill")
    seen = documents.replace(store, identity_id=who, old=[old.id], new=new.id, now=now)
    assert (seen.kinds, seen.reference) == (("invoice", "itemised_bill"), reference)
    assert [f.id for f in documents.filed(store, identity_id=who, reference=reference)] == [new.id]
    assert "invoice" not in kit.missing(who, reference)
    (gone,) = documents.view(store, identity_id=who, ids=[old.id])
    assert gone.status == "superseded"
    kit.remove(who, new.id)
    assert "invoice" in kit.missing(who, reference)


def test_a_replaced_file_may_come_back(
    store: Store, files: FileStore, bound: Any, send: Any, claim: Any, kit: Any, now: datetime
) -> None:
    who = bound(WANG)
    reference = claim(who)
    old, new = send(who, 1), send(who, 2)
    kit.attach(who, [old.id], reference)
    kit.label(who, [old.id], "invoice")
    documents.replace(store, identity_id=who, old=[old.id], new=new.id, now=now)
    back = send(who, 1)
    done = kit.attach(who, [back.id], reference)
    assert (done.duplicates, done.papers.files, stored(files)) == ((), 2, 2)


def test_what_is_removed_is_gone_to_the_last_byte(
    store: Store, files: FileStore, bound: Any, send: Any, claim: Any, kit: Any, count: Any
) -> None:
    who = bound(WANG)
    reference = claim(who)
    got = send(who)
    with store.read() as session:
        key = session.get(DocumentReference, got.id).storage_key
    kit.attach(who, [got.id], reference)
    kit.label(who, [got.id], "invoice", "medical_record")
    (told,) = kit.remove(who, got.id)
    assert (told.kinds, told.reference) == (("invoice", "medical_record"), reference)
    assert {"invoice", "medical_record"} <= set(kit.missing(who, reference))
    assert count(DocumentReference) == 0
    with pytest.raises(FileGoneError):
        files.get(key)
    with pytest.raises(NotFound):
        kit.remove(who, got.id)


def test_staff_note_what_cannot_be_read(
    store: Store, bound: Any, send: Any, claim: Any, kit: Any, now: datetime
) -> None:
    who = bound(WANG)
    reference = claim(who)
    got = send(who)
    kit.attach(who, [got.id], reference)
    kit.label(who, [got.id], "invoice")
    for _ in range(2):
        seen = document_upkeep.mark_unreadable(store, document_id=got.id, actor="staff:1", now=now)
        assert seen.status == "unreadable"
    assert "invoice" in kit.missing(who, reference)
    with pytest.raises(NotFound):
        document_upkeep.mark_unreadable(store, document_id=999, actor="staff:1", now=now)


@pytest.mark.parametrize("status", ["submitted", "settling", "approved", "paid", "withdrawn"])
def test_what_was_handed_in_is_not_changed(
    store: Store, files: FileStore, bound: Any, send: Any, claim: Any, kit: Any, now: datetime,
    status: str,
) -> None:  # fmt: skip
    who = bound(WANG)
    reference = claim(who)
    got, late = send(who, 1), send(who, 2)
    kit.attach(who, [got.id], reference)
    kit.label(who, [got.id], "invoice")
    with store.begin() as session:
        session.scalars(sa.select(Claim).where(Claim.reference == reference)).one().status = status
    for change in (
        lambda: kit.attach(who, [late.id], reference),
        lambda: kit.label(who, [got.id], "medical_record"),
        lambda: kit.remove(who, got.id),
        lambda: documents.replace(
            store, identity_id=who, old=[got.id], new=late.id, now=now
        ),
    ):  # fmt: skip
        with pytest.raises(Refused, match="claim_closed"):
            change()
    seen = documents.papers(store, identity_id=who, reference=reference)
    assert (seen.open, seen.files) == (False, 1)
    assert "invoice" not in seen.missing
    assert documents.filed(store, identity_id=who, reference=reference)[0].kinds == ("invoice",)


# ---- whose


def test_nobody_elses_file_can_be_touched(
    store: Store, bound: Any, send: Any, claim: Any, kit: Any, now: datetime
) -> None:
    who, stranger = bound(WANG), bound(LI, account="stranger")
    reference = claim(who)
    got, own = send(who), send(stranger)
    for change in (
        lambda: documents.view(store, identity_id=stranger, ids=[got.id]),
        lambda: kit.label(stranger, [got.id], "invoice"),
        lambda: kit.remove(stranger, got.id),
        lambda: kit.attach(stranger, [own.id], reference),
        lambda: kit.attach(who, [own.id], reference),
        lambda: kit.attach(who, [got.id, own.id], reference),
        lambda: documents.replace(store, identity_id=stranger, old=[got.id], new=own.id, now=now),
        lambda: documents.papers(store, identity_id=stranger, reference=reference),
        lambda: documents.filed(store, identity_id=stranger, reference=reference),
        lambda: documents.view(store, identity_id=who, ids=[999]),
        lambda: kit.attach(who, [got.id], "C99999"),
    ):
        with pytest.raises(NotFound):
            change()
    assert documents.unfiled(store, identity_id=who)[0].kinds == ()
    assert kit.attach(who, [got.id], reference).papers.files == 1
    with pytest.raises(NotFound):
        documents.view(store, identity_id=stranger, ids=[got.id])


def test_a_filed_paper_is_the_familys(
    store: Store, bound: Any, send: Any, claim: Any, kit: Any
) -> None:
    mother, father = bound(WANG), bound(WANG, account="father")
    reference = claim(mother)
    got = send(mother)
    with pytest.raises(NotFound):
        kit.label(father, [got.id], "invoice")
    kit.attach(mother, [got.id], reference)
    assert kit.label(father, [got.id], "invoice")[0].kinds == ("invoice",)
    with store.begin() as session:
        session.execute(sa.delete(Binding).where(Binding.identity_id == mother))
    with pytest.raises(NotFound):
        documents.view(store, identity_id=mother, ids=[got.id])


def test_what_takes_papers(store: Store, bound: Any, claim: Any) -> None:
    who = bound(CHEN)
    found = document_places.open_places(store, identity_id=who)
    assert [(one.reference, one.waiting) for one in found] == [("C3001", True), ("P3002", False)]
    assert found[0].missing == ("itemised_bill", "claim_form")
    with store.begin() as session:
        row = session.scalars(
            sa.select(Authorization).where(Authorization.reference == "P3002")
        ).one()
        row.status = "documents_missing"
    found = document_places.open_places(store, identity_id=who)
    assert [one.waiting for one in found] == [True, True]
    assert document_places.open_places(store, identity_id=bound(account="nobody")) == []


def test_every_change_is_in_the_audit(
    store: Store, bound: Any, send: Any, claim: Any, kit: Any, now: datetime
) -> None:
    who = bound(WANG)
    reference = claim(who)
    one, two = send(who, 1), send(who, 2)
    kit.attach(who, [one.id], reference)
    kit.label(who, [one.id], "invoice")
    documents.replace(store, identity_id=who, old=[one.id], new=two.id, now=now)
    kit.remove(who, two.id)
    with store.read() as session:
        entries = session.execute(
            sa.select(AuditEntry.action, AuditEntry.subject, AuditEntry.actor)
            .where(AuditEntry.action.startswith("document."))
            .order_by(AuditEntry.id)
        ).all()
    names = ["receive", "receive", "attach", "label", "replace", "remove"]
    ids = [one.id, two.id, one.id, one.id, one.id, two.id]
    assert entries == [
        (f"document.{name}", f"document:{number}", f"identity:{who}")
        for name, number in zip(names, ids, strict=True)
    ]


def test_a_paper_filed_by_mistake_is_taken_out(
    store: Store, bound: Any, send: Any, claim: Any, kit: Any, now: datetime
) -> None:
    mother, father = bound(WANG), bound(WANG, account="father")
    reference = claim(mother)
    got = send(mother)
    kit.label(mother, [got.id], "invoice")
    kit.attach(mother, [got.id], reference)
    for _ in range(2):
        documents.detach(store, identity_id=father, ids=[got.id], now=now)
    assert "invoice" in kit.missing(mother, reference)
    assert [one.id for one in documents.unfiled(store, identity_id=father)] == [got.id]
    assert documents.unfiled(store, identity_id=mother) == []
    with pytest.raises(NotFound):
        documents.detach(store, identity_id=mother, ids=[got.id], now=now)
