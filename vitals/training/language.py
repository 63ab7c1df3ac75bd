"""The language a text for training may never use (NARRATIVE.md A), as patterns.

Belongs here: the hard deny-list and the one referral sentence that is exempt.
Does not belong here: whether a number is right (grounding), or the wording of a kind.

A rule's stems are literals of which one is in every text its pattern matches; they spare the patterns.
"""

import re
from dataclasses import dataclass

REFERRAL = (
    "These sensor values are for information; if they are unexpected or you feel unwell, contact a health professional."
)
"""The one permitted referral, in fixed wording; only for a level-2 glucose value."""

NOT_A1C = "not a lab A1C"
"""The one permitted mention of A1C: the label that GMI must carry in windows of 14 days or more."""


@dataclass(frozen=True)
class Rule:
    """One forbidden kind of statement."""

    name: str
    stems: tuple[str, ...]
    pattern: re.Pattern[str]


def _rule(name: str, stems: str, *alternatives: str) -> Rule:
    return Rule(name, tuple(stems.split("|")), re.compile(r"\b(?:" + "|".join(alternatives) + ")", re.IGNORECASE))


# Plain, non-breaking and typographic hyphens, blanks, or nothing: "post-meal", "post meal", "postmeal".
_DASH = r"[\s\-\u2010-\u2013]*"

RULES: tuple[Rule, ...] = (
    _rule(
        "diagnosis",
        "diabet|glyc|hypo|hyper|apn|insomn|arrhythm|arythm|fibrillat|tachycard|bradycard|overtrain|depress|pregnan"
        "|syndrome|disorder|disease|patholog|diagnos|narcolep|infect|illness|resistan|phenomenon|sever|symptom",
        r"(?:pre)?-?diabet\w*",
        r"(?:hypo|hyper|dys|normo|eu)-?gly[ck]\w*",
        r"(?:hypo|hyper)s?\b",
        r"apn(?:o?ea|eic)\w*",
        r"insomnia\w*",
        r"arr?h?ythmi\w*",
        r"fibrillat\w*",
        r"(?:tachy|brady)card\w*",
        rf"over{_DASH}train\w*",
        r"depress\w*",
        r"pregnan\w*",
        r"(?:hypo|hyper)tensi\w*",
        r"syndromes?\b",
        r"disorders?\b",
        r"diseases?\b",
        r"patholog\w*",
        r"diagnos\w*",
        r"narcolep\w*",
        r"infect\w*",
        r"illness\w*",
        rf"insulin{_DASH}resist\w*",
        r"dawn phenomen\w*",
        r"sever(?:e|ely|ity)\b",
        r"symptom\w*",
    ),
    _rule(
        "drug_or_treatment",
        "insulin|metformin|glutide|glp|statin|block|aspirin|melatonin|caffein|dos|medic|drug|supplement|prescri"
        "|treatment|therap|tablet|pill|vitamin|diet|carb",
        r"insulin\w*",
        r"metformin",
        r"\w+glutide",
        rf"glp{_DASH}1",
        r"statins?\b",
        rf"beta{_DASH}block\w*",
        r"aspirin",
        r"melatonin",
        r"caffein\w*",
        r"(?:dos(?:e|es|age|ing)|overdose)\b",
        r"medicat\w*",
        r"medicines?\b",
        r"drugs?\b",
        r"supplement\w*",
        r"prescri\w*",
        r"treatments?\b",
        r"therap\w*",
        r"tablets?\b",
        r"pills?\b",
        r"vitamins?\b",
        r"diet(?:s|ary|ing)?\b",
        r"carb(?:s|ohydrates?)?\b",
    ),
    _rule(
        "advice",
        "should|you need|must|ought|try to|make sure|aim|consider|avoid|advis|advice|your |keep up",
        r"(?:should|must|ought to)\b",
        r"you need\b",
        r"try to\b",
        r"make sure\b",
        r"aim(?:s|ing)? (?:for|to|at)\b",
        r"consider\w*",
        r"avoid\w*",
        r"advi[sc]\w*",
        r"(?:adjust|continue|stop|start|change|increase|reduce|lower|raise|improve) your\b",
        r"keep up\b",
    ),
    _rule(
        "urgency",
        "immediate|urgen|emergenc|seek|call |consult|contact|doctor|physician|intervention|danger|critical"
        "|alarm|life|warning|at once|see a ",
        r"immediate\w*",
        r"urgen\w*",
        r"emergenc\w*",
        r"seek (?:\w+ )?(?:help|attention|care|advice)\b",
        r"call (?:a|an|your|for)\b",
        r"(?:consult|contact|see|talk to|speak to|ask) (?:a|an|the|your)\b",
        r"doctors?\b",
        r"physicians?\b",
        r"interven\w*",
        r"danger\w*",
        r"critical\w*",
        r"alarm\w*",
        rf"life{_DASH}threat\w*",
        r"warnings?\b",
        r"at once\b",
    ),
    _rule(
        "reassurance",
        "concern|worr|reassur|all is well|everything|safe|under control|controlled|no problem|no reason",
        r"concern\w*",
        r"worr(?:y|ied|ies|ying|isome)\b",
        r"reassur\w*",
        r"all is well\b",
        r"everything is\b",
        r"safe(?:ly|ty)?\b",
        r"under control\b",
        rf"(?:well|poorly|badly){_DASH}controlled\b",
        r"no (?:problem|reason to)\w*",
    ),
    _rule(
        "verdict",
        "excellent|good|poor|normal|optimal|improv|worse|health|ideal|great|perfect|bad|better|satisf|elevated"
        "|adequate|acceptable|impressive|fine|well |control|best|worst|strong|weak|favo|too |very |remarkabl",
        r"excellent\w*",
        r"good\b",
        r"poor(?:ly)?\b",
        r"(?:ab)?normal\w*",
        r"(?:sub)?optimal\w*",
        r"improv\w*",
        r"wors(?:e|en\w*|t)\b",
        r"(?:un)?health(?:y|ier|iest|ily)\b",
        r"ideal\w*",
        r"great(?:er (?:than (?:average|usual))|ly|est)?\b(?! ?than)",
        r"perfect\w*",
        r"bad(?:ly)?\b",
        r"(?:better|best)\b",
        r"(?:un)?satisf\w*",
        r"elevated\b",
        r"(?:in)?adequate\w*",
        r"(?:un)?acceptabl\w*",
        r"impressive\w*",
        r"(?:is|are|was|were|looks?|seems?) fine\b",
        r"(?:glyc[ae]?emic|glucose|sugar|heart|rate) control\b",
        r"(?:strong|weak)(?:er|ly)?\b",
        r"(?:un)?favou?rabl\w*",
        r"(?:too|very|quite|rather) (?:high|low|long|short|fast|slow|much|little|many|few)\b",
        r"remarkabl\w*",
    ),
    _rule(
        "comparison_without_own_baseline",
        "than",
        r"(?:higher|lower|more|less|fewer|longer|shorter|faster|slower|above|below) than"
        r" (?:average|usual|expected|typical|most|others?|people|peers|ever|before|recommended|(?:it|you|they) \w+)\b",
        r"(?:higher|lower) than your\b(?! \d+-day (?:mean|average))",
    ),
    _rule(
        "population_ranking",
        "percentile|your age|people|population|peers|average person|top |age group|reference|range for|typical|quartile",
        r"(?:percentile|quartile)s?\b",
        r"(?:for|at|of) (?:your|this|that|his|her|their) age\b",
        r"(?:most|other|many|few|similar|\w+ing) people\b",
        r"population\w*",
        r"peers?\b",
        r"average (?:person|adult|man|woman)\b",
        r"top \d+",
        rf"age{_DASH}group",
        r"reference (?:range|value|interval|population)s?\b",
        r"(?:un|a)?typical\w*",
    ),
    _rule("a1c", "a1c|glycat|glycosyl|adag", rf"(?:hb|hgb|e)?{_DASH}a1c", r"glycat\w*", r"glycosyl\w*", r"adag\b"),
    _rule(
        "cause",
        "because|due to|caus|result|owing|thanks|trigger|attribut|led to|lead|explained|eating|ate|drank|drink|trained"
        "|exercis|workout|training",
        r"because (?:of|you|your|the person|he|she|they)\b",
        r"due to\b",
        r"caus(?:e|es|ed|ing)\b",
        r"(?:as a result|resulted?|resulting|results) (?:of|in|from)\b",
        r"owing to\b",
        r"thanks to\b",
        r"trigger\w*",
        r"attribut\w*",
        r"(?:led|leads?|leading) to\b",
        r"explained by\b",
        r"(?:you|person|they|he|she) (?:ate|drank|trained|exercised|walked|ran)\b",
        r"after (?:eating|drinking|training|exercis\w+|a \w* ?(?:workout|run|walk|drink))\b",
    ),
    _rule(
        "prediction",
        "will |would|going to|forecast|predict|likely|expected to|tomorrow|risk|future|soon",
        r"(?:will|would|is going to|are going to) (?!not be (?:known|stated))\w+",
        r"forecast\w*",
        r"predict\w*",
        r"(?:un)?likely\b",
        r"expected to\b",
        r"tomorrow\b",
        r"(?:at|your|higher|lower|increased|reduced) risk\b",
        r"risks? (?:of|for)\b",
        r"in (?:the )?future\b",
        r"soon\b",
    ),
    _rule(
        "absence_for_not_measured",
        "no |zero|never|nil|nothing|not sleep|not walk|not move|without any",
        r"no (?:lows?|highs?|low\w* (?:values?|readings?|episodes?|glucose)|high\w* (?:values?|readings?|episodes?))\b",
        r"no (?:steps|activity|energy|awakenings?|episodes?|movement)\b(?! (?:total|value|record|data|source|can))",
        r"no sleep (?:at all|that|this|on|last)\b",
        r"zero\b",
        r"never (?:below|above|under|over|fell|rose|dropped|exceeded|went)\b",
        r"nil\b",
        r"nothing (?:below|above|under|over)\b",
        r"(?:did|does) not (?:sleep|walk|move|drop|fall|rise)\b",
        r"without any (?:lows?|highs?)\b",
    ),
    _rule(
        "target",
        "who |world health|recommend|guideline|goal|target|10,000 steps|10000 steps|quota",
        r"who (?:recommend|guideline|target|goal|say|advis)\w*",
        r"world health\b",
        r"recommend\w*",
        r"guidelines?\b",
        r"goals?\b",
        r"targets?\b",
        r"(?:the |of |than )?10,?000 steps (?:a|per|each|every) day\b",
        r"the (?:usual |famous |magic )?10,?000\b",
        r"quota\b",
    ),
    _rule(
        "meal_context",
        "fast|prandial|meal|breakfast|lunch|dinner|supper|snack|food",
        r"fast(?:ing|ed)\b",
        r"(?:post|pre)-?prandial\w*",
        rf"(?:post|pre|after|before){_DASH}(?:the |a |each )?meals?\b",
        r"meals?\b",
        r"(?:breakfast|lunch|dinner|supper|snack)s?\b",
        r"foods?\b",
    ),
    _rule(
        "unmeasured_physiology",
        "sdnn|pnn|lf/hf|stress|recover|readiness|fitness|vo2|cardio age|rhythm|sympathetic|vagal|fatigue|strain|trend",
        r"sdnn\b",
        r"pnn\d*",
        r"lf/hf",
        r"stress\w*",
        r"recover\w*",
        r"readiness\b",
        r"fitness\b",
        rf"vo{_DASH}2",
        r"cardio(?:vascular)? age\b",
        r"(?:ir)?rhythm\w*",
        r"(?:para)?sympathetic\w*",
        r"vagal\w*",
        r"fatigue\w*",
        r"strain\w*",
        r"(?:up|down)ward trend",
        r"trend(?:s|ed|ing)? (?:up|down|to|higher|lower)\w*",
    ),
    _rule(
        "sleep_grading",
        "quality|sleep debt|rested|restor|hygiene|enough|sufficient|refresh|architecture",
        rf"sleep{_DASH}quality",
        r"quality (?:of )?(?:sleep|rest|night)\b",
        r"sleep debt\b",
        rf"(?:well|poorly){_DASH}rested\b",
        r"restorativ\w*",
        r"hygiene\b",
        r"(?:enough|sufficient|insufficient) (?:sleep|rest|deep|rem|light|activity|steps|movement)\b",
        r"refresh\w*",
    ),
    _rule(
        "activity_grading",
        "sedentar|lifestyle|intensive|weight loss|lose weight|burn|inactiv|lazy|slim|fat ",
        r"sedentar\w*",
        r"lifestyle\w*",
        r"intensive\b",
        r"weight loss\b",
        r"los(?:e|ing) weight\b",
        r"burn(?:s|t|ed|ing)? (?:off|fat|calories)\b",
        r"(?:in|physically )activ(?:e|ity) (?:person|day|life)\b",
    ),
)


def violations(text: str) -> list[str]:
    """Names of the rules that a text breaks, in the order of RULES.

    The fixed referral sentence and the fixed label of GMI are exempt; nothing near them is.
    """
    if REFERRAL in text:
        text = text.replace(REFERRAL, "")
    if NOT_A1C in text:
        text = text.replace(NOT_A1C, "")
    lowered = text.lower()
    return [
        rule.name
        for rule in RULES
        if any(stem in lowered for stem in rule.stems) and rule.pattern.search(text) is not None
    ]
