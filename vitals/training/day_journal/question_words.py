"""How questions over several days in one metric are asked, answered and refused, in words.

Belongs here: wordings alone, each with the same fields in all its alternatives.
Does not belong here: when which one is used (`questions`).
"""

from vitals.training.narrative import phrases

SOURCE = phrases("Source: {apps}", "The values are from {apps}")
HOURS = phrases("The local day {date} was {hours} h long", "The local day {date} had {hours} h")
NEWEST = phrases("{state} as of {as_of}", "{state}, as of {as_of}")
NOT_FINAL = phrases("{dates} ({state})", "{dates}: {state}")
WITHOUT_FINAL = phrases("Without a final value: {parts}", "Days without a final value: {parts}")

ASK_TWO_DAYS = phrases(
    "By how much did the {name} of {last} differ from that of {previous}?",
    "Was the {name} of {last} higher or lower than that of {previous}, and by how much?",
    "Compare the {name} of {previous} and {last}.",
)
HIGHER_OR_LOWER = phrases(
    "The {name} of {date} was {value} {unit}, {difference} {unit} {side} than the {base} {unit} of {previous}",
    "On {date} the {name} was {value} {unit}: {difference} {unit} {side} than on {previous}, {base} {unit}",
)
SAME = phrases(
    "The {name} was the same on both days: {value} {unit} on {date} and {base} {unit} on {previous}",
    "The {name} of {date}, {value} {unit}, was the same as that of {previous}, {base} {unit}",
)
NO_COMPARISON = phrases(
    "The {name} of {date} and {previous} cannot be compared from these data",
    "These data do not allow a comparison of the {name} of {date} and {previous}",
)

ASK_MEAN = phrases(
    "What was the mean of the {name} over the last {days} local days, up to {last}?",
    "Over the {days} local days {first} to {last}, what did the {name} average?",
)
MEAN = phrases(
    "Over the {days} local days {first} to {last} the {name} averaged {mean} {unit}, from {count} {noun} with a final value",
    "From {count} {noun} with a final value among the {days} local days {first} to {last}, the {name} averaged {mean} {unit}",
)

ASK_EXTREMES = phrases(
    "On which of the last {days} local days, up to {last}, was the {name} lowest and on which highest?",
    "What were the lowest and the highest {name} over the {days} local days {first} to {last}, and when?",
)
EXTREMES = phrases(
    "Over the {days} local days {first} to {last} the lowest {name} was {low} {unit} on {low_dates} and the highest"
    " {high} {unit} on {high_dates}, from {count} {noun} with a final value",
    "From {count} {noun} with a final value among the {days} local days {first} to {last}: lowest {name} {low} {unit} on"
    " {low_dates}, highest {high} {unit} on {high_dates}",
)

ASK_BELOW = phrases(
    "On how many of the last {days} local days, up to {last}, was the {name} below its own mean of these days?",
    "How often was the {name} below its own {days}-day mean, {first} to {last}?",
)
BELOW = phrases(
    "The {name} was below its own mean of {mean} {unit} on {below} of {count} {noun} with a final value, {first} to {last}",
    "Of {count} {noun} with a final value from {first} to {last}, {below} had a {name} below its own mean of {mean} {unit}",
)
NEVER_BELOW = phrases(
    "None of {count} {noun} with a final value from {first} to {last} had a {name} below its own mean of {mean} {unit}",
    "With an own mean of {mean} {unit}, none of {count} {noun} with a final value from {first} to {last} had a {name}"
    " below it",
)
ON_DATES = phrases(": {parts}", ", namely {parts}")
VALUE_ON = phrases("{date} with {value} {unit}", "{date} ({value} {unit})")

ASK_COUNT = phrases(
    "On how many of the last {days} local days, up to {last}, is there a final {name}?",
    "How many of the {days} local days {first} to {last} have a final {name}, and what is missing?",
)
COUNT = phrases(
    "{count} of the {days} local days {first} to {last} {have} a final {name}",
    "There is a final {name} on {count} of the {days} local days {first} to {last}",
)
COUNT_NONE = phrases(
    "None of the {days} local days {first} to {last} has a final {name}",
    "There is no final {name} on any of the {days} local days {first} to {last}",
)

TOO_FEW = phrases(
    "A statement on the mean of the {name} of the local days {first} to {last} needs {least} days with a final value, and"
    " these data have {count}",
    "The data have {count} {noun} with a final {name} from {first} to {last}; a statement on the mean needs {least} days",
)
TOO_FEW_NONE = phrases(
    "A statement on the mean of the {name} of the local days {first} to {last} needs {least} days with a final value, and"
    " these data have none",
    "The data have no day with a final {name} from {first} to {last}; a statement on the mean needs {least} days",
)
NO_WEEKEND = phrases(
    "A statement on the mean of the {name} of the local days {first} to {last} needs a Saturday or Sunday with a final value,"
    " and these data have none",
    "Among the local days {first} to {last} there is no Saturday or Sunday with a final {name}, which a statement on"
    " the mean needs",
)
