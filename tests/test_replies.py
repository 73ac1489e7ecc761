"""Asking the really trained model, with its actions."""

from pathlib import Path

import pytest

from bot import clock, replies


def test_a_stranger_and_a_parent_are_answered(trained_model: Path) -> None:
    before = clock.now()
    with replies.running(trained_model) as bot:
        assert "绑定" in bot.ask("还剩多少额度")
        assert "26,439.50" in bot.ask("还剩多少额度", phone="13800000101")
        assert "手册" in bot.ask("等待期是几天")
        assert clock.now().isoformat() == replies.NOW
    assert clock.now() >= before


def test_an_unknown_phone_is_an_error(trained_model: Path) -> None:
    with replies.running(trained_model) as bot, pytest.raises(Exception, match="No row"):
        bot.ask("额度", phone="13900000000")
