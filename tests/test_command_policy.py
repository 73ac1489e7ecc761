"""Which messages run a command's action, and that it wins against an open form."""

from typing import Any

import pytest
from rasa.core.policies.ensemble import DefaultPolicyPredictionEnsemble
from rasa.core.policies.policy import PolicyPrediction
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, ActiveLoop, Event, SlotSet, UserUttered
from rasa.shared.core.slots import AnySlot
from rasa.shared.core.trackers import DialogueStateTracker

from bot.command_policy import FREE_TEXT, CommandPolicy, command_action

DOMAIN = Domain.from_yaml("""
version: "3.1"
intents: [inform, file_complaint, report_emergency]
entities: [command, plan]
actions: [action_unbind]
forms: {book_form: {required_slots: []}}
""")


def said(command: str | None = "unbind", intent: str = "inform") -> UserUttered:
    entities = [{"entity": "plan", "value": "优享计划"}]
    if command:
        entities.append({"entity": "command", "value": command})
    return UserUttered("解绑", {"name": intent}, entities)


def tracker(*events: Event) -> DialogueStateTracker:
    slots = [AnySlot("requested_slot", [])]
    return DialogueStateTracker.from_events("parent", list(events), slots=slots)


def policy(tmp_path: Any) -> CommandPolicy:
    context = ExecutionContext(GraphSchema({}), model_id="1")
    config = CommandPolicy.get_default_config()
    return CommandPolicy(config, LocalModelStorage(tmp_path), Resource("policy"), context)


LISTEN = ActionExecuted("action_listen")


def test_a_command_runs_its_action() -> None:
    assert command_action(tracker(LISTEN, said()), DOMAIN) == "action_unbind"


@pytest.mark.parametrize(
    "events",
    [
        pytest.param((LISTEN,), id="nothing said"),
        pytest.param((LISTEN, said(None)), id="no command"),
        pytest.param((LISTEN, said("export_data")), id="no such action"),
        pytest.param((LISTEN, said(intent="report_emergency")), id="an emergency first"),
        pytest.param((LISTEN, said(), ActionExecuted("action_unbind")), id="done already"),
    ],
)
def test_no_command_is_run(events: tuple[Event, ...]) -> None:
    assert command_action(tracker(*events), DOMAIN) is None


@pytest.mark.parametrize("slot", sorted(FREE_TEXT))
def test_free_text_that_was_asked_for_is_no_command(slot: str) -> None:
    asked = (ActiveLoop("book_form"), SlotSet("requested_slot", slot), LISTEN, said())
    assert command_action(tracker(*asked), DOMAIN) is None
    other = (ActiveLoop("book_form"), SlotSet("requested_slot", "other"), LISTEN, said())
    assert command_action(tracker(*other), DOMAIN) == "action_unbind"


def test_the_prediction_wins_against_an_open_form(tmp_path: Any) -> None:
    conversation = tracker(ActiveLoop("book_form"), LISTEN, said())
    ours = policy(tmp_path).predict_action_probabilities(conversation, DOMAIN)
    form = PolicyPrediction.for_action_name(DOMAIN, "book_form", "RulePolicy")
    form.is_no_user_prediction, form.policy_priority = True, 6
    for order in ([ours, form], [form, ours]):
        best = DefaultPolicyPredictionEnsemble._pick_best_policy(order)
        assert best.policy_name == "CommandPolicy"
        assert DOMAIN.action_names_or_texts[best.max_confidence_index] == "action_unbind"


def test_without_a_command_the_others_decide(tmp_path: Any) -> None:
    conversation = tracker(LISTEN, said(None))
    ours = policy(tmp_path).predict_action_probabilities(conversation, DOMAIN)
    fallback = PolicyPrediction.for_action_name(DOMAIN, "action_unbind", "RulePolicy", 0.3)
    best = DefaultPolicyPredictionEnsemble._pick_best_policy([ours, fallback])
    assert best.policy_name == "RulePolicy"


def test_there_is_nothing_to_learn(tmp_path: Any) -> None:
    assert policy(tmp_path).train([], DOMAIN) == Resource("policy")
