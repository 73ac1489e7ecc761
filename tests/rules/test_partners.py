from datetime import timedelta

import pytest

from bot.rules.partners import EVENTS, PartnerEvent, delivery_pause


def test_pauses_grow_to_six_hours() -> None:
    pauses = [delivery_pause(attempts, 0) for attempts in range(1, 10)]
    assert pauses[:3] == [timedelta(seconds=10), timedelta(seconds=40), timedelta(seconds=160)]
    assert pauses == sorted(pauses)
    assert delivery_pause(1000, 0) == timedelta(hours=6)


@pytest.mark.parametrize("attempts", [1, 3, 9])
def test_chance_takes_off_up_to_half(attempts: int) -> None:
    longest = delivery_pause(attempts, 0)
    assert delivery_pause(attempts, 1) == longest / 2
    assert longest / 2 < delivery_pause(attempts, 0.3) < longest


def test_every_event_but_that_of_files_follows_from_an_audited_action() -> None:
    assert set(EVENTS.values()) == set(PartnerEvent) - {PartnerEvent.CLAIM_DOCUMENTS_ADDED}
