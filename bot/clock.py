"""The only place that reads the machine's clock.

Everything else takes ``now`` as an argument. ``BOT_NOW`` freezes the clock for
demonstrations and tests; :class:`bot.settings.Settings` refuses it in production.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from bot.settings import get_settings

TZ = ZoneInfo("Asia/Shanghai")


def now() -> datetime:
    """Return the current time, aware, in Asia/Shanghai; the frozen one if ``BOT_NOW`` is set."""
    frozen = get_settings().now
    return frozen.astimezone(TZ) if frozen is not None else datetime.now(TZ)


def wall() -> datetime:
    """Return the machine's time, aware, in Asia/Shanghai, even when ``BOT_NOW`` is set.

    For leases and for the age of messages, which a frozen clock would never let pass.
    """
    return datetime.now(TZ)
