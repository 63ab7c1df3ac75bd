"""Which lines of a prompt a claim needs, by a search that knows nothing of the evaluator.

Belongs here: looking for a claim's value as text, taking lines out, and saying what that should break.
Does not belong here: single properties (the tests).
"""

import re
from decimal import Decimal

import orjson

from tests.vitals.training.fact_frames import facts
from tests.vitals.training.golden_rows import GOLDEN, REASONS
from vitals.training.examples import build_examples
from vitals.training.prompts import TOKEN_BUDGET
from vitals.training.tasks.mix import DAILY_SUMMARIES_ONLY, TaskMix
from vitals.verification.answerability.evaluator import insufficient

TOKEN = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d|UTC[+-]\d\d:\d\d|\d{4}-\d\d-\d\d|\d\d:\d\d|\d+(?:,\d{3})*(?:\.\d+)?")


MANY_TASKS = TaskMix(daily_summary=1, question=4, data_quality=1, abstention=2, preference=2)


def examples(kind, frame, mix=DAILY_SUMMARIES_ONLY, token_budget=TOKEN_BUDGET):
    lines = build_examples(kind, frame, tenant="default", processor_version="0.1.0", mix=mix, token_budget=token_budget)
    return [orjson.loads(line) for line in lines]


def one(kind, reason="needs more", **row):
    return examples(kind, facts(kind, [row], reason=reason))[0]


def golden(kind):
    return examples(kind, facts(kind, [GOLDEN[kind]], reason=REASONS[kind]))[0]


def without(example, removed):
    """The example with lines of its prompt taken out, by position."""
    lines = example["input"].split("\n")
    return example | {"input": "\n".join(line for i, line in enumerate(lines) if i not in removed)}


def is_constant(claim):
    return claim["window"] == "" and claim["metric"] != "sufficiency"


def shows(token, claim):
    """Whether a token of a prompt is a claim's value, as exact as the answer writes it."""
    value = claim["value"] if claim["text"] is None else claim["text"]
    if isinstance(value, str):
        wanted = {"local time": value[11:16], "UTC offset": f"UTC{value}"}.get(claim["unit"], value.replace("T", " "))
        # A moment of another day stands with its date, one of the same day may stand without.
        return wanted in (token, token[-5:])
    if not re.fullmatch(r"[\d,]+(\.\d+)?", token):
        return False
    number, places = float(token.replace(",", "")), claim["decimals"]
    half_up = [int(Decimal(repr(abs(each))).scaleb(places) + Decimal("0.5")) for each in (number, value)]
    return half_up[0] == half_up[1]


def places(example):
    """Claim id -> positions of the lines that hold its value; for a derived one those of all its operands."""
    lines = example["input"].split("\n")
    claims = {claim["id"]: claim for claim in example["metadata"]["claims"]}
    found = {}
    for name, claim in claims.items():
        if is_constant(claim) or claim.get("formula"):
            continue
        if name.endswith("#records"):
            found[name] = {i for i, line in enumerate(lines) if ": used; " in line}
        else:
            found[name] = {i for i, line in enumerate(lines) if any(shows(t, claim) for t in TOKEN.findall(line))}
    operands = {name: claim["operands"] for name, claim in claims.items() if claim.get("formula")}
    return found, operands


def table_lines(example):
    lines = example["input"].split("\n")
    start = next((i for i, line in enumerate(lines) if line.endswith(":") and line != "Facts:"), len(lines))
    return set(range(start, len(lines)))


def check_every_line(example):
    """Takes out each needed line with all others that show the same, and each other line by itself."""
    found, operands = places(example)
    assert insufficient(example) == []
    ids = [claim["id"] for claim in example["metadata"]["claims"]]
    table = table_lines(example)
    for name, needed in found.items():
        assert needed, name
        removed = needed | table
        rejected = insufficient(without(example, removed))
        assert name in rejected
        touched = {other for other, lines in found.items() if lines & removed}
        touched |= {other for other, of in operands.items() if touched & set(of)}
        assert set(rejected) <= touched
        assert rejected == [i for i in ids if i in set(rejected)]
        assert {other for other, of in operands.items() if name in of} <= set(rejected)
    somebodys = set().union(*found.values()) if found else set()
    for position, line in enumerate(example["input"].split("\n")):
        # A record line tells what the lines after it are about: no value stands in it, and all of them need it.
        if position not in somebodys and not line.startswith("Record: "):
            assert insufficient(without(example, {position})) == []
