"""What summaries say of the day's total of steps or active energy, as constructions (notation: `grammar`).

Belongs here: totals, lower bounds, the totals of sources that were not used. Does not belong here: other kinds.
"""

from vitals.verification.grounding.grammar import construction
from vitals.verification.grounding.lexicon import ENERGY, STEPS

_AS_OF = r"(?: as of (?:@{recommended_total#other:A:as_of}|&{recommended_total#other:A:as_of}))?"
_BY = "(?: by (?:@{recommended_total#as_of}|&{recommended_total#as_of}))?"

TOTALS = (
    construction(
        "the phone's own priority rule (?:gives|the figure is) #{hc_priority_total}", kinds=(STEPS, ENERGY)
    ),
    construction("(?:from|made of) #{recommended_total#records} records?", kinds=(STEPS, ENERGY)),
    construction("at least #{minutes_ge100} had #{minutes_ge100#from} or more", kinds=(STEPS,)),
    construction("minutes with #{minutes_ge100#from} or more: at least #{minutes_ge100 bare}", kinds=(STEPS,)),
    construction("#{minutes_ge100} had #{minutes_ge100#from} or more", kinds=(STEPS,), condition="whole"),
    construction(
        "minutes with at least #{minutes_ge100#from}: #{minutes_ge100 bare}", kinds=(STEPS,), condition="whole"
    ),
    construction("(?:net of rest this is|that makes) at least #{net_met_minutes}", kinds=(ENERGY,)),
    construction("(?:net of rest this is|that makes) #{net_met_minutes}", kinds=(ENERGY,), condition="whole"),
    construction(
        "at least #{recommended_total named}(?: of active energy)?" + _BY, kinds=(STEPS, ENERGY)
    ),
    construction(
        "(?:no|a) total of (?:steps|active energy)", kinds=(STEPS, ENERGY)
    ),
    construction("the total was still running", kinds=(STEPS, ENERGY)),
    construction(
        "without the share of records that reach over midnight"
        "|what records that reach over midnight hold of the day is not in it",
        kinds=(STEPS, ENERGY),
        condition="bound",
    ),
    construction(
        "#{recommended_total} of active energy|counted #{recommended_total}|: #{recommended_total named}(?=[ ,.;])"
        "|#{recommended_total}(?= on | [(])",
        kinds=(STEPS, ENERGY),
        condition="whole",
    ),
)  # fmt: skip

OTHER_TOTALS = (
    construction(
        r"(?:^{A} (?:was also present and not used:|had)|not used and not added: ^{A},)"
        f" #{{recommended_total#other:A}}{_AS_OF}",
        kinds=(STEPS, ENERGY),
    ),
)
