"""Every rule of the manual is implemented, and tested under its name."""

import ast
import inspect
import re
from pathlib import Path

import pytest

from bot.rules.index import RULES

IDS = [
    f"{letter}{number}"
    for letter, last in {"M": 8, "E": 3, "P": 3, "V": 4, "C": 6, "X": 4}.items()
    for number in range(1, last + 1)
]
SECTIONS = {
    "M": "手册·医疗服务",
    "E": "手册·电子保险卡",
    "P": "手册·事先授权",
    "V": "手册·就医流程",
    "C": "手册·理赔流程",
    "X": "手册·疫苗责任",
}


def labels_of_tests() -> str:
    """Give the names and docstrings of the tests beside this one, one label a line."""
    labels = []
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        if path == Path(__file__):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                labels.append(node.name.replace("_", " ").upper())
                labels.append((ast.get_docstring(node) or "").upper())
    return "\n".join(labels)


def expanded(docstring: str) -> set[str]:
    """Give the rule ids that a docstring names, ranges ("C1 to C4") written out."""
    ids = set(re.findall(r"\b[MEPVCX][1-8]\b", docstring))
    for letter, first, last in re.findall(r"\b([MEPVCX])(\d) to \1(\d)\b", docstring):
        ids |= {f"{letter}{number}" for number in range(int(first), int(last) + 1)}
    return ids


def test_every_rule_is_there_under_its_id() -> None:
    assert set(RULES) == set(IDS)
    assert all(rule.rule_id == rule_id for rule_id, rule in RULES.items())


@pytest.mark.parametrize("rule_id", IDS)
def test_every_rule_names_its_section_and_has_parts(rule_id: str) -> None:
    rule = RULES[rule_id]
    assert rule.section == SECTIONS[rule_id[0]]
    assert rule.parts
    assert all(rule.parts)


@pytest.mark.parametrize("rule_id", IDS)
def test_every_function_says_which_rule_it_implements(rule_id: str) -> None:
    for part in RULES[rule_id].parts:
        if inspect.isfunction(part):
            assert rule_id in expanded(part.__doc__ or ""), part.__qualname__


@pytest.mark.parametrize("rule_id", IDS)
def test_every_rule_has_a_test_that_names_it(rule_id: str) -> None:
    assert re.search(rf"\b{rule_id}\b", labels_of_tests())
