"""Work of Rasa's that costs much at every call of an action, done in a cheaper way.

Most turns call several actions. Stock Rasa sends each of them every event it knows (220 kB
after 40 turns, 12 ms) and checks not only the answer but the schema of the answer too (15 ms).
Nothing here changes what our actions do; each function says what it replaces.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import rasa
from jsonschema import ValidationError
from jsonschema.validators import validator_for
from rasa.core.actions.action import RemoteAction
from rasa.shared.constants import DOCS_BASE_URL
from rasa.shared.core.events import UserUttered
from rasa.shared.core.trackers import EventVerbosity

# Our actions look back no further than the parent's message; one more turn is a margin.
TURNS_SENT = 2


def recent_events(tracker: Any) -> list[Any]:
    """Return the events from the parent's last messages on, ``TURNS_SENT`` of them."""
    recent: list[Any] = []
    messages = 0
    for event in reversed(tracker.events):
        recent.append(event)
        messages += isinstance(event, UserUttered)
        if messages == TURNS_SENT:
            break
    return recent[::-1]


def action_call(self: Any, tracker: Any, domain: Any) -> dict[str, Any]:
    """Return the body of a call of an action: ``RemoteAction._action_call_format``.

    As Rasa's, but with recent events only. Slots, latest message, active loop and all else
    that an action is told about the conversation are complete.
    """
    state = tracker.current_state(EventVerbosity.NONE)
    state["events"] = [event.as_dict() for event in recent_events(tracker)]
    call = {
        "next_action": self.name(),
        "sender_id": tracker.sender_id,
        "tracker": state,
        "version": rasa.__version__,
    }
    needs_domain = domain.does_custom_action_explicitly_need_domain(self.name())
    if needs_domain or not self._is_selective_domain_enabled():
        call["domain"] = domain.as_dict()
    return call


def check_action_answer(_: Any, answer: dict[str, Any]) -> bool:
    """Check an action's answer against Rasa's schema: ``RemoteAction._validate_action_result``.

    As Rasa's, but the schema itself, which never changes, is checked once.

    Raises:
        ValidationError: The answer does not have the schema's form.
    """
    error = next(_answer_validator().iter_errors(answer), None)
    if error is None:
        return True
    msg = (
        f"{error.message}. Failed to validate Action server response from API, make sure your "
        f"response from the Action endpoint is valid. See {DOCS_BASE_URL}/custom-actions"
    )
    raise ValidationError(msg)


def apply() -> None:
    """Put the cheaper versions in place in this process; a second call changes nothing."""
    RemoteAction._action_call_format = action_call
    RemoteAction._validate_action_result = check_action_answer


@lru_cache(maxsize=1)
def _answer_validator() -> Any:
    schema = RemoteAction.action_response_format_spec()
    kind = validator_for(schema)
    kind.check_schema(schema)
    return kind(schema)
