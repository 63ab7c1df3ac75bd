"""What answers, explanations of data and refusals say, as constructions (notation: `grammar`).

Belongs here: the language of tasks beyond summaries. Does not belong here: what refused metrics are called (`lexicon`).
"""

from vitals.verification.grounding.grammar import WHEN, construction
from vitals.verification.grounding.lexicon import ALL, ENERGY, GLUCOSE, HEART, HRV, SLEEP, STEPS, SUBJECTS

_AT = ",? at @"
_MORE = "(?:more|less|fewer|higher|lower|longer|shorter)"
_FLOOR, _CEILING = "#{source_floor_mg_dl >}", "#{source_ceiling_mg_dl >}"
_WHAT = "(?:step count|active energy)"

STATE = (
    construction(
        rf"(?:for \$,? |in the record of \$, )?(?:{'|'.join(SUBJECTS)})(?: for \$)? (?:cannot be stated: ¤"
        "|is not stated here: ¤|is not assessable: ¤|cannot be stated, for the data given do not include it"
        "|is not in the data given, so it cannot be stated"
        "|cannot be stated from the data given: they do not hold it)",
        kinds=ALL,
    ),
    construction(
        rf"no[:,] (?:as of &{{day#as_of}} )?the data{WHEN} (?:were|are) provisional(?: as of &{{day#as_of}})?",
        kinds=ALL,
        condition="open",
    ),
    construction(rf"(?:yes[:,] )?the data(?:{WHEN}| of the day) are closed", kinds=ALL, condition="closed"),
    construction("no (?:more|further uploads) are awaited", kinds=ALL, condition="closed"),
    construction(rf"not every metric{WHEN} can be stated|some metrics cannot be stated", kinds=ALL),
    construction("later uploads may add to them|more may arrive", kinds=ALL),
    construction(
        "from @{longest_gap_minutes#start} local time on there were no data"
        + WHEN
        + ": the longest gap, #{longest_gap_minutes}",
        kinds=ALL,
    ),
    construction(
        "from @{longest_gap_minutes#start} to @{longest_gap_minutes#end} local time there were no data"
        + WHEN
        + ": the longest gap, #{longest_gap_minutes}",
        kinds=ALL,
    ),
    construction(
        r"(?:there was|have) no gap of more than one sampling interval \(#{sampling_interval_minutes}\)"
        rf"(?: in the data{WHEN})?",
        kinds=ALL,
        condition="no_gap",
    ),
    construction(rf"there was no gap in the data{WHEN}|the data{WHEN} have no gap", kinds=ALL, condition="no_gap"),
    construction(
        "longest (?:gap|stretch without data)" + WHEN + " was #{longest_gap_minutes}"
        r"(?:(?:, from |,? \(?)@{longest_gap_minutes#start}(?: to |-)@{longest_gap_minutes#end}(?: local time)?\)?"
        "|, from @{longest_gap_minutes#start} local time on)?",
        kinds=ALL,
    ),
)

GLUCOSE_ANSWERS = (
    construction(f"lowest reading{WHEN} was at or below #{{min#at_most}}{_AT}{{min#at}} local time", kinds=(GLUCOSE,)),
    construction(
        f"highest reading{WHEN} was at or above #{{max#at_least}}{_AT}{{max#at}} local time", kinds=(GLUCOSE,)
    ),
    *(
        construction(f"mean glucose{WHEN} was at {side} #{{mean#at_{side}}}", kinds=(GLUCOSE,))
        for side in ("most", "least")
    ),
    construction(
        rf"highest reading(?: \(#{{max}}\)|{WHEN}, #{{max}},) was #{{max#difference}} (?:higher|lower) "
        r"than the lowest(?: \(#{min}\)|, #{min})",
        kinds=(GLUCOSE,),
        condition="ordered",
    ),
    construction(f"highest reading{WHEN} was #{{max}}{_AT}{{max#at}} local time", kinds=(GLUCOSE,)),
    construction(f"lowest reading{WHEN} was #{{min}}{_AT}{{min#at}} local time", kinds=(GLUCOSE,)),
    construction(
        rf"(?:#{{pct_70_140}} of the readings were|share of readings at) #{{pct_70_140#from >}}-#{{pct_70_140#to}}"
        rf"(?: was #{{pct_70_140}}{WHEN})?, #{{pct_70_140#difference}} {_MORE} "
        "than the #{pct_above_180} above #{pct_above_180#above}",
        kinds=(GLUCOSE,),
        condition="ordered",
    ),
    construction(
        f"#{{M}} of the readings{WHEN} were #{{M#from >}}-#{{M#to}}",
        kinds=(GLUCOSE,),
        columns=("pct_70_140", "pct_70_180"),
    ),
    construction(
        f"#{{M}} of the readings{WHEN} were (?:above|over) #{{M#above}}",
        kinds=(GLUCOSE,),
        columns=("pct_above_180", "pct_above_250"),
    ),
    construction(
        f"#{{M}} of the readings{WHEN} were (?:below|under) #{{M#below}}",
        kinds=(GLUCOSE,),
        columns=("pct_below_70", "pct_below_54"),
    ),
    *(
        construction(notation, kinds=(GLUCOSE,), columns=columns)
        for words, side, columns in (
            ("above|over", "above", ("episodes_lv1_hyper", "episodes_lv2_hyper")),
            ("below|under", "below", ("episodes_lv1_hypo", "episodes_lv2_hypo")),
        )
        for notation in (
            rf"number of episodes (?:{words}) #{{M#{side}}} lasting #{{M#least_minutes}} or more{WHEN} was #{{M}}",
            rf"number of episodes of at least #{{M#least_minutes}} (?:{words}) #{{M#{side}}}{WHEN} was #{{M}}",
        )
    ),
    construction(
        rf"first episode above #{{M#above}}{WHEN} began at @{{M#1:start}}(?:,| and) lasted #{{M#1:minutes}}"
        "(?:; its highest reading was| and had a highest reading of) #{M#1:extreme}",
        kinds=(GLUCOSE,),
        columns=("episodes_lv1_hyper", "episodes_lv2_hyper"),
    ),
    construction(
        f"between @{{nocturnal_mean#from}} and @{{nocturnal_mean#to}}{WHEN} the mean glucose was #{{nocturnal_mean}}",
        kinds=(GLUCOSE,),
    ),
    construction(
        f"mean glucose from @{{nocturnal_mean#from}} to @{{nocturnal_mean#to}}{WHEN} was #{{nocturnal_mean}}",
        kinds=(GLUCOSE,),
    ),
    construction(r"coefficient of variation \(cv\) of glucose" + WHEN + " was #{cv}", kinds=(GLUCOSE,)),
    construction(f"cv of glucose{WHEN} was #{{cv}}", kinds=(GLUCOSE,)),
    construction("has #{n} readings?; wear was #{wear_percent}", kinds=(GLUCOSE,)),
    construction(f"wear{WHEN} was #{{wear_percent}}, from #{{n}} readings?", kinds=(GLUCOSE,)),
    construction(
        f"values below {_FLOOR} or above {_CEILING} were not delivered by the app used; "
        f"time outside {_FLOOR}-{_CEILING} cannot be assessed",
        kinds=(GLUCOSE,),
    ),
    construction("readings of this app reach the record up to #{source_lag_minutes#most} late", kinds=(GLUCOSE,)),
    construction("^{A} had a mean of #{mean#other:A} for the day, of #{mean#other:A:n} readings?", kinds=(GLUCOSE,)),
)

HEART_ANSWERS = (
    construction(
        "mean of the #{source_mean#other:A:n} minute values? of ^{A} was #{source_mean#other:A}", kinds=(HEART,)
    ),
    construction(
        r"mean heart rate asleep \(#{sleep_mean_time_weighted}\) was #{sleep_mean_time_weighted#difference}"
        r" (?:higher|lower) than awake \(#{wake_mean_time_weighted}\)",
        kinds=(HEART,),
        condition="ordered",
    ),
    construction(
        f"asleep the mean heart rate{WHEN} was #{{sleep_mean_time_weighted}}, "
        "#{sleep_mean_time_weighted#difference} (?:higher|lower) than the #{wake_mean_time_weighted} awake",
        kinds=(HEART,),
        condition="ordered",
    ),
    construction(f"time-weighted mean heart rate{WHEN} was #{{mean_time_weighted}}", kinds=(HEART,)),
    construction(f"mean heart rate asleep{WHEN} was #{{sleep_mean_time_weighted}}", kinds=(HEART,)),
    construction(f"mean heart rate awake{WHEN} was #{{wake_mean_time_weighted}}", kinds=(HEART,)),
    construction(
        "lowest mean heart rate over #{resting_low30_in_main_sleep#window}(?: of the main sleep of \\$)? was "
        "#{resting_low30_in_main_sleep}",
        kinds=(HEART,),
    ),
    construction(f"lowest minute of heart rate{WHEN} was #{{min}}(?:{_AT}{{min#at}} local time)?", kinds=(HEART,)),
    construction(f"highest minute of heart rate{WHEN} was #{{max}}(?:{_AT}{{max#at}} local time)?", kinds=(HEART,)),
    *(
        construction(notation, kinds=(HEART,))
        for column, words, limit in (("bouts_ge100", "at or above", "from"), ("bouts_lt50", "below", "below"))
        for notation in (
            (
                rf"in the covered time of \$ the number of bouts {words} #{{{column}#{limit}}} lasting "
                rf"#{{{column}#least_minutes}} or more was #{{{column}}}"
            ),
            (
                rf"number of bouts of at least #{{{column}#least_minutes}} {words} #{{{column}#{limit}}} "
                rf"in the covered time was #{{{column}}}"
            ),
        )
    ),
    construction(
        r"(?:in the covered time of \$ )?the time at #{M#from >} to under #{M#below} of the age-estimated maximum was #{M}"
        "(?: of the time covered)?",
        kinds=(HEART,),
        columns=("zone_light_57_64", "zone_moderate_64_77", "zone_vigorous_77_96"),
    ),
    construction(
        "heart-rate samples covered #{coverage_percent} of \\$; the number of minutes with a sample was #{n}",
        kinds=(HEART,),
    ),
    construction(
        "number of minutes with a sample was #{n}, a coverage of #{coverage_percent} of the day", kinds=(HEART,)
    ),
)

SLEEP_ANSWERS = (
    construction(
        r"rem sleep(?: \(#{rem}\) was|" + f" was #{{rem}}{WHEN}," + r") #{rem#difference} (?:longer|shorter) "
        r"than (?:deep sleep \(#{deep}\)|the #{deep} of deep sleep)",
        kinds=(SLEEP,),
        condition="ordered",
    ),
    construction(
        f"^{{A}} had #{{tst#other:A}} asleep{WHEN}, #{{tst#other:A#difference}} {_MORE} "
        r"than (?:the source used \(#{tst}\)|the #{tst} of the source used)",
        kinds=(SLEEP,),
        condition="ordered",
    ),
    construction(
        f"main sleep session{WHEN} ran from @{{tib#start}} to @{{tib#end}} local time, #{{tib}}", kinds=(SLEEP,)
    ),
    construction(
        f"main sleep session{WHEN} began at @{{tib#start}} and ended at @{{tib#end}} local time, #{{tib}}",
        kinds=(SLEEP,),
    ),
    *(
        construction(f"{words}{WHEN} was #{{{column}}}", kinds=(SLEEP,))
        for words, column in (
            ("unscored time", "unscored"),
            ("time asleep", "tst"),
            ("time awake after sleep onset", "waso"),
            ("share of the session asleep", "se"),
            ("deep sleep", "deep"),
            ("light sleep", "light"),
            ("rem sleep", "rem"),
        )
    ),
    construction(
        "number of awakenings (?:of #{awakenings_ge5#least_minutes} or more|lasting at least "
        f"#{{awakenings_ge5#least_minutes}}){WHEN} was #{{awakenings_ge5}}",
        kinds=(SLEEP,),
    ),
    construction(f"midpoint{WHEN} was @{{midpoint_local_minutes#clock}} local time", kinds=(SLEEP,)),
    construction(r"(?:in|for|of) the main sleep(?: session)? (?:that ended|ending) on(?= \$)", kinds=(SLEEP,)),
)

HRV_ANSWERS = (
    construction(
        rf"mean rmssd(?: \(#{{rmssd_mean}}\) was|{WHEN} was #{{rmssd_mean}},) #{{rmssd_mean#difference}} "
        r"(?:higher|lower) than the median rmssd(?: \(#{rmssd_median}\)| of #{rmssd_median})",
        kinds=(HRV,),
        condition="ordered",
    ),
    construction(f"mean rmssd{WHEN} was #{{rmssd_mean}}", kinds=(HRV,)),
    construction(f"median rmssd{WHEN} was #{{rmssd_median}}", kinds=(HRV,)),
    construction(
        f"number of rmssd values of #{{sampling_interval_minutes}} each(?: in the main sleep)?{WHEN} was #{{n}}"
        "(?:, covering #{coverage_percent} of the session)?",
        kinds=(HRV,),
    ),
    construction(
        "has #{n} rmssd values? of #{sampling_interval_minutes} each(?:; coverage of the session was #{coverage_percent})?",
        kinds=(HRV,),
    ),
    construction(
        f"sleep session of the rmssd values{WHEN} ran from @{{session#start}} to @{{session#end}} local time",
        kinds=(HRV,),
    ),
    construction(
        f"rmssd values{WHEN} belong to the sleep session from @{{session#start}} to @{{session#end}} local time",
        kinds=(HRV,),
    ),
    construction("^{A} had a mean rmssd of #{rmssd_mean#other:A} for the night", kinds=(HRV,)),
    construction(r"overnight heart-rate variability \(rmssd\)", kinds=(HRV,)),
)

_OTHER_AT = "(?: as of (?:@{recommended_total#other:A:as_of}|&{recommended_total#other:A:as_of}))?"
_TOTAL_AT = "(?:@{recommended_total#as_of}|&{recommended_total#as_of})"

TOTAL_ANSWERS = (
    construction(
        rf"number of records (?:in|behind) the {_WHAT}{WHEN} was #{{recommended_total#records}}", kinds=(STEPS, ENERGY)
    ),
    construction(
        f"^{{A}} had #{{recommended_total#other:A}}{_OTHER_AT}{WHEN}, "
        f"#{{recommended_total#other:A#difference}} {_MORE} "
        r"than (?:the source used \(#{recommended_total}\)|the #{recommended_total} of the source used)",
        kinds=(STEPS, ENERGY),
        condition="ordered",
    ),
    construction(
        rf"(?:by|as of) {_TOTAL_AT} local time(?: on \$)? the {_WHAT}{WHEN} was at least #{{recommended_total}}",
        kinds=(STEPS, ENERGY),
    ),
    construction(
        f"{_WHAT}{WHEN} was at least #{{recommended_total}}(?: by {_TOTAL_AT} local time)?",
        kinds=(STEPS, ENERGY),
    ),
    construction(f"{_WHAT}{WHEN} was #{{recommended_total}}", kinds=(STEPS, ENERGY), condition="whole"),
    construction(
        f"(?:as of {_TOTAL_AT} )?the total of the day (?:is|was) a lower bound(?: as of {_TOTAL_AT})?",
        kinds=(STEPS, ENERGY),
    ),
    construction("the total (?:of the source used|in use) was a lower bound", kinds=(STEPS, ENERGY)),
    construction(", a lower bound", kinds=(STEPS, ENERGY)),
    construction("at least #{minutes_ge100} had a cadence of #{minutes_ge100#from} or more", kinds=(STEPS,)),
    construction(
        f"#{{minutes_ge100}}{WHEN} had a cadence of at least #{{minutes_ge100#from}}",
        kinds=(STEPS,),
        condition="whole",
    ),
    construction(f"active energy{WHEN} made at least #{{net_met_minutes}}", kinds=(ENERGY,)),
    construction(f"active energy{WHEN} made #{{net_met_minutes}}", kinds=(ENERGY,), condition="whole"),
)

ANSWERS = (*STATE, *GLUCOSE_ANSWERS, *HEART_ANSWERS, *SLEEP_ANSWERS, *HRV_ANSWERS, *TOTAL_ANSWERS)
