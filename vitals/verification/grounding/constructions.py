"""What texts say of a day, kind by kind, as constructions (notation: `grammar`).

Belongs here: the language of summaries as a reader knows it. Does not belong here: how they are written.
Order is precedence: the more specific construction stands first.
"""

from vitals.verification.grounding.grammar import WHEN, Construction, construction
from vitals.verification.grounding.lexicon import ALL, GLUCOSE, HEART, HRV, NOUNS, SLEEP
from vitals.verification.grounding.question_constructions import ANSWERS
from vitals.verification.grounding.several_days_constructions import SEVERAL_DAYS
from vitals.verification.grounding.total_constructions import OTHER_TOTALS, TOTALS

_OFFSETS = r"~{day#offset_1}(?:, then ~{day#offset_2})?(?:, then ~{day#offset_3})?(?:, then ~{day#offset_4})?"
_FROM_TO = r",? \(?@{longest_gap_minutes#start}-@{longest_gap_minutes#end}\)?"
_EPISODES = ("episodes_lv1_hyper", "episodes_lv2_hyper", "episodes_lv1_hypo", "episodes_lv2_hypo")
_BOUTS = ("bouts_ge100", "bouts_lt50")
_ZONES = ("zone_light_57_64", "zone_moderate_64_77", "zone_vigorous_77_96")
_FLOOR, _CEILING = "#{source_floor_mg_dl >}", "#{source_ceiling_mg_dl >}"

COMMON = (
    # What it says is held against the withheld metrics by `labels`.
    construction(
        r"\A(?:not assessable|not stated for this day|cannot be assessed here|left open by these data): [^#°@$~]+",
        kinds=ALL,
    ),
    construction(
        rf"${{day#date}} \({_OFFSETS}(?:; (?:clock change|travel day), (?:a day of )?#{{day#hours}})?\)", kinds=ALL
    ),
    construction("as of &{day#as_of}", kinds=ALL),
    construction("more data of this day may still arrive|later uploads may add to it", kinds=ALL),
    construction(
        "no data from @{longest_gap_minutes#start} on "
        r"\(#{longest_gap_minutes} to the end of the day, which was still open\)",
        kinds=ALL,
    ),
    construction(
        "longest stretch without data from @{longest_gap_minutes#start} on, "
        "#{longest_gap_minutes} to the end of the still open day",
        kinds=ALL,
    ),
    construction(
        "(?:longest gap(?: was| of)?|longest stretch without data was) #{longest_gap_minutes}" + f"(?:{_FROM_TO})?",
        kinds=ALL,
    ),
    construction("no data for #{longest_gap_minutes} at the longest" + f"(?:{_FROM_TO})?", kinds=ALL),
    construction(
        r"no (?:gap|stretch without data) of more than one sampling interval \(#{sampling_interval_minutes}\)",
        kinds=ALL,
        condition="no_gap",
    ),
    construction("no gap in the data|no stretch without data", kinds=ALL, condition="no_gap"),
)

GLUCOSE_DAY = (
    construction(
        r"^{A} (?:was also present and not used \(mean #{mean#other:A} of #{mean#other:A:n} readings?\)|"
        r"also delivered #{mean#other:A:n} readings?, not used \(mean #{mean#other:A}\))",
        kinds=(GLUCOSE,),
    ),
    construction("#{single_n} single readings? beside these were not used", kinds=(GLUCOSE,)),
    construction("not used were #{single_n} single readings? beside these", kinds=(GLUCOSE,)),
    construction("single readings:|the readings one by one:", kinds=(GLUCOSE,)),
    construction("(?:a count of )?#{n} single readings?", kinds=(GLUCOSE,)),
    construction(r"#{n} of #{expected_n} possible readings \(#{wear_percent}\)", kinds=(GLUCOSE,)),
    construction("#{n} readings? of #{expected_n} possible, wear #{wear_percent}", kinds=(GLUCOSE,)),
    construction(r"#{n} readings(?:, wear #{wear_percent}| \(#{wear_percent} wear\))", kinds=(GLUCOSE,)),
    construction(
        "(?:between|from|night block) @{nocturnal_mean#from}(?: and | to |-)@{nocturnal_mean#to}:? "
        "(?:the mean was|readings averaged|mean) #{nocturnal_mean}"
        r"(?:(?: over | \()#{nocturnal_n} readings?\)?)?",
        kinds=(GLUCOSE,),
    ),
    construction("(?:of the readings|shares? of readings|(?:by share )?of the time covered):?,?", kinds=(GLUCOSE,)),
    construction("readings present|some readings|delivered readings", kinds=(GLUCOSE,)),
    construction("#{M} (?:were|lay at|at|between) #{M#from >}(?:-| and )#{M#to}", kinds=(GLUCOSE,), columns=("pct_70_140", "pct_70_180")),
    construction(
        r"delivers only " + f"{_FLOOR}-{_CEILING}" + ", so time below " + _FLOOR + " and above " + _CEILING
        + " cannot be assessed",
        kinds=(GLUCOSE,),
    ),
    construction(
        f"values below {_FLOOR} or above {_CEILING} are not delivered by this app; "
        "time outside that range cannot be assessed",
        kinds=(GLUCOSE,),
    ),
    construction(
        f"delivered range is {_FLOOR}-{_CEILING}: time under #{{source_floor_mg_dl bare}} and over "
        "#{source_ceiling_mg_dl bare} is not assessable",
        kinds=(GLUCOSE,),
    ),
    construction("delivers values from #{source_floor_mg_dl} up only, so time below that cannot be assessed", kinds=(GLUCOSE,)),
    construction("values under #{source_floor_mg_dl} are not delivered by this app; time below is not assessable", kinds=(GLUCOSE,)),
    construction("delivers values up to #{source_ceiling_mg_dl} only, so time above that cannot be assessed", kinds=(GLUCOSE,)),
    construction("values over #{source_ceiling_mg_dl} are not delivered by this app; time above is not assessable", kinds=(GLUCOSE,)),
    construction("readings of this app arrive up to #{source_lag_minutes#most} late", kinds=(GLUCOSE,)),
    construction("a reading reaches the record up to #{source_lag_minutes#most} after it was taken", kinds=(GLUCOSE,)),
    construction("publishes up to #{source_lag_minutes#most} behind the reading", kinds=(GLUCOSE,)),
    *(
        construction(notation, kinds=(GLUCOSE,), columns=columns)
        for words, side, columns in (("above|over", "above", _EPISODES[:2]), ("below|under", "below", _EPISODES[2:]))
        for notation in (
            rf"#{{M}} episodes? (?:{words}) #{{M#{side}}} of (?:at least #{{M#least_minutes}}|#{{M#least_minutes}} or more)",
            rf"#{{M}} episodes? of (?:at least #{{M#least_minutes}}|#{{M#least_minutes}} or more) (?:{words}) #{{M#{side}}}",
        )
    ),
    *(
        construction(notation, kinds=(GLUCOSE,), columns=columns)
        for word, columns in (("highest", _EPISODES[:2]), ("lowest", _EPISODES[2:]))
        for notation in (
            rf"(?:from )?@{{M#K:start}}(?: for|,) #{{M#K:minutes}}, {word} #{{M#K:extreme bare}}",
        )
    ),
    *(
        construction(
            rf"(?:from )?@{{M#K:start}}(?: for|,) #{{M#K:minutes}}, {words} #{{M#K:extreme_{side} bare}}",
            kinds=(GLUCOSE,),
            columns=columns,
        )
        for words, side, columns in (
            ("highest at or above", "at_least", _EPISODES[:2]),
            ("lowest at or below", "at_most", _EPISODES[2:]),
        )
    ),
    construction("#{M#more} more|a further #{M#more}", kinds=(GLUCOSE,), columns=(*_EPISODES, "n")),
    construction(
        "#{M} (?:above|over) #{M#above}", kinds=(GLUCOSE,), columns=("pct_above_180", "pct_above_250")
    ),
    construction(
        "#{M} (?:below|under) #{M#below}", kinds=(GLUCOSE,), columns=("pct_below_70", "pct_below_54")
    ),
    construction("(?:a count of )?#{n} readings?", kinds=(GLUCOSE,)),
)  # fmt: skip

ITEMS_LEFT_OUT = (
    *(
        construction(
            "(?:left out as impossible|impossible and therefore not used|not counted, as they cannot be true): "
            rf"#{{dropped_items}} {item}s?",
            kinds=(kind,),
        )
        for kind, item in ((HEART, "sample"), (SLEEP, "stage"))
    ),
)

HEART_DAY = (
    construction(
        "#{coverage_percent} of the day covered(?:, #{n} minutes? with a sample)?", kinds=(HEART,)
    ),
    construction("#{n} minutes? with a sample(?:, covering #{coverage_percent} of the day)?", kinds=(HEART,)),
    construction("samples in #{n} minutes?", kinds=(HEART,)),
    construction("coverage of #{coverage_percent} of the day", kinds=(HEART,)),
    construction(
        r"^{A} (?:was also present and not used "
        r"\(mean of its #{source_mean#other:A:n} minute values? #{source_mean#other:A}\)|also delivered heart rate, "
        r"not used; the mean of its #{source_mean#other:A:n} minute values? was #{source_mean#other:A})",
        kinds=(HEART,),
    ),
    construction("asleep #{dip_percent#size} (?:lower|higher) than awake", kinds=(HEART,), condition="dip"),
    construction(
        "sleeping mean lies #{dip_percent#size} (?:lower|higher) than the waking mean", kinds=(HEART,), condition="dip"
    ),
    construction(
        "lowest #{resting_low30_in_main_sleep#window} asleep #{resting_low30_in_main_sleep}", kinds=(HEART,)
    ),
    construction(
        "lowest mean over #{resting_low30_in_main_sleep#window} of sleep was #{resting_low30_in_main_sleep}",
        kinds=(HEART,),
    ),
    construction(
        "(?:mean asleep|during the main sleep the mean was|asleep) #{sleep_mean_time_weighted}", kinds=(HEART,)
    ),
    construction("(?:mean awake|outside sleep|awake) #{wake_mean_time_weighted}", kinds=(HEART,)),
    *(
        construction(notation, kinds=(HEART,), columns=(column,))
        for column, words, limit in (("bouts_ge100", "at or above", "from"), ("bouts_lt50", "below", "below"))
        for notation in (
            rf"#{{M}} bouts? (?:of #{{M#least_minutes}} or more|of at least #{{M#least_minutes}}) {words} #{{M#{limit}}}",
            rf"#{{M}} bouts? {words} #{{M#{limit}}} lasting at least #{{M#least_minutes}}",
        )
    ),
    *(
        construction(
            rf"(?:from )?@{{{column}#K:start}}(?: for|,) #{{{column}#K:minutes}}, {word} #{{{column}#K:extreme}}",
            kinds=(HEART,),
        )
        for column, word in (("bouts_ge100", "highest"), ("bouts_lt50", "lowest"))
    ),
    construction("#{M#more} more|a further #{M#more}", kinds=(HEART,), columns=_BOUTS),
    construction("in the time covered|within the covered time", kinds=(HEART,)),
    construction(
        "minutes of the time covered by share of an age-estimated maximum, "
        "a sample counting for #{sample_hold#most} at most",
        kinds=(HEART,),
    ),
    construction(
        r"of the time covered, minutes by share of the maximum estimated from age "
        r"\(a sample holds up to #{sample_hold#most}\)",
        kinds=(HEART,),
    ),
    construction(
        "covered time by share of the age-estimated maximal rate, in minutes, each sample held for #{sample_hold#most} at most",
        kinds=(HEART,),
    ),
    construction("#{M bare} at #{M#from >} to under #{M#below}", kinds=(HEART,), columns=_ZONES),
    construction("#{zone_near_max_ge96 bare} at #{zone_near_max_ge96#from} or above", kinds=(HEART,)),
    construction("#{zone_very_light_lt57 bare} below #{zone_very_light_lt57#below}", kinds=(HEART,)),
    construction("mean #{mean_time_weighted}, weighted by time", kinds=(HEART,)),
)  # fmt: skip

RANGES = (
    construction("(?:lowest|minimum) at or below #{min#at_most}(?: at @{min#at})?", kinds=(GLUCOSE,)),
    construction("(?:highest|maximum) at or above #{max#at_least}(?: at @{max#at})?", kinds=(GLUCOSE,)),
    *(
        construction(
            f"(?:the )?mean(?: glucose)?(?: was)? at {side} #{{mean#at_{side}}}",
            kinds=(GLUCOSE,),
        )
        for side in ("most", "least")
    ),
    construction("lowest and highest (?:minute|reading) #{min} at @{min#at}", kinds=(GLUCOSE, HEART)),
    construction(
        r"(?:range|minute values from|from) #{min >} \(?at @{min#at}\)? to #{max >} \(?at @{max#at}\)?(?: °)?",
        kinds=(GLUCOSE, HEART),
    ),
    construction(
        "lowest(?: minute)? #{min >} at @{min#at}, highest(?: minute)? #{max >} at @{max#at}(?: °)?",
        kinds=(GLUCOSE, HEART),
    ),
    construction("(?:lowest|minimum)(?: minute)? #{min}(?: at @{min#at})?", kinds=(GLUCOSE, HEART)),
    construction("(?:highest|maximum)(?: minute)? #{max}(?: at @{max#at})?", kinds=(GLUCOSE, HEART)),
)

SLEEP_NIGHT = (
    construction(
        "no main sleep ended(?: on this day)?|recorded naps only|only naps(?: were recorded)?",
        kinds=(SLEEP,),
        condition="no_main_sleep",
    ),
    construction("(?:recorded this sleep|this sleep was recorded) in #{session_records} parts", kinds=(SLEEP,)),
    construction(
        "#{between_awake_minutes} between parts count as awake|between parts #{between_awake_minutes} count as awake",
        kinds=(SLEEP,),
    ),
    construction(
        "#{between_unscored_minutes} between parts are not scored|"
        "between parts #{between_unscored_minutes} are not scored",
        kinds=(SLEEP,),
    ),
    construction(
        r"nap @{nap#K:start}-@{nap#K:end}(?:(?: with|,) #{nap#K:tst} asleep)?", kinds=(SLEEP,)
    ),
    construction(
        r"^{A} recorded the same night with #{tst#other:A} asleep"
        "(?:, #{tst#other:A#difference} (?:more|less),)? and was not used",
        kinds=(SLEEP,),
        condition="ordered",
    ),
    construction(
        r"^{A} was also present and not used; it had #{tst#other:A} asleep"
        r"(?: \(#{tst#other:A#difference} (?:more|less)\))?",
        kinds=(SLEEP,),
        condition="ordered",
    ),
    construction(
        r"^{A} recorded the same night with #{tst#other:A} asleep"
        "(?:, #{tst#other:A#difference} (?:more|less))?, and this night of it was not used",
        kinds=(SLEEP,),
        condition="ordered",
    ),
    construction(
        r"a session of ^{A} for the same night was not used; it had #{tst#other:A} asleep"
        r"(?: \(#{tst#other:A#difference} (?:more|less)\))?",
        kinds=(SLEEP,),
        condition="ordered",
    ),
    construction(
        r"another session of ^{A} was not used|a session of ^{A} was present and not used|"
        r"further sessions of ^{A}",
        kinds=(SLEEP,),
    ),
    construction(
        "main sleep session that ended on|sleep session that ended on|main sleep ending on|sleep ending on",
        kinds=(SLEEP,),
    ),
    construction(
        r"(?:session |ran |: )@{tib#start}-@{tib#end}(?:(?:, | \()#{tib} (?:elapsed|from start to end)\)?)?",
        kinds=(SLEEP,),
    ),
    construction(r"(?:, |\()#{tib} (?:elapsed|from start to end)\)?", kinds=(SLEEP,)),
    construction("all sessions together #{total_tst_all_sessions} asleep", kinds=(SLEEP,)),
    construction("#{total_tst_all_sessions} asleep over all sessions", kinds=(SLEEP,)),
    construction("#{n_sessions} sessions? in (?:all|total)", kinds=(SLEEP,)),
    construction("#{sme} of the time from onset to final waking asleep", kinds=(SLEEP,)),
    construction("asleep for #{sme} of the time between onset and final waking", kinds=(SLEEP,)),
    construction("#{se} of the session asleep|asleep during #{se} of the session", kinds=(SLEEP,)),
    construction("#{sol} from session start to sleep onset|sleep onset #{sol} after the session began", kinds=(SLEEP,)),
    construction("#{waso} awake within|awake for #{waso} within|#{waso} of wake after onset", kinds=(SLEEP,)),
    construction(
        "#{awakenings_ge5} awakenings? "
        "(?:of #{awakenings_ge5#least_minutes} or more|(?:lasting|of) at least #{awakenings_ge5#least_minutes})",
        kinds=(SLEEP,),
    ),
    construction("#{tst} asleep|asleep for #{tst}|total sleep #{tst}", kinds=(SLEEP,)),
    construction("midpoint @{midpoint_local_minutes#clock}", kinds=(SLEEP,)),
    *(
        construction(rf"{stage} #{{{stage}}}(?: \(#{{pct_{stage}}}\)|, #{{pct_{stage}}} of sleep)?", kinds=(SLEEP,))
        for stage in ("light", "deep", "rem")
    ),
    construction("#{unscored} (?:unscored|without a score)", kinds=(SLEEP,)),
    construction("apart from the main sleep|outside the main sleep|counted apart", kinds=(SLEEP,)),
    construction("(?:stages|stage minutes) as classified by|for this session", kinds=(SLEEP,)),
)  # fmt: skip

HRV_NIGHT = (
    construction(
        r"^{A} (?:was also present and not used \(mean #{rmssd_mean#other:A}\)|"
        r"also delivered rmssd, not used \(its mean: #{rmssd_mean#other:A}\))",
        kinds=(HRV,),
    ),
    construction(
        "#{n} (?:values?|windows?)(?: of #{sampling_interval_minutes})?"
        "(?:(?:,| covering) #{coverage_percent} of the session)?",
        kinds=(HRV,),
    ),
    construction("#{coverage_percent} of the session covered|coverage of #{coverage_percent} of the session", kinds=(HRV,)),
    construction("(?:the session ran|main sleep session) @{session#start}-@{session#end}", kinds=(HRV,)),
    construction("for the main sleep that ended on", kinds=(HRV,)),
)  # fmt: skip

STATISTICS = tuple(
    construction(
        # In brackets after a source that was not used stands that source's value, which has constructions of its own.
        rf"(?<!\()(?<!\(its )(?:{words})(?: glucose| heart rate| rmssd| value| reading)?{WHEN}(?: was| of| is| were|:)? #{{M}}",
        kinds=ALL,
        columns=columns.split(),
    )
    for words, columns in NOUNS.items()
)

SINGLE_READINGS = (
    # Any level with a time that is not said to be anything else.
    construction("#{single_readings#K:level} at @{single_readings#K:at}", kinds=(GLUCOSE,)),
)

CONSTRUCTIONS: tuple[Construction, ...] = (
    *SEVERAL_DAYS,
    *ANSWERS,
    *OTHER_TOTALS,
    *COMMON,
    *GLUCOSE_DAY,
    *ITEMS_LEFT_OUT,
    *HEART_DAY,
    *RANGES,
    *SLEEP_NIGHT,
    *HRV_NIGHT,
    *TOTALS,
    *STATISTICS,
    *SINGLE_READINGS,
)
