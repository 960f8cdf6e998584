"""The three-way merge of JSON documents: plain Python, no framework, no clock, no randomness.

`merge(base, local, remote, rules)` says what two sides made of a document, place by place, and which places need a person;
`resolve(base, local, remote, rules, choices)` builds the document that follows from what was chosen.
docs/merging.md explains how it decides.
"""

from conflicts.core.decisions import MISSING, Choice, ChoiceError, Decision, Hunk, Merge, Missing
from conflicts.core.engine import merge, resolve
from conflicts.core.limits import TooDeep
from conflicts.core.rules import Rules, RulesError, parse_rules

__all__ = [
    "MISSING",
    "Choice",
    "ChoiceError",
    "Decision",
    "Hunk",
    "Merge",
    "Missing",
    "Rules",
    "RulesError",
    "TooDeep",
    "merge",
    "parse_rules",
    "resolve",
]
