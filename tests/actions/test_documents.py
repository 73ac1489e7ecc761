"""Files in conversation: what they are, which claim they are for, corrections (C6)."""

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

from actions import document_changes, document_form, turn
from actions.consultations import ConsultForm
from actions.conversation import ActionDeny, ActionInform, ActionReportEmergency
from actions.document_changes import (
    ActionAskFileRemove,
    ActionAskFileRemoveConfirm,
    ActionChangeFiles,
    ActionSubmitFileRemove,
    FileRemoveForm,
)
from actions.document_form import (
    ActionAskFileKind,
    ActionAskFilePlace,
    ActionAskFileRetake,
    ActionSubmitFile,
    FileForm,
)
from actions.documents import ActionReceiveDocuments
from bot.clock import TZ
from bot.rules.claims import ClaimKind
from bot.services import claims
from bot.services import documents as service
from bot.services.claims import ClaimWish
from bot.store.files import FileStore
from bot.store.models import Claim, DocumentReference
from bot.store.session import Store

_spec = importlib.util.spec_from_file_location(
    "pictures", Path(__file__).parents[1] / "pictures.py"
)
assert _spec
assert _spec.loader
pictures = importlib.util.module_from_spec(_spec)
sys.modules["pictures"] = pictures
_spec.loader.exec_module(pictures)

Run = Callable[..., Any]
NOW = datetime(2026, 11, 23, 10, tzinfo=TZ)
WANG, CHEN = "13800000101", "13800000301"


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FileStore:
    kept = FileStore(str(tmp_path / "files"), ["a secret"])
    for module in (document_form, document_changes):
        monkeypatch.setattr(module, "get_files", lambda: kept)
    return kept


@pytest.fixture
def parent(bind: Callable[..., int]) -> int:
    return bind(WANG)


@pytest.fixture
def send(store: Store, files: FileStore) -> Callable[..., int]:
    def sent(who: int, seed: int = 0, name: str = "scan.pdf", filename: str = "") -> int:
        content = pictures.fixture(name, seed)
        return service.receive(
            store, files, identity_id=who, content=content, filename=filename, now=NOW
        ).id

    return sent


@pytest.fixture
def claim(store: Store) -> Callable[..., str]:
    def opened(who: int, day: int = 20, number: str = "YX2026-000101") -> str:
        wish = ClaimWish(ClaimKind.PUBLIC_OUTPATIENT, "海川医院", date(2026, 11, day), Decimal(300))
        view, _ = claims.open_claim(store, identity_id=who, number=number, wish=wish, now=NOW)
        return view.reference

    return opened


def files_of(*ids: int) -> list[dict[str, Any]]:
    return [{"entity": "document", "value": ",".join(map(str, ids))}]


def pressed(name: str, value: str) -> list[dict[str, Any]]:
    return [{"entity": name, "value": value}]


def kinds(store: Store, who: int, *ids: int) -> list[tuple[str, ...]]:
    return [file.kinds for file in service.view(store, identity_id=who, ids=ids)]


# ---- arrival


def test_inform_leads_to_the_files(run: Run) -> None:
    reply = run(ActionInform(), entities=files_of(1))
    assert reply.followup == "action_receive_documents"
    reply = run(ActionInform(), entities=pressed("document_refused", "file_type"), form="book_form")
    assert reply.followup == "action_receive_documents"


def test_the_only_open_claim_is_meant(
    run: Run, parent: int, send: Any, claim: Any, store: Store
) -> None:
    reference, one = claim(parent), send(parent)
    reply = run(ActionReceiveDocuments(), entities=files_of(one))
    assert reply.slots["file_place"] == reference
    assert reply.slots["file_ids"] == [one]
    assert reply.followup == "file_form"
    assert service.filed(store, identity_id=parent, reference=reference)[0].id == one


def test_of_several_open_claims_one_is_asked_for(
    run: Run, parent: int, send: Any, claim: Any
) -> None:
    first, second, one = claim(parent, 19), claim(parent, 20), send(parent)
    reply = run(ActionReceiveDocuments(), entities=files_of(one))
    assert reply.slots["file_place"] is None
    asked = run(ActionAskFilePlace(), slots={"file_ids": [one]}, form="file_form")
    assert asked.buttons == [
        f'/inform{{"file_place": "{reference}"}}' for reference in (second, first, "none")
    ]
    reply = run(ActionReceiveDocuments(), entities=files_of(one), slots={"file_place": first})
    assert reply.slots["file_place"] == first


@pytest.mark.parametrize(
    ("text", "position"), [("第二个", 1), ("C{}", 0), ("海川医院", None), ("都不是", "none")]
)
def test_the_claim_is_named_in_words(
    run: Run, parent: int, send: Any, claim: Any, store: Store, entity: Any, text: str,
    position: int | str | None,
) -> None:  # fmt: skip
    places = [claim(parent, 20), claim(parent, 19)][::-1]
    one = send(parent)
    text = places[0] if text.startswith("C") else text
    entities = [entity("reference", places[0], text)] if text == places[0] else []
    listed = [places[0], places[1]]
    reply = run(
        FileForm(), text, slots={"file_ids": [one], "requested_slot": "file_place"},
        form="file_form", entities=entities,
    )  # fmt: skip
    if position is None:
        assert "file_place" not in reply.slots
    elif position == "none":
        assert reply.slots["file_place"] == "none"
    else:
        wanted = places[0] if text == places[0] else listed[1]
        assert reply.slots["file_place"] == wanted
        assert service.filed(store, identity_id=parent, reference=wanted)[0].id == one


def test_without_a_claim_files_are_kept(run: Run, parent: int, send: Any, store: Store) -> None:
    one = send(parent)
    reply = run(ActionReceiveDocuments(), entities=files_of(one))
    assert reply.slots["file_place"] == "none"
    slots = {"file_ids": [one], "file_place": "none", "requested_slot": "file_kind"}
    reply = run(FileForm(), "发票", slots=slots, form="file_form")
    assert reply.slots["file_kind"] == "done"
    reply = run(ActionSubmitFile(), slots=slots | {"file_kind": "done"})
    assert "保存 30 天" in reply.text
    assert reply.buttons == ["/start_claim"]
    assert reply.slots["file_last"] == [one]
    assert reply.slots["file_place"] is None


def test_files_named_before_are_filed_once_a_claim_is_open(
    run: Run, parent: int, send: Any, claim: Any, store: Store
) -> None:
    one = send(parent)
    service.label(store, identity_id=parent, ids=[one], kinds=["invoice"], now=NOW)
    reference = claim(parent)
    reply = run(ActionReceiveDocuments(), slots={"file_place": reference}, after=["x"])
    assert "✓ 发票原件" in reply.text
    assert reply.followup == "action_listen"
    assert service.unfiled(store, identity_id=parent) == []


@pytest.mark.parametrize("form", ["claim_form", "policy_form", "bind_form"])
def test_forms_that_lead_to_a_claim_go_on(run: Run, parent: int, send: Any, form: str) -> None:
    reply = run(ActionReceiveDocuments(), entities=files_of(send(parent)), form=form)
    assert "先替您收着" in reply.text
    assert reply.followup == form
    pending = reply.slots["pending_task"]
    assert pending == ("action_receive_documents" if form == "bind_form" else None)


def test_another_form_is_put_aside(run: Run, parent: int, send: Any) -> None:
    reply = run(ActionReceiveDocuments(), entities=files_of(send(parent)), form="book_form")
    assert reply.slots["paused_forms"] == ["book_form"]
    assert reply.followup == "file_form"


def test_who_is_not_bound_is_bound_first(run: Run, bind: Any, send: Any, store: Store) -> None:
    who = bind()
    reply = run(ActionReceiveDocuments(), entities=files_of(send(who)))
    assert reply.slots["pending_task"] == "action_receive_documents"
    assert reply.followup == "bind_form"
    assert len(service.unfiled(store, identity_id=who)) == 1


def test_other_forms_leave_a_file_to_its_action(run: Run, parent: int, send: Any) -> None:
    reply = run(
        ConsultForm(), entities=files_of(send(parent)), form="consult_form",
        slots={"requested_slot": "consult_symptom"},
    )  # fmt: skip
    assert reply.events == []


@pytest.mark.parametrize("value", ["1,2,3", "9" * 30, "999999", "abc", "", "1;drop table", "²"])
def test_nobody_elses_file_is_there(
    run: Run, parent: int, bind: Any, send: Any, value: str
) -> None:
    other = bind("13800000201", sender="other")
    for seed in range(3):
        send(other, seed)
    reply = run(ActionReceiveDocuments(), entities=[{"entity": "document", "value": value}])
    assert reply.text.startswith("没收到文件" if value else "现在没有等着归类的文件")
    assert "file_ids" not in reply.slots


@pytest.mark.parametrize(
    ("reasons", "told"),
    [
        ("file_type", "不是照片或 PDF"),
        ("file_type,file_too_large", "不是照片或 PDF、超过 20 MB"),
        ("<b>x</b>", "文件打不开"),
        ("grey", "电子卡已置灰"),
    ],
)
def test_a_refusal_is_told_in_known_words(run: Run, parent: int, reasons: str, told: str) -> None:
    reply = run(ActionReceiveDocuments(), entities=pressed("document_refused", reasons))
    assert told in reply.text
    assert "<b>" not in reply.text
    assert "现在没有" not in reply.text


# ---- naming


@pytest.fixture
def batch(parent: int, send: Any, claim: Any, run: Run) -> dict[str, Any]:
    """Three files of one claim that wait for their names."""
    reference = claim(parent)
    ids = [send(parent, seed) for seed in range(3)]
    run(ActionReceiveDocuments(), entities=files_of(*ids))
    return {"file_ids": ids, "file_place": reference, "requested_slot": "file_kind"}


def test_one_question_for_all(run: Run, batch: Any) -> None:
    reply = run(ActionAskFileKind(), slots=batch, form="file_form")
    assert "收到 3 个文件" in reply.text
    assert reply.buttons[0] == '/inform{"document_kind": "medical_record"}'
    assert reply.buttons[-3:] == [
        '/inform{"document_kind": "other"}',
        '/inform{"document_kind": "remove"}',
        '/inform{"file_place": "ask"}',
    ]


def test_a_button_names_all(run: Run, batch: Any, store: Store, parent: int) -> None:
    entities = pressed("document_kind", "invoice")
    reply = run(FileForm(), slots=batch, form="file_form", entities=entities)
    assert reply.slots["file_kind"] == "done"
    assert kinds(store, parent, *batch["file_ids"]) == [("invoice",)] * 3
    reply = run(ActionSubmitFile(), slots=batch | {"file_kind": "done"})
    assert "✓ 发票原件" in reply.text
    assert "还缺 8 样" in reply.text


def test_what_is_left_is_asked_again(run: Run, batch: Any, store: Store, parent: int) -> None:
    reply = run(FileForm(), "前两张是发票", slots=batch, form="file_form", intent="faq")
    assert reply.slots["file_kind"] is None
    assert kinds(store, parent, *batch["file_ids"]) == [("invoice",), ("invoice",), ()]
    assert "第3张还没说" in run(ActionAskFileKind(), slots=batch, form="file_form").text
    reply = run(FileForm(), "病历", slots=batch, form="file_form")
    assert reply.slots["file_kind"] == "done"
    assert kinds(store, parent, batch["file_ids"][2]) == [("medical_record",)]


@pytest.mark.parametrize("text", ["发票要原件吗", "病历是什么"])
def test_a_question_is_no_name(run: Run, batch: Any, text: str) -> None:
    assert run(FileForm(), text, "faq", slots=batch, form="file_form").events == []


def test_what_is_unclear_is_said(run: Run, batch: Any, store: Store, parent: int) -> None:
    assert "哪个是什么" in run(FileForm(), "病历和发票", slots=batch, form="file_form").text
    assert "对不上" in run(FileForm(), "第九张是发票", slots=batch, form="file_form").text
    assert "孩子的证件" in run(FileForm(), "都是身份证", slots=batch, form="file_form").text
    assert kinds(store, parent, *batch["file_ids"]) == [()] * 3


def test_the_identity_card_that_is_missing_is_meant(
    run: Run, batch: Any, store: Store, parent: int
) -> None:
    first, second, _ = batch["file_ids"]
    run(FileForm(), "第一张是孩子身份证", slots=batch, form="file_form")
    run(FileForm(), "第二张身份证", slots=batch, form="file_form")
    assert kinds(store, parent, first, second) == [("id_document",), ("guardian_id",)]


def test_its_name_suggests_what_a_file_is(
    run: Run, parent: int, send: Any, claim: Any, store: Store
) -> None:
    reference, one = claim(parent), send(parent, filename="电子发票.pdf")
    slots = {"file_ids": [one], "file_place": reference, "requested_slot": "file_kind"}
    reply = run(ActionAskFileKind(), slots=slots, form="file_form")
    assert "是发票原件吗" in reply.text
    assert reply.buttons[0] == '/inform{"document_kind": "invoice"}'
    run(FileForm(), "对", "affirm", slots=slots, form="file_form")
    assert kinds(store, parent, one) == [("invoice",)]


def test_the_last_paper_that_is_missing_is_suggested(
    run: Run, bind: Any, send: Any, store: Store
) -> None:
    who = bind(CHEN)
    bill, form = send(who, 1), send(who, 2)
    run(ActionReceiveDocuments(), entities=files_of(bill))
    service.label(store, identity_id=who, ids=[bill], kinds=["itemised_bill"], now=NOW)
    slots = {"file_ids": [form], "file_place": "C3001", "requested_slot": "file_kind"}
    assert "是填好并签名的理赔表吗" in run(ActionAskFileKind(), slots=slots, form="file_form").text
    reply = run(FileForm(), "是的", "affirm", slots=slots, form="file_form")
    assert reply.slots["file_kind"] == "done"
    reply = run(ActionSubmitFile(), slots=slots | {"file_kind": "done"})
    assert "材料齐了" in reply.text
    assert "□" not in reply.text


def test_a_yes_to_nothing_names_nothing(run: Run, batch: Any) -> None:
    assert run(FileForm(), "好", "affirm", slots=batch, form="file_form").events == []


@pytest.mark.parametrize(
    ("text", "intent", "value", "told"),
    [("算了", "stop", "later", "先替您收着"), ("", "inform", "other", "审核时同事会看")],
)
def test_a_file_may_stay_unnamed(
    run: Run, batch: Any, count: Any, text: str, intent: str, value: str, told: str
) -> None:
    entities = pressed("document_kind", value) if not text else []
    reply = run(FileForm(), text, intent, slots=batch, form="file_form", entities=entities)
    assert reply.slots["file_kind"] == value
    reply = run(ActionSubmitFile(), slots=batch | {"file_kind": value})
    assert told in reply.text
    assert count(DocumentReference) == 3


def test_what_was_sent_by_mistake_is_thrown_away(run: Run, batch: Any, count: Any) -> None:
    reply = run(FileForm(), "删掉", slots=batch, form="file_form")
    assert "哪个" in reply.text
    reply = run(FileForm(), "第二张发错了", slots=batch, form="file_form")
    assert reply.slots["file_kind"] is None
    assert count(DocumentReference) == 2
    entities = pressed("document_kind", "remove")
    reply = run(FileForm(), slots=batch, form="file_form", entities=entities)
    assert reply.slots["file_kind"] == "done"
    assert count(DocumentReference) == 0


def test_the_same_paper_again_is_said(run: Run, batch: Any, parent: int, send: Any) -> None:
    again = send(parent, 1)
    reply = run(ActionReceiveDocuments(), entities=files_of(again))
    assert f"{batch['file_place']} 里已经有了" in reply.text
    assert reply.followup == "action_listen"


def test_a_further_photo_joins_those_that_wait(
    run: Run, batch: Any, parent: int, send: Any
) -> None:
    one = send(parent, 9)
    reply = run(ActionReceiveDocuments(), slots=batch, form="file_form", entities=files_of(one))
    assert reply.slots["file_ids"] == [*batch["file_ids"], one]
    assert reply.followup == "file_form"


def test_a_claim_handed_in_meanwhile_takes_no_more(
    run: Run, batch: Any, parent: int, send: Any, store: Store
) -> None:
    one = send(parent, 9)
    with store.begin() as session:
        session.scalars(
            sa.select(Claim).where(Claim.reference == batch["file_place"])
        ).one().status = "settling"
    slots = {"file_ids": [one], "requested_slot": "file_place"}
    entities = pressed("file_place", batch["file_place"])
    reply = run(FileForm(), slots=slots, form="file_form", entities=entities)
    assert reply.events == []
    reply = run(ActionReceiveDocuments(), slots=batch, entities=files_of(one))
    assert reply.slots["file_place"] == "none"


@pytest.mark.parametrize("text", ["不是给这个理赔的", "这是另一个理赔的", ""])
def test_the_claim_taken_for_granted_may_be_another(
    run: Run, batch: Any, parent: int, claim: Any, store: Store, text: str
) -> None:
    other = claim(parent, 18)
    pressing = [] if text else pressed("file_place", "ask")
    reply = run(FileForm(), text, slots=batch, form="file_form", entities=pressing)
    assert reply.slots["file_place"] is None
    assert reply.slots["requested_slot"] == "file_place"
    slots = batch | {"file_place": None, "requested_slot": "file_place"}
    pressing = pressed("file_place", other)
    reply = run(FileForm(), slots=slots, form="file_form", entities=pressing)
    assert reply.slots["requested_slot"] == "file_kind"
    assert len(service.filed(store, identity_id=parent, reference=other)) == 3
    pressing = pressed("file_place", "none")
    run(FileForm(), slots=slots, form="file_form", entities=pressing)
    assert len(service.unfiled(store, identity_id=parent)) == 3
    assert service.filed(store, identity_id=parent, reference=other) == []


# ---- doubtful photos


@pytest.mark.parametrize(("name", "told"), [("blurry.jpg", "看不清"), ("tiny.png", "太小")])
def test_a_doubtful_photo_is_questioned_first(
    run: Run, parent: int, send: Any, claim: Any, store: Store, name: str, told: str
) -> None:
    reference, one = claim(parent), send(parent, name=name)
    reply = run(ActionReceiveDocuments(), entities=files_of(one))
    assert service.filed(store, identity_id=parent, reference=reference) == []
    slots = reply.slots | {"requested_slot": "file_retake"}
    assert told in run(ActionAskFileRetake(), slots=slots, form="file_form").text
    reply = run(FileForm(), slots=slots, form="file_form", after=[])
    assert reply.events == []


@pytest.mark.parametrize(
    ("text", "intent", "value"),
    [
        ("重拍", "inform", "again"),
        ("好的", "affirm", "again"),
        ("我重新拍一张", "book_appointment", "again"),
        ("删掉吧", "inform", "again"),
        ("就用这张", "inform", "keep"),
        ("不用了", "deny", "keep"),
        ("不用重拍了能看清", "inform", "keep"),
    ],
)
def test_whether_it_is_taken_again(
    run: Run, parent: int, send: Any, claim: Any, count: Any, text: str, intent: str, value: str
) -> None:
    reference, one = claim(parent), send(parent, name="blurry.jpg")
    slots = {"file_ids": [one], "file_place": reference, "requested_slot": "file_retake"}
    reply = run(FileForm(), text, intent, slots=slots, form="file_form")
    assert reply.slots["file_retake"] == value
    if value == "again":
        assert count(DocumentReference) == 0
        assert reply.loops == [None]
    else:
        assert reply.slots["requested_slot"] == "file_kind"
        assert reply.slots["file_fine"] == [one]
        assert count(DocumentReference, claim_id=None) == 0


def test_of_several_the_doubtful_ones_are_named(run: Run, parent: int, send: Any) -> None:
    ids = [send(parent, n, name) for n, name in enumerate(["scan.pdf", "blurry.jpg", "tiny.png"])]
    reply = run(ActionAskFileRetake(), slots={"file_ids": ids}, form="file_form")
    assert "第2张、第3张看不清或太小" in reply.text


def test_a_photo_that_is_kept_is_not_asked_about_again(
    run: Run, parent: int, send: Any, claim: Any
) -> None:
    reference, one, two = claim(parent), send(parent, 1, "blurry.jpg"), send(parent, 2)
    slots = {"file_ids": [one], "file_place": reference, "file_fine": [one]}
    reply = run(
        ActionReceiveDocuments(), slots=slots | {"requested_slot": "file_kind"},
        form="file_form", entities=files_of(two),
    )  # fmt: skip
    assert reply.slots["file_ids"] == [one, two]
    slots |= reply.slots
    reply = run(FileForm(), slots=slots, form="file_form", after=["action_receive_documents"])
    assert reply.slots["requested_slot"] == "file_kind"


def test_a_new_photo_may_replace_the_doubtful_one(
    run: Run, parent: int, send: Any, claim: Any, count: Any
) -> None:
    reference, old, new = claim(parent), send(parent, 1, "blurry.jpg"), send(parent, 2)
    slots = {"file_ids": [old], "file_place": reference, "requested_slot": "file_retake"}
    reply = run(ActionReceiveDocuments(), slots=slots, form="file_form", entities=files_of(new))
    slots |= reply.slots | {"requested_slot": "file_retake"}
    assert slots["file_retaken"] is True
    assert "换掉吗" in run(ActionAskFileRetake(), slots=slots, form="file_form").text
    reply = run(FileForm(), "换掉", slots=slots, form="file_form")
    assert reply.slots["requested_slot"] == "file_kind"
    assert count(DocumentReference) == 1


# ---- afterwards


@pytest.fixture
def sent(run: Run, parent: int, send: Any, claim: Any, store: Store) -> dict[str, Any]:
    """Two files of a claim, named; nothing is asked."""
    reference = claim(parent)
    ids = [send(parent, seed) for seed in range(2)]
    run(ActionReceiveDocuments(), entities=files_of(*ids))
    service.label(store, identity_id=parent, ids=ids, kinds=["invoice"], now=NOW)
    return {"file_last": ids, "file_place": reference}


@pytest.mark.parametrize("text", ["不对，那张是病历", "第二张是病历", "最后一张应该是病历"])
def test_a_wrong_name_is_corrected(
    run: Run, sent: Any, store: Store, parent: int, text: str
) -> None:
    reply = run(ActionDeny(), text, "deny", slots=sent)
    assert reply.followup == "action_change_files"
    reply = run(ActionChangeFiles(), text, "deny", slots=sent)
    assert "✓ 病历" in reply.text
    assert kinds(store, parent, *sent["file_last"]) == [("invoice",), ("medical_record",)]


@pytest.mark.parametrize("text", ["别删那张", "不用删刚才的照片"])
def test_nothing_is_deleted_that_shall_stay(run: Run, sent: Any, count: Any, text: str) -> None:
    reply = run(ActionChangeFiles(), text, slots=sent)
    assert "都留着" in reply.text
    assert count(DocumentReference) == 2


def test_a_deletion_is_confirmed(run: Run, sent: Any, count: Any) -> None:
    reply = run(ActionChangeFiles(), "删掉刚才那张", slots=sent)
    assert reply.slots["file_remove"] == [sent["file_last"][1]]
    assert reply.followup == "file_remove_form"
    assert count(DocumentReference) == 2
    slots = sent | {"file_remove": reply.slots["file_remove"]}
    reply = run(ActionAskFileRemoveConfirm(), slots=slots, form="file_remove_form")
    assert "要删掉这 1 个文件吗（发票原件）" in reply.text
    asked = slots | {"requested_slot": "file_remove_confirm"}
    for text, intent, answer in (
        ("对", "affirm", True), ("删吧", "inform", True), ("算了别删了", "inform", False),
        ("留着", "deny", False),
    ):  # fmt: skip
        reply = run(FileRemoveForm(), text, intent, slots=asked, form="file_remove_form")
        assert reply.slots["file_remove_confirm"] is answer, text
    kept = run(ActionSubmitFileRemove(), slots=slots | {"file_remove_confirm": False})
    assert count(DocumentReference) == 2
    assert "都留着" in kept.text
    reply = run(ActionSubmitFileRemove(), slots=slots | {"file_remove_confirm": True})
    assert "删掉了 1 个" in reply.text
    assert "✓ 发票原件" in reply.text
    assert count(DocumentReference) == 1


def test_which_file_is_asked_if_it_is_not_said(run: Run, sent: Any) -> None:
    reply = run(ActionChangeFiles(), "刚才发错了", slots=sent)
    assert reply.slots["file_remove"] is None
    asked = run(ActionAskFileRemove(), slots=sent, form="file_remove_form")
    assert "1. 发票原件\n2. 发票原件" in asked.text
    slots = sent | {"requested_slot": "file_remove"}
    reply = run(FileRemoveForm(), "第一张", slots=slots, form="file_remove_form")
    assert reply.slots["file_remove"] == sent["file_last"][:1]


def test_what_was_handed_in_stays(run: Run, sent: Any, store: Store, count: Any) -> None:
    with store.begin() as session:
        session.scalars(sa.select(Claim)).all()[-1].status = "submitted"
        reference = sent["file_place"]
        session.scalars(
            sa.select(Claim).where(Claim.reference == reference)
        ).one().status = "submitted"
    reply = run(ActionChangeFiles(), "不对，那张是病历", slots=sent)
    assert "已经交上去了" in reply.text
    slots = sent | {"file_remove": sent["file_last"], "file_remove_confirm": True}
    reply = run(ActionSubmitFileRemove(), slots=slots)
    assert "已经交上去了" in reply.text
    assert count(DocumentReference) == 2


@pytest.mark.parametrize(
    "text", ["你好", "发票要原件吗", "我要理赔", "删除我的数据", "第二个", "不对，是后天", "病历"]
)
def test_other_messages_are_not_about_the_files(run: Run, sent: Any, text: str) -> None:
    reply = run(ActionDeny(), text, "deny", slots=sent)
    assert reply.followup != "action_change_files"


def test_without_files_sent_before_nothing_is_redirected(run: Run, parent: int) -> None:
    assert run(ActionDeny(), "不对，那张是病历", "deny").followup != "action_change_files"
    assert "现在没有" in run(ActionChangeFiles(), "那张是病历", slots={"file_last": [99]}).text


def test_danger_comes_first(run: Run, sent: Any) -> None:
    reply = run(ActionReportEmergency(), "那张是病历 孩子没气了", "report_emergency", slots=sent)
    assert "120" in reply.text
    assert turn.REDIRECTS
