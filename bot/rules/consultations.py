"""The services of the health platform and their hours (手册·医疗服务 M1 to M8)."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum

from bot.rules.calendar import at, local

# M8: answered 7×24.
HOTLINE = "021-80209058"

PHONE_RESPONSE = timedelta(hours=2)
# M1: what is taken from here on is answered next morning; 20:00 itself falls under this rule.
PHONE_LATE_FROM = time(20, 0)
PHONE_LATE_DUE = time(11, 0)

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class OpeningHours:
    """Daily hours, holidays included, in Asia/Shanghai: from `opens` until before `closes`."""

    opens: time
    closes: time


class Service(StrEnum):
    """The services that have hours."""

    PHONE_CONSULTATION = "phone_consultation"  # M1 电话问诊
    ONLINE_CONSULTATION = "online_consultation"  # M2 图文问诊, free
    TRIAGE = "triage"  # M3 分诊
    VACCINATION = "vaccination"  # M4 疫苗安排
    HOTLINE = "hotline"  # M8


PLATFORM_HOURS = OpeningHours(time(8, 0), time(21, 0))
# None: open at all times.
SERVICE_HOURS: dict[Service, OpeningHours | None] = {
    Service.PHONE_CONSULTATION: PLATFORM_HOURS,
    Service.ONLINE_CONSULTATION: PLATFORM_HOURS,
    Service.TRIAGE: PLATFORM_HOURS,
    Service.VACCINATION: PLATFORM_HOURS,
    Service.HOTLINE: None,
}


class LectureTopic(StrEnum):
    """The topics of the free online lectures (手册·医疗服务 M5)."""

    COMMON_ILLNESS = "common_illness"
    OUTBREAKS = "outbreaks"
    CHILD_HEALTH = "child_health"


LECTURE_TOPICS = tuple(LectureTopic)

# M6: staff can accompany a visit here, and nowhere else.
ONSITE_HOSPITALS = (
    "复旦大学附属儿科医院国际部特需门诊",
    "上海新华医院镜朗高级专家诊疗部",
    "上海儿童医学中心国际诊疗部",
)

# M7: the only diagnoses for which counselling is offered.
COUNSELLING_DIAGNOSES = (
    "情感障碍",
    "抑郁症",
    "成瘾性格",
    "自卑",
    "失读症",
    "自闭症",
    "强迫症",
    "选择性缄默症",
)


@dataclass(frozen=True)
class ServiceHours:
    """Whether a service is open, and its times in Asia/Shanghai.

    `opens_at` is the next opening, None while open. `closes_at` is the end of the running hours
    or, while closed, of the next ones; None for a service that never closes.
    """

    open: bool
    opens_at: datetime | None
    closes_at: datetime | None


@dataclass(frozen=True)
class ConsultationOffer:
    """What a parent who asks for a phone consultation can be offered, times in Asia/Shanghai.

    `due_at` is the time by which the doctor calls back. When closed, `queued_for` is the time
    for which the request can be queued, `opens_at` the same opening; None while open.
    """

    open: bool
    due_at: datetime
    queued_for: datetime | None
    opens_at: datetime | None


class CounsellingResult(StrEnum):
    """Whether counselling can be arranged, and if not, why; true only when it can."""

    ALLOWED = "allowed"
    NO_DIAGNOSIS = "no_diagnosis"
    DIAGNOSIS_NOT_LISTED = "diagnosis_not_listed"
    NO_RECOMMENDATION = "no_recommendation"
    NOT_IN_NETWORK = "not_in_network"

    def __bool__(self) -> bool:
        """Be true for ALLOWED alone."""
        return self is CounsellingResult.ALLOWED


def hours_at(asked_at: datetime, hours: OpeningHours | None) -> ServiceHours:
    """Give how daily `hours` (None: always open) stand at the aware moment `asked_at`.

    The hour of closing itself is closed. Raises ValueError for a naive datetime.
    """
    moment = local(asked_at)
    if hours is None:
        return ServiceHours(open=True, opens_at=None, closes_at=None)
    day, clock = moment.date(), moment.time()
    if hours.opens <= clock < hours.closes:
        return ServiceHours(open=True, opens_at=None, closes_at=at(day, hours.closes))
    if clock >= hours.closes:
        day += _ONE_DAY
    return ServiceHours(False, at(day, hours.opens), at(day, hours.closes))


def service_open(asked_at: datetime, service: Service) -> ServiceHours:
    """Give whether `service` is open at the aware moment `asked_at` (手册·医疗服务 M1 to M4, M8).

    Raises ValueError for a naive datetime.
    """
    return hours_at(asked_at, SERVICE_HOURS[service])


def phone_consultation(asked_at: datetime) -> ConsultationOffer:
    """Give when the doctor calls back a parent who asks at `asked_at` (手册·医疗服务 M1).

    From 08:00 until before 20:00 within two hours, from 20:00 until before 21:00 by 11:00 of the
    next day; outside the hours the request can be queued for the next 08:00. Takes an aware
    datetime, raises ValueError for a naive one.
    """
    moment = local(asked_at)
    hours = service_open(moment, Service.PHONE_CONSULTATION)
    if hours.opens_at is not None:
        due = hours.opens_at + PHONE_RESPONSE
        return ConsultationOffer(False, due, queued_for=hours.opens_at, opens_at=hours.opens_at)
    if moment.time() >= PHONE_LATE_FROM:
        due = at(moment.date() + _ONE_DAY, PHONE_LATE_DUE)
    else:
        due = moment + PHONE_RESPONSE
    return ConsultationOffer(True, due, queued_for=None, opens_at=None)


def _plain(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).split())


def onsite_assistance_available(hospital: str) -> bool:
    """Say whether staff can assist on the spot at this hospital (手册·医疗服务 M6).

    Takes the hospital's full name; spaces and the width of letters do not count.
    """
    return _plain(hospital) in ONSITE_HOSPITALS


def counselling_allowed(
    diagnosis: str | None, has_recommendation: bool, in_network: bool
) -> CounsellingResult:
    """Say whether psychological counselling can be arranged (手册·医疗服务 M7).

    Takes the psychiatrist's diagnosis (None if there is none), whether the psychiatrist recommends
    counselling, and whether the hospital is a designated one of the network. The first condition
    that fails is given.
    """
    if diagnosis is None or not _plain(diagnosis):
        return CounsellingResult.NO_DIAGNOSIS
    if _plain(diagnosis) not in COUNSELLING_DIAGNOSES:
        return CounsellingResult.DIAGNOSIS_NOT_LISTED
    if not has_recommendation:
        return CounsellingResult.NO_RECOMMENDATION
    if not in_network:
        return CounsellingResult.NOT_IN_NETWORK
    return CounsellingResult.ALLOWED
