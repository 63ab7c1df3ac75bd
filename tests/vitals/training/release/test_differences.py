import copy
import random
from dataclasses import replace

import orjson
import pytest

from tests.vitals.training.fact_frames import KINDS, random_facts
from vitals.training.examples import build_examples
from vitals.training.release.differences import CAUSES, by_cause, differences
from vitals.training.release.traces import (
    TRACE_SCHEMA,
    ManifestFacts,
    facts_from,
    facts_json,
    forget,
    forget_sources,
    person_digest,
    question_of,
    source_digest,
    trace_of,
    traces_from,
    traces_table,
)

KEY = b"a key for tests only"
