"""The domain, the rules and the action classes agree with each other."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

import actions
from actions.forms import Form, Submit, every_form
from actions.turn import ServiceAction
from bot.settings import ROOT
from bot.texts import texts

# The names are fixed.
INTENTS = (
    "bind_card check_balance check_coverage check_visit_records switch_policy pay_self_pay "
    "find_hospital book_appointment check_appointment cancel_appointment reschedule_appointment "
    "ask_cancellation_deadline request_onsite_assistance "
    "ask_consultation_hours request_phone_consultation request_online_consultation request_triage "
    "book_vaccination request_counselling ask_lectures "
    "ask_prior_authorization_rules request_prior_authorization check_prior_authorization "
    "start_claim ask_claim_documents check_claim_status "
    "talk_to_human file_complaint report_emergency ask_medical_advice "
    "greet goodbye thank affirm deny stop help bot_challenge inform out_of_scope"
).split()
# Comes with the questions of the manual: bot.nlu.faq adds it to the domain.
RETRIEVAL = "faq"
LONGEST = 180


def load(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / name).read_text("utf-8"))
    return loaded


DOMAIN = load("domain.yml")
RULE_FILES = [
    "data/rules.yml",
    *sorted(f"data/rules/{p.name}" for p in (ROOT / "data/rules").glob("*.yml")),
]
RULES = [rule for name in RULE_FILES for rule in load(name)["rules"]]


def names(entries: list[Any]) -> set[str]:
    """Names of a domain's list, whose entries may be mappings."""
    return {next(iter(e)) if isinstance(e, dict) else e for e in entries}


def steps(kind: str) -> Iterator[str]:
    for rule in RULES:
        yield from (step[kind] for step in rule["steps"] if step.get(kind))


def classes() -> dict[str, type[ServiceAction]]:
    """Return all concrete actions by name, as the action server finds them."""
    for module in pkgutil.iter_modules(actions.__path__, "actions."):
        importlib.import_module(module.name)

    def below(kind: type) -> Iterator[type]:
        for sub in kind.__subclasses__():
            yield sub
            yield from below(sub)

    found: dict[str, type[ServiceAction]] = {}
    for kind in set(below(ServiceAction)):
        named = kind.__module__.startswith("actions.") and not kind.__name__.startswith("_")
        if named and not getattr(kind, "__abstractmethods__", ()):
            name = kind().name()
            assert name not in found, f"two classes are named {name}"
            found[name] = kind
    return found


CLASSES = classes()
FORMS = tuple(every_form().values())


def test_every_action_of_the_domain_has_a_class_and_every_class_is_in_the_domain() -> None:
    assert names(DOMAIN["actions"]) == set(CLASSES)


def test_every_intent_is_in_the_domain_and_has_a_rule() -> None:
    wanted = set(INTENTS)
    assert names(DOMAIN["intents"]) == wanted | {"nlu_fallback"}
    assert set(steps("intent")) == wanted | {"nlu_fallback", RETRIEVAL}


def test_no_intent_has_two_rules() -> None:
    found = list(steps("intent"))
    assert len(found) == len(set(found))


def test_every_action_of_the_rules_is_known() -> None:
    known = set(CLASSES) | set(DOMAIN["responses"]) | set(DOMAIN["forms"]) | {"utter_faq"}
    assert set(steps("action")) <= known


def test_every_response_is_used() -> None:
    assert set(DOMAIN["responses"]) <= set(steps("action"))


def test_forms_have_the_slots_of_their_classes() -> None:
    declared = {name: tuple(form["required_slots"]) for name, form in DOMAIN["forms"].items()}
    assert declared == {form.form: form.slots for form in FORMS}
    assert {k for k in CLASSES.values() if issubclass(k, Form)} == set(FORMS)


def test_every_slot_of_a_form_is_declared_and_asked_for() -> None:
    for form in FORMS:
        assert {*form.slots, *form.scratch} <= set(DOMAIN["slots"]), form.form
        for slot in form.slots:
            assert f"action_ask_{slot}" in CLASSES


def test_every_form_is_submitted_by_a_rule() -> None:
    submitted = {k.form_class.form: n for n, k in CLASSES.items() if issubclass(k, Submit)}
    for form in FORMS:
        assert submitted[form.form] in set(steps("action"))


def test_a_forms_own_intents_exist() -> None:
    for form in FORMS:
        assert form.own <= set(INTENTS)


def buttons() -> list[Any]:
    said = [(name, text.buttons) for name, text in texts().items()]
    said += [
        (name, variant.get("buttons", ()))
        for name, variants in DOMAIN["responses"].items()
        for variant in variants
    ]
    found = {b["payload"]: pytest.param(b["payload"], id=n) for n, bs in said for b in bs}
    return list(found.values())


@pytest.mark.parametrize("payload", buttons())
def test_a_button_sends_an_intent_and_entities_of_the_domain(payload: str) -> None:
    match = re.fullmatch(r"/(?P<intent>\w+)(?P<entities>\{.*\})?", payload)
    assert match, payload
    assert match["intent"] in INTENTS
    assert set(json.loads(match["entities"] or "{}")) <= set(DOMAIN["entities"])


@pytest.mark.parametrize("name", sorted(DOMAIN["responses"]))
def test_responses_are_short_and_need_nothing_filled_in(name: str) -> None:
    for variant in DOMAIN["responses"][name]:
        assert len(variant["text"]) <= LONGEST
        assert "{" not in variant["text"]
