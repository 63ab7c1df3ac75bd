"""What journals and answers over several days say, as constructions (notation: `grammar`).

Belongs here: the language of several kinds and of several days. Does not belong here: that of one kind and day.

``${D1}`` reads the date of one of several days, ``${W1} to ${W2}`` the first and last of a window; a name ending in
``#D1`` is the claim of that date.
"""

from vitals.verification.grounding.grammar import construction
from vitals.verification.grounding.lexicon import ALL, KIND_NAMES

DAY_METRICS = {
    "glucose.mean": "mean glucose",
    "heart_rate.mean_time_weighted": "time-weighted mean heart rate",
    "sleep.tst": "time asleep",
    "sleep.waso": "wake after sleep onset",
    "hrv.rmssd_mean": "mean rmssd",
    "steps.recommended_total": "step total",
    "active_energy.recommended_total": "total of active energy",
}
"""Metric that has a value on each of several days -> what texts call it."""

_NIGHTS = ("sleep.tst", "sleep.waso", "hrv.rmssd_mean")
_DATES = r"\$(?:(?:, | and )\$)*"
_WINDOW = "${W1} to ${W2}"
_DAYS = "#{day#window_days bare} local days"
_FINAL = "(?:days?|nights?) with a final value"
_STATE = "(?:no data|withheld|wear below the minimum|provisional|a lower bound)"

JOURNAL = (
    construction(rf"(?:{'|'.join(KIND_NAMES)})(?: \(|, )as of &{{as_of}}", kinds=ALL),
    construction(r"main sleep by \^(?: and \^)*(?=:)", kinds=("sleep",)),
    construction("(?:without records on this day|the data hold no record of): [^#@$~°]+", kinds=ALL),
)

_OF_ANY = tuple(
    construction(notation, kinds=ALL, columns=columns, condition=condition)
    for notation, columns, condition in (
        (rf"(?:, |and the )highest #{{M#highest}} on {_DATES}", tuple(DAY_METRICS), "dated"),
        (r"${D1} (?:with #{M#D1}|\(#{M#D1}\))", tuple(DAY_METRICS), "below"),
        (
            r"${D1}(?: \(|: )(?:provisional|a lower bound),? as of &{M#D1}",
            tuple(f"{prefix}.newest_data" for prefix in ALL),
            "missing",
        ),
        (rf"{_DATES}(?: \(|: ){_STATE}", ("",), "missing"),
        ("local day ${D1} (?:was|had) #{M#D1}(?: long)?", tuple(f"{prefix}.day_length" for prefix in ALL), ""),
        (f", from #{{M#valid_days}} {_FINAL}", tuple(DAY_METRICS), ""),
    )
)

_OF_ONE = tuple(
    construction(notation, kinds=ALL, columns=(metric,), condition=condition)
    for metric, name in DAY_METRICS.items()
    for notation, condition in (
        (
            f"{name} of ${{D1}} was #{{M#D1}}, #{{M#difference}} (?:higher|lower) than the #{{M#D2}} of ${{D2}}",
            "ordered",
        ),
        (
            f"on ${{D1}} the {name} was #{{M#D1}}: #{{M#difference}} (?:higher|lower) than on ${{D2}}, #{{M#D2}}",
            "ordered",
        ),
        (f"{name} was the same on both days: #{{M#D1}} on ${{D1}} and #{{M#D2}} on ${{D2}}", "equal"),
        (f"{name} of ${{D1}}, #{{M#D1}}, was the same as that of ${{D2}}, #{{M#D2}}", "equal"),
        (f"{name} of ${{D1}} and ${{D2}} cannot be compared from these data", "consecutive"),
        (f"comparison of the {name} of ${{D1}} and ${{D2}}", "consecutive"),
        (f"over the {_DAYS} {_WINDOW} the {name} averaged #{{M#window_mean}}", "window"),
        (
            f"from #{{M#valid_days}} {_FINAL} among the {_DAYS} {_WINDOW}, the {name} averaged #{{M#window_mean}}",
            "window",
        ),
        (f"over the {_DAYS} {_WINDOW} the lowest {name} was #{{M#lowest}} on {_DATES}", "dated"),
        (
            f"from #{{M#valid_days}} {_FINAL} among the {_DAYS} {_WINDOW}: lowest {name} #{{M#lowest}} on {_DATES}",
            "dated",
        ),
        (
            (
                f"{name} was below its own mean of #{{M#window_mean}} (?:on|in) #{{M#days_below_mean}} of "
                f"#{{M#valid_days}} {_FINAL}, {_WINDOW}"
            ),
            "window",
        ),
        (
            (
                f"of #{{M#valid_days}} {_FINAL} from {_WINDOW}, #{{M#days_below_mean}} had an? {name} below its own mean "
                "of #{M#window_mean}"
            ),
            "window",
        ),
        (
            f"none of #{{M#valid_days}} {_FINAL} from {_WINDOW} had an? {name} below its own mean of #{{M#window_mean}}",
            "none_below",
        ),
        (
            (
                f"with an own mean of #{{M#window_mean}}, none of #{{M#valid_days}} {_FINAL} from {_WINDOW} had an? {name} "
                "below it"
            ),
            "none_below",
        ),
        (
            f"#{{M#valid_days}} of the {_DAYS} {_WINDOW} ha(?:s|ve) a final {name}(?:(?:: |, namely ){_DATES})?",
            "listed",
        ),
        (
            f"there is a final {name} on #{{M#valid_days}} of the {_DAYS} {_WINDOW}(?:(?:: |, namely ){_DATES})?",
            "listed",
        ),
        (f"none of the {_DAYS} {_WINDOW} has a final {name}", "no_valid"),
        (f"there is no final {name} on any of the {_DAYS} {_WINDOW}", "no_valid"),
        (
            (
                f"statement on the mean of the {name} of the local days {_WINDOW} needs #{{M#least_days bare}} days with a final "
                "value, and these data have #{M#valid_days}"
            ),
            "window",
        ),
        (
            (
                f"statement on the mean of the {name} of the local days {_WINDOW} needs #{{M#least_days bare}} days with a final "
                "value, and these data have none"
            ),
            "no_valid",
        ),
        (
            (
                f"the data have #{{M#valid_days}} days? with a final {name} from {_WINDOW}; a statement on the mean needs "
                "#{M#least_days bare} days"
            ),
            "window",
        ),
        (
            (
                f"the data have no day with a final {name} from {_WINDOW}; a statement on the mean needs "
                "#{M#least_days bare} days"
            ),
            "no_valid",
        ),
        (
            (
                f"statement on the mean of the {name} of the local days {_WINDOW} needs a saturday or sunday with a final value, "
                "and these data have none"
            ),
            "window",
        ),
        (
            (
                f"among the local days {_WINDOW} there is no saturday or sunday with a final {name}, which a statement on "
                "the mean needs"
            ),
            "window",
        ),
    )
)

_NIGHT_AND_DAY = tuple(
    construction(notation, kinds=ALL, columns=(night,), condition="below")
    for night in _NIGHTS
    for day, name in DAY_METRICS.items()
    if day not in _NIGHTS
    for notation in (
        f"night ending on ${{D1}}: {DAY_METRICS[night]} #{{M#D1}}; day that followed: {name} #{{{day}#D1}}",
        (
            f"night ending on ${{D1}} had an? {DAY_METRICS[night]} of #{{M#D1}}, and the day that followed an? {name} of "
            f"#{{{day}#D1}}"
        ),
        (
            f"night ending on ${{D1}}: {DAY_METRICS[night]} #{{M#D1}}; the day that followed has no final {name} "
            rf"\({_STATE}"
        ),
        (
            f"night ending on ${{D1}} had an? {DAY_METRICS[night]} of #{{M#D1}}; for the day that followed there is no "
            rf"final {name} \({_STATE}"
        ),
    )
)

SEVERAL_DAYS = (*JOURNAL, *_NIGHT_AND_DAY, *_OF_ONE, *_OF_ANY)
