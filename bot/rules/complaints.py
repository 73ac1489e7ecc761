"""By when complaints, suggestions and requests about one's data are answered.

The manual opens the way for complaints (手册·电子保险卡 E2, 投诉建议) and names no time for the
answer. What is told to parents here is the administrator's own goal and nothing of the manual's.
"""

from datetime import datetime

from bot.rules.calendar import add_working_days, end_of_day, local_day

# The administrator's own service goals, in working days; the manual states none.
COMPLAINT_GOAL_DAYS = 2
ERASURE_GOAL_DAYS = 15


def complaint_due(received_at: datetime) -> datetime:
    """Give the end of the second working day after a complaint or suggestion was received.

    The administrator's own goal: the manual (手册·电子保险卡 E2) is silent. Takes an aware moment,
    gives one in Asia/Shanghai. Raises ValueError for a naive one.
    """
    return end_of_day(add_working_days(local_day(received_at), COMPLAINT_GOAL_DAYS))


def erasure_due(requested_at: datetime) -> datetime:
    """Give the end of the working day by which a wish for erasure is decided.

    The administrator's own goal, as :func:`complaint_due`.
    """
    return end_of_day(add_working_days(local_day(requested_at), ERASURE_GOAL_DAYS))
