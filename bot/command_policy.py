"""Rasa policy: a message with the entity ``command`` runs the action of that name.

Commands have no intent (:mod:`bot.nlu.commands`), so no rule can name them. They come before an
open form, whose question they do not answer; the action puts the form aside. An emergency comes
before them. The free text that a form asked for is the form's, whatever stands in it, and so is
a command said again in its own form.
"""

from __future__ import annotations

from typing import Any

from rasa.core.policies.policy import Policy, PolicyPrediction, SupportedData
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.shared.core.constants import ACTION_LISTEN_NAME, REQUESTED_SLOT
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker

ENTITY = "command"
EMERGENCY = "report_emergency"
# Questions that any text answers.
FREE_TEXT = frozenset({"complaint_text", "contact_text"})
# Said while its own form is open, a command is an answer ("确认解绑").
OWN_FORM = {
    "unbind": "unbind_form",
    "leave_message": "contact_form",
    "export_data": "export_form",
    "erase_data": "erase_form",
    # What a photo shows.
    "e_card": "file_form",
}
# Above RulePolicy's 6, which would go on with the open form.
PRIORITY = 7


def command_action(tracker: DialogueStateTracker, domain: Domain) -> str | None:
    """Return the action that the latest message commands, if it is to be run now.

    Args:
        tracker: The conversation.
        domain: Commands without an action in it are none.
    """
    if tracker.latest_action_name != ACTION_LISTEN_NAME or tracker.latest_message is None:
        return None
    message = tracker.latest_message
    if message.intent.get("name") == EMERGENCY:
        return None
    said = next((e["value"] for e in message.entities if e.get("entity") == ENTITY), None)
    if said is None:
        return None
    if tracker.active_loop_name and tracker.get_slot(REQUESTED_SLOT) in FREE_TEXT:
        return None
    if tracker.active_loop_name and tracker.active_loop_name == OWN_FORM.get(said):
        return None
    action = f"action_{said}"
    return action if action in domain.action_names_or_texts else None


@DefaultV1Recipe.register(
    DefaultV1Recipe.ComponentType.POLICY_WITHOUT_END_TO_END_SUPPORT, is_trainable=True
)
class CommandPolicy(Policy):  # type: ignore[misc]
    """Predicts the action of a command, with certainty, or nothing."""

    @staticmethod
    def supported_data() -> SupportedData:
        """Say that neither stories nor rules are left unused on its account."""
        return SupportedData.ML_AND_RULE_DATA

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Return the defaults."""
        return {"priority": PRIORITY}

    def train(self, training_trackers: list[Any], domain: Domain, **kwargs: Any) -> Resource:
        """Learn nothing."""
        return self._resource

    def predict_action_probabilities(
        self,
        tracker: DialogueStateTracker,
        domain: Domain,
        rule_only_data: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> PolicyPrediction:
        """Predict the command's action; see :func:`command_action`."""
        action = command_action(tracker, domain)
        scores = self._default_predictions(domain)
        if action is None:
            return self._prediction(scores)
        scores[domain.index_for_action(action)] = 1.0
        # Only so does it come before the open form, which needs no message to go on.
        return self._prediction(scores, is_no_user_prediction=True)
