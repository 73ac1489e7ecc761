"""``data/texts/`` and the actions that say its texts: nothing missing, unused or unfilled.

The actions' source is read, not run: every call of ``say``, ``line``, ``word`` and ``has_line``
names its text as a constant, or as a family (an f-string) whose members stand in FAMILIES.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from string import Formatter
from typing import get_args

import pytest

from actions import texts as written
from actions.authorizations import ASPECTS
from actions.turn import ServiceAction
from bot.nlu.dates.model import Part
from bot.rules.authorizations import Ground
from bot.rules.benefits import CardStatus, DirectBilling, VaccinationWay
from bot.rules.claims import ClaimKind, DocumentKind
from bot.rules.consultations import CounsellingResult
from bot.rules.coverage import ITEMS
from bot.rules.notifications import TOPICS, URGENT, Topic
from bot.rules.numbers import NoCard
from bot.rules.states import CONSULTATION_STATES
from bot.rules.triage import DIRECTIONS
from bot.rules.visits import BookingWish
from bot.services.direct_billing import Brand
from bot.settings import ROOT
from bot.store.models import (
    APPOINTMENT_STATES,
    AUTHORIZATION_EVENTS,
    AUTHORIZATION_PAPERS,
    AUTHORIZATION_STATES,
    BENEFITS,
    CLAIM_STATES,
    COMPLAINT_KINDS,
    COMPLAINT_STATES,
    DATA_REQUEST_KINDS,
    DATA_REQUEST_STATES,
    HOSPITAL_KINDS,
    PAPER_KINDS,
    SERVICE_REQUEST_KINDS,
    SERVICE_REQUEST_STATES,
)
from bot.texts import texts

LONGEST = 180
FOLDER = ROOT / "actions"
KINDS = {kind.value for kind in ClaimKind}
CLAIMABLE = KINDS - {"network_clinic"}
WISHES = {wish.value for wish in BookingWish}
STATES = {status.value for status in CardStatus} - {"active"}
# Texts that name nothing by themselves: they read or write words.
INNER = {"actions/texts.py", "actions/turn.py"}
BY_TURN = ("back_to_task", "bind_first", "handoff_failure")


# Words with which services refuse members of staff, or which an action answers otherwise.
STAFF = {"state", "answer", "resolved"}
# What the chat page says in its own words.
PAGE = {"empty", "used"}
# What programs of partners are refused, in their own words (bot.desk.api_problems).
PARTNERS = {"endpoint_ended", "idempotency_key", "revoked", "too_many", "url"}


def refusals() -> set[str]:
    """Return the words with which services refuse: ``Refused("past")``, and what they compute."""
    found = STATES | {"no_route", "future", "outside_validity", "file_failed"}
    # Prior authorizations are refused in words of the rules.
    found |= {"pay_first", "not_in_plan", "no_direct_billing", "before_policy", "after_policy"}
    # What the rules of counselling and of vaccinations answer.
    found |= {r.value for r in CounsellingResult} - {"allowed", "not_in_network"}
    found |= {way.value for way in VaccinationWay} - {"clinic"}
    for path in sorted((ROOT / "bot" / "services").glob("*.py")):
        # The desk has words of its own (tests/desk/console/test_words.py).
        if path.name.startswith("staff_"):
            continue
        found |= set(re.findall(r"Refused\(\"(\w+)\"\)", path.read_text("utf-8")))
    return found - STAFF - PAGE - PARTNERS


BILLED = {result.value for result in DirectBilling} | {Brand.OTHER.value}
# What the words of a group can be.
WORDS = {
    "refused": refusals(),
    "part": {*get_args(Part), "any"},
    "appointment": set(APPOINTMENT_STATES),
    "kind": KINDS,
    "document": {document.value for document in DocumentKind} | set(PAPER_KINDS),
    "claim_status": set(CLAIM_STATES),
    "authorization_status": set(AUTHORIZATION_STATES),
    "authorization_next": set(AUTHORIZATION_STATES),
    "authorization_paper": set(AUTHORIZATION_PAPERS),
    "authorization_ground": {ground.value for ground in Ground},
    "benefit": set(BENEFITS),
    # Counts have a word of their own each; amounts are in yuan.
    "unit": {"yuan", "full_reimbursement_visits", "health_checks"},
    "route": {"network_clinic", "public_special"},
    "hospital": set(HOSPITAL_KINDS),
    "service": set(SERVICE_REQUEST_KINDS),
    "service_status": set(SERVICE_REQUEST_STATES),
    "sign": {direction.sign for direction in DIRECTIONS},
    "lecture_state": {"mine", "free", "full"},
    "call_back_status": set(CONSULTATION_STATES) | {"late"},
    "complaint_kind": set(COMPLAINT_KINDS),
    "complaint_status": set(COMPLAINT_STATES),
    "item": {item.name for item in ITEMS if not item.stated},
    "vaccination": {"network_clinic", "public"},
    "bill": {"unpaid", "paid", "waived"},
    "billed": BILLED,
    "card": {status.value for status in CardStatus},
    "data_kind": set(DATA_REQUEST_KINDS),
    "data_status": set(DATA_REQUEST_STATES),
    # A table without such a line is counted among the others.
    "stored": {n.removeprefix("line_stored_") for n in texts() if n.startswith("line_stored_")},
    "topic": {topic.value for topic in Topic},
    "kept": {topic.value for topic in Topic if set(TOPICS[topic]) & URGENT},
    # An intent without such a line is not offered.
    "intent": {n.removeprefix("line_intent_") for n in texts() if n.startswith("line_intent_")},
}
# How the texts about a booking end: it is reminded of, it is not, or its deadline is past.
REMINDED = {"", "_unreminded", "_late"}
# The members of each family of names, by the name's pattern with {} for what varies.
FAMILIES: dict[str, Iterable[str]] = {
    "booking_{word}": STATES | {"no_route"},
    "no_booking_{place.kind}": set(HOSPITAL_KINDS) - {"public_special"},
    "day_{reason}": {"past", "closed"},
    "confirm_booking_{judged.wish.value}": WISHES,
    "confirm_cancel_{kind}": {"late", "in_time"},
    "confirm_move_{kind}": WISHES | {"late"},
    "card_{seen.status.value}": STATES,
    "documents_{papers.kind.value}": CLAIMABLE,
    "ask_claim_date_{turn.slot('claim_kind') or ClaimKind.PUBLIC_OUTPATIENT.value}": CLAIMABLE,
    "bank_card_{str(value).removeprefix(WRONG)}": {wrong.value for wrong in NoCard},
    "claim_button_{task}": {"form", "bank", "tracking", "missing"},
    "claim_payout_{late}": {"due", "overdue"},
    "claim_{judged.refused}": {"future", "outside_validity"},
    "claim_{warning}": {
        "past_internet_deadline",
        "no_vaccine_benefit",
        "vaccine_used_up",
        "first_grade_vaccination",
    },
    "benefit_{which}": {"left", "limit"},
    "claim_{late}": {"due", "overdue"},
    "claim_next_{claim.kind}": CLAIMABLE,
    "vaccination_{offer.way.value}": {way.value for way in VaccinationWay} - {"clinic"},
    "counselling_{judged.value}": {r.value for r in CounsellingResult}
    - {"allowed", "not_in_network"},
    "says_{kind}": {"network_clinic", "public_special"},
    "authorization_about_{name}": set(ASPECTS),
    "authorization_event_{event.kind}": set(AUTHORIZATION_EVENTS),
    "billing_{result}": BILLED,
    "booked{ending}": REMINDED,
    "moved{ending}": REMINDED,
    "intent_{entry['name']}": WORDS["intent"],
    "refused_{r}": WORDS["refused"],
    "files_{labels.unclear}": {"which", "range"},
    "files_{turn.slot('file_kind')}": {"later", "other"},
    "ask_file_retake_{told[0][1].question}": {"blurry", "tiny"},
    "stored_{name}": WORDS["stored"],
    "item_{item.name}": {item.name for item in ITEMS if item.stated},
}
# Said by the worker that sends messages, not by an action.
NOTIFIED = {name for name in texts() if name.startswith("notify_")}
# Only what is sent within days can be late.
LATE = {f"claim_next_{kind}_late" for kind in CLAIMABLE - {"internet"}}
SELF_SLOTS = "ask_{self.slot}"


@dataclass(frozen=True)
class Call:
    """A place that says texts: their names, and what it fills in."""

    where: str
    names: frozenset[str]
    filled: frozenset[str]


class Reader(ast.NodeVisitor):
    """Collects the calls of one module."""

    def __init__(self, module: str, tree: ast.Module) -> None:
        self.module = module
        self.tree = tree
        self.calls: list[Call] = []
        self._inside: list[ast.AST] = [tree]

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._inside.append(node)
        self.generic_visit(node)
        self._inside.pop()

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else None
        name = node.func.id if isinstance(node.func, ast.Name) else name
        first = node.args[0] if node.args else None
        if name in {"say", "line", "has_line"} and first is not None:
            prefix = "" if name == "say" else "line_"
            found = frozenset(prefix + said for said in self.names(first))
            self.add(node, found, self.filled(node) if name != "has_line" else None)
        elif name == "word" and isinstance(first, ast.Constant):
            self.add(node, frozenset(f"line_{first.value}_{w}" for w in WORDS[first.value]), set())
        self.generic_visit(node)

    def add(self, node: ast.Call, names: frozenset[str], filled: set[str] | None) -> None:
        if filled is None:
            filled = {field for name in names for field in placeholders(name)}
        where = f"{self.module}:{node.lineno}"
        self.calls.append(Call(where, names, frozenset(filled)))

    def names(self, node: ast.expr) -> set[str]:
        """Return the names that an expression can have."""
        if isinstance(node, ast.Constant):
            return {node.value}
        if isinstance(node, ast.IfExp):
            return self.names(node.body) | self.names(node.orelse)
        if isinstance(node, ast.BinOp):
            ends = self.names(node.right)
            return {a + b for a in self.names(node.left) for b in ends} - LATE
        if isinstance(node, ast.JoinedStr):
            pattern = ast.unparse(node)[2:-1].replace("\\'", "'")
            if pattern == SELF_SLOTS:
                return {f"ask_{slot}" for slot in asked_slots()}
            assert pattern in FAMILIES, f"{self.module}:{node.lineno}: new family {pattern!r}"
            start = pattern[: pattern.index("{")]
            return {start + member for member in FAMILIES[pattern]}
        raise AssertionError(f"{self.module}:{node.lineno}: {ast.unparse(node)} names a text")

    def filled(self, node: ast.Call) -> set[str]:
        """Return the placeholders that a call fills, those of ``**told`` too."""
        found = {k.arg for k in node.keywords if k.arg and k.arg != "buttons"}
        for keyword in node.keywords:
            if keyword.arg is None:
                found |= self.keys(keyword.value)
        return found

    def keys(self, node: ast.expr) -> set[str]:
        """Return the keys of a dict that is written out, here or in a function."""
        if isinstance(node, ast.Dict):
            return {key.value for key in node.keys if isinstance(key, ast.Constant)}
        if isinstance(node, ast.BinOp):
            return self.keys(node.left) | self.keys(node.right)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            name = node.func.id
            function = next(
                f
                for tree in (self.tree, *(t for t in all_trees() if imports(self.tree, name)))
                for f in tree.body
                if isinstance(f, ast.FunctionDef) and f.name == name
            )
            result = [s.value for s in ast.walk(function) if isinstance(s, ast.Return)]
            return set.intersection(*(self.keys(value) for value in result if value))
        if isinstance(node, ast.Name):
            made = [
                a.value
                for a in ast.walk(self._inside[-1])
                if (isinstance(a, ast.Assign) and ast.unparse(a.targets[0]) == node.id)
                or (isinstance(a, ast.AnnAssign) and ast.unparse(a.target) == node.id and a.value)
            ]
            return set.intersection(*(self.keys(value) for value in made))
        raise AssertionError(f"{self.module}:{node.lineno}: {ast.unparse(node)} fills in what?")


@cache
def all_trees() -> tuple[ast.Module, ...]:
    return tuple(ast.parse(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.py")))


def imports(tree: ast.Module, name: str) -> bool:
    found = (n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom))
    return any(alias.name == name for node in found for alias in node.names)


def asked_slots() -> set[str]:
    from actions.forms import _Ask

    return {kind.slot for kind in _Ask.__subclasses__()}


def placeholders(name: str) -> set[str]:
    said = texts().get(name)
    return {f for _, f, _, _ in Formatter().parse(said.text) if f} if said else set()


def calls() -> Iterator[Call]:
    for path in sorted(FOLDER.glob("*.py")):
        module = f"actions/{path.name}"
        if module in INNER:
            continue
        tree = ast.parse(path.read_text("utf-8"))
        reader = Reader(module, tree)
        reader.visit(tree)
        yield from reader.calls
    # What actions/texts.py and actions/turn.py say themselves.
    yield Call("actions/texts.py", frozenset({"line_weekdays", "line_ordinals"}), frozenset())
    days = frozenset({"line_day", "line_day_with_year"})
    yield Call("actions/texts.py", days, frozenset({"year", "month", "day", "weekday"}))
    until = frozenset({"line_policy_until"})
    yield Call("actions/turn.py", until, frozenset({"title", "day"}))
    failures = {kind.failure_response for kind in actions_below(ServiceAction)}
    yield Call("actions/turn.py", frozenset({*BY_TURN, *failures}), frozenset())


def actions_below(kind: type) -> Iterator[type[ServiceAction]]:
    for sub in kind.__subclasses__():
        yield sub
        yield from actions_below(sub)


CALLS = list(calls())


def test_the_reader_finds_the_calls() -> None:
    assert len(CALLS) > 100
    told = {name for call in CALLS for name in call.names}
    assert {"booked_already", "line_refused_grey", "confirm_move_late", "ask_bind_code"} <= told


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.where)
def test_every_text_that_is_named_exists(call: Call) -> None:
    assert call.names - set(texts()) == set()


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.where)
def test_every_placeholder_is_filled(call: Call) -> None:
    for name in sorted(call.names & set(texts())):
        assert placeholders(name) <= call.filled, name


# Said by the inbox (tests/channels), the outbox and the pages (tests/desk), not by actions.
ELSEWHERE = ("desk_", "inbound_", "notify_", "page_", "word_stars_", "handoff_rated")


def said_by_services() -> set[str]:
    """Return the texts that services and the web process write, and words in messages."""
    found: set[str] = set()
    for path in sorted((ROOT / "bot").rglob("*.py")):
        source = path.read_text("utf-8")
        found |= {f"line_{name}" for name in re.findall(r"wording\.line\(\s*\"(\w+)\"", source)}
        found |= set(re.findall(r"texts\(\)\[\"(\w+)\"\]", source))
        found |= set(re.findall(r"(?:_s|\bS)aid\(\"(\w+)\"", source))
    return found


def test_every_text_is_used() -> None:
    own = {name for name in texts() if not name.startswith(ELSEWHERE)}
    said = {name for call in CALLS for name in call.names} | said_by_services()
    assert own - said - NOTIFIED == set()


# The longest that the demonstration's data put into a reply, within a year.
DAY, MOMENT = "12月31日（周五）", "12月31日（周五） 16:00"
SAMPLES = {
    "said": "另一件" * 12,
    "hospital": "复旦大学附属儿科医院国际部特需门诊",
    "department": "小儿呼吸科",
    "child": "李沐宸",
    "plan": "优享PLUS MAX计划",
    "when": MOMENT,
    "new_when": MOMENT,
    "due": MOMENT,
    "deadline": MOMENT,
    "new_deadline": MOMENT,
    "closes": "21:00",
    "opens": MOMENT,
    "until": MOMENT,
    "day": DAY,
    "next_day": DAY,
    "today": DAY,
    "valid_from": DAY,
    "valid_to": DAY,
    "reference": "A10002",
    "owed": "12,888.80",
    "amount": "12,888.80",
    "left": "4",
    "code": "123456",
    "status": "安排中",
    "reason": "保险期内累计预计超过 3 万元就要授权",
    "new_day": DAY,
    "cost": " · 预计 12,888.80 元",
    "papers": "病历、检查或住院申请单、费用预估",
    "years": "2027、2028",
    "old_when": MOMENT,
    "proposal": MOMENT,
    "count": "12",
    "documents": "病历等医学资料、孩子的有效身份证件、银行卡号和开户行",
    "on": "预约结果、取消截止、事先授权、理赔、自付款、医生回电、服务安排",
    "off": "投诉回复",
    "topics": "预约结果、取消截止、事先授权、理赔、自付款、医生回电、服务安排、投诉回复",
    "kept": "医院改时间、约不上、医生没按时回电",
    "kind": "公立门诊/急诊",
    "value": "复旦大学附属儿科医院国际部特需门诊",
    "children": "李沐宸、李沐瑶",
    "phone": "021-00000002（示例）",
    "position": "12",
    "wait": "，可能要等 1 小时以上",
    "minutes": "60",
    "agent": "示例坐席",
    "hours": "每天 09:00–20:00（示例）",
    "symptom": "从昨天晚上开始发烧到三十九度，还咳嗽",
    "treatment": "质子重离子治疗",
    "title": "示例讲座：孩子发热怎么在家照顾",
    "speaker": "示例·儿科讲师",
    "billing": "李沐宸、李沐瑶的计划在这里可直付，但电子卡置灰，付清自付款前不能直付。",
    "brand": "和晴",
    "bill": "S10001",
    "line": "· R10002 李沐宸 儿童健康检查 示范和晴儿科诊所（徐汇） 12月31日（周五）：等同事安排",
    "note": "12月3日 10:00 在门诊一楼服务台等您，联系人王老师",
    "reasons": "肠胃的问题看小儿消化科、外伤或肿块的问题看小儿外科",
    "files": "第1张、第12张、第30张",
    "kinds": "病历等医学资料、费用明细清单、发票原件、监护人身份证正反面",
    "place": "（给 C10002 李沐宸 公立门诊/急诊 复旦大学附属儿科医院国际部特需门诊）",
    "claimed": "12,888.80",
    "paid": "12,888.80",
    "account": "到尾号 0128 的卡",
    "tail": "0128",
    "branch": "中国工商银行股份有限公司上海市徐家汇支行",
    "bank": "中国工商银行股份有限公司",
    "number": "SF1234567890123",
    "first": "问最晚几时取消",
    "second": "看就诊记录",
    "section": "手册·电子保险卡",
    "item": "生长激素、矮小和性早熟的治疗",
    "what": "12月31日（周五）至12月31日（周五）复旦大学附属儿科医院国际部特需门诊小儿呼吸科",
    "url": "http://127.0.0.1:8080/pay/demo/Z0123456789abcdef.0123456789abcdef0123456789abcdef",
    "text": "等" * 70 + "……（后面的也会登记）",
    "answer": "已核实并向您致歉，相关同事已重新培训，以后不会再让您多等。",
}
# Lists may be longer: their items are told, and the manual's own enumeration is one.
LISTS = {"authorization_rules"}
LIST_FIELDS = {"lines", "line", "introduction", "link"}


@pytest.mark.parametrize("name", sorted(n for n in texts() if not n.startswith("line_")))
def test_no_reply_is_long_but_a_list(name: str) -> None:
    if name in LISTS or placeholders(name) & LIST_FIELDS:
        return
    assert len(texts()[name].text.format(**SAMPLES)) <= LONGEST


# ---- actions.texts


def test_days_name_weekday_and_another_year() -> None:
    today = date(2026, 11, 23)
    assert written.day(date(2026, 11, 29), today) == "11月29日（周日）"
    assert written.day(date(2027, 1, 4), today) == "2027年1月4日（周一）"


def test_moments_are_told_in_shanghais_time() -> None:
    late = datetime(2026, 11, 23, 17, 5, tzinfo=UTC)
    assert written.moment(late, late) == "11月24日（周二） 01:05"


@pytest.mark.parametrize(
    ("amount", "told"),
    [
        ("0", "0"),
        ("128.00", "128"),
        ("12888.80", "12,888.80"),
        ("0.05", "0.05"),
        ("1E+3", "1,000"),
    ],
)
def test_amounts_have_fen_only_where_there_are_any(amount: str, told: str) -> None:
    assert written.yuan(Decimal(amount)) == told


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("第一个", 1),
        ("1", 1),
        ("前面那个", 1),
        (" 第二个 ", 2),
        ("后面那个", 2),
        ("第4个", 4),
        ("第五个", None),
        ("随便", None),
        ("", None),
    ],
)
def test_positions_in_a_list_are_read(text: str, position: int | None) -> None:
    assert written.ordinal(text) == position


def test_a_line_that_is_not_there_is_an_error() -> None:
    assert written.has_line("and")
    assert not written.has_line("nonsense")
    with pytest.raises(KeyError):
        written.line("nonsense")
