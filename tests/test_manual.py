"""docs/manual.md leads from every rule of the manual to what exists, and leaves none out."""

from __future__ import annotations

import importlib
import pkgutil
import re

import pytest
import yaml

import actions
from bot.rules.index import RULES
from bot.settings import ROOT

ROW = re.compile(r"^\| ([A-Z]\d) \| (\S+) \| (.+) \| (.+) \| (.+) \| (.+) \|$", re.M)
ROWS = {m[1]: m.groups() for m in ROW.finditer((ROOT / "docs/manual.md").read_text("utf-8"))}
DOMAIN = yaml.safe_load((ROOT / "domain.yml").read_text("utf-8"))


def names(cell: str) -> list[str]:
    found = re.findall(r"`([^`]+)`", cell)
    assert found, cell
    return found


def declared(kind: str) -> set[str]:
    return {next(iter(e)) if isinstance(e, dict) else e for e in DOMAIN[kind]}


def rules_text() -> str:
    files = [ROOT / "data/rules.yml", *sorted((ROOT / "data/rules").glob("*.yml"))]
    return "\n".join(path.read_text("utf-8") for path in files)


def action_names() -> set[str]:
    from rasa_sdk import Action

    for module in pkgutil.iter_modules(actions.__path__, "actions."):
        importlib.import_module(module.name)
    found: set[str] = set()
    waiting = list(Action.__subclasses__())
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        found.add(str(getattr(kind, "action_name", "")))
    return found | declared("actions") | set(DOMAIN["responses"])


def test_every_rule_has_a_row_under_its_section() -> None:
    assert set(ROWS) == set(RULES)
    assert {rule: row[1] for rule, row in ROWS.items()} == {
        rule_id: rule.section for rule_id, rule in RULES.items()
    }


@pytest.mark.parametrize("rule", sorted(ROWS))
def test_what_a_row_names_exists(rule: str) -> None:
    _, _, intents, acting, services, tests = ROWS[rule]
    assert set(names(intents)) <= declared("intents") | {"faq"}
    assert set(names(acting)) <= action_names()
    for name in names(services):
        module, _, attribute = name.rpartition(".")
        assert hasattr(importlib.import_module(module), attribute), name
    for name in names(tests):
        assert (ROOT / name).is_file(), name


@pytest.mark.parametrize("rule", sorted(ROWS))
def test_every_intent_of_a_row_is_answered_by_a_rule(rule: str) -> None:
    text = rules_text()
    for intent in names(ROWS[rule][2]):
        assert f"intent: {intent}\n" in text, intent


def test_every_intent_about_a_service_stands_in_a_row() -> None:
    talk = (
        "talk_to_human report_emergency greet goodbye thank affirm deny stop help bot_challenge "
        "inform out_of_scope nlu_fallback"
    ).split()
    used = {intent for row in ROWS.values() for intent in names(row[2])}
    assert declared("intents") - set(talk) <= used
