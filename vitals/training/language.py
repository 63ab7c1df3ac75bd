"""The language a text for training may never use (NARRATIVE.md A), as patterns.

Belongs here: the hard deny-list and the one referral sentence that is exempt.
Does not belong here: whether a number is right (grounding), or the wording of a kind.

Many texts are screened at once by one linear-time expression that matches whatever a rule matches, and a little
more; the rules themselves then judge only what it caught.
"""

import re
from dataclasses import dataclass

import polars as pl

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
    pattern: re.Pattern[str]


def _rule(name: str, *alternatives: str) -> Rule:
    """A rule whose alternatives begin where a word does, and end where they say so."""
    return Rule(name, re.compile(r"\b(?:" + "|".join(alternatives) + ")", re.IGNORECASE))


# Plain, non-breaking and typographic hyphens, blanks, or nothing: "post-meal", "post meal", "postmeal".
_DASH = r"[ \t\n\u00a0\-\u2010-\u2015]*"

RULES: tuple[Rule, ...] = (
    _rule(
        "diagnosis",
        r"(?:pre)?-?diabet",
        r"(?:hypo|hyper|dys|normo|eu)-?gly[ck]",
        r"(?:hypo|hyper)s?\b",
        r"apn(?:o?ea|eic)",
        r"insomnia",
        r"arr?h?ythmi",
        r"fibrillat",
        r"(?:tachy|brady)card",
        rf"over{_DASH}train",
        r"depress",
        r"pregnan",
        r"(?:hypo|hyper)tensi",
        r"syndromes?\b",
        r"disorders?\b",
        r"diseases?\b",
        r"patholog",
        r"diagnos",
        r"narcolep",
        r"infect",
        r"illness",
        rf"insulin{_DASH}resist",
        r"dawn phenomen",
        r"sever(?:e|ely|ity)\b",
        r"symptom",
    ),
    _rule(
        "drug_or_treatment",
        r"insulin",
        r"metformin",
        r"[a-z]+glutide",
        rf"glp{_DASH}1",
        r"statins?\b",
        rf"beta{_DASH}block",
        r"aspirin",
        r"melatonin",
        r"caffein",
        r"(?:dos(?:e|es|age|ing)|overdose)\b",
        r"medicat",
        r"medicines?\b",
        r"drugs?\b",
        r"supplement",
        r"prescri",
        r"treatments?\b",
        r"therap",
        r"tablets?\b",
        r"pills?\b",
        r"vitamins?\b",
        r"diet(?:s|ary|ing)?\b",
        r"carb(?:s|ohydrates?)?\b",
    ),
    _rule(
        "advice",
        r"(?:should|must|ought to)\b",
        r"you need\b",
        r"try to\b",
        r"make sure\b",
        r"aim(?:s|ing)? (?:for|to|at)\b",
        r"consider",
        r"avoid",
        r"advi[sc]",
        r"(?:adjust|continue|stop|start|change|increase|reduce|lower|raise|improve) your\b",
        r"keep up\b",
    ),
    _rule(
        "urgency",
        r"immediate",
        r"urgen",
        r"emergenc",
        r"seek (?:[a-z]+ )?(?:help|attention|care|advice)\b",
        r"call (?:a|an|your|for)\b",
        r"(?:consult|contact|see|talk to|speak to|ask) (?:a|an|the|your)\b",
        r"doctors?\b",
        r"physicians?\b",
        r"interven",
        r"danger",
        r"critical",
        r"alarm",
        rf"life{_DASH}threat",
        r"warnings?\b",
        r"at once\b",
    ),
    _rule(
        "reassurance",
        r"concern",
        r"worr(?:y|ied|ies|ying|isome)\b",
        r"reassur",
        r"all is well\b",
        r"everything is\b",
        r"safe(?:ly|ty)?\b",
        r"under control\b",
        rf"(?:well|poorly|badly){_DASH}controlled\b",
        r"no (?:problem|reason to)",
    ),
    _rule(
        "verdict",
        r"excellent",
        r"good\b",
        r"poor(?:ly)?\b",
        r"(?:ab)?normal",
        r"(?:sub)?optimal",
        r"improv",
        r"wors(?:e|en[a-z]*|t)\b",
        r"(?:un)?health(?:y|ier|iest|ily)\b",
        r"ideal",
        r"great(?:ly|est)?\b",
        r"perfect",
        r"bad(?:ly)?\b",
        r"(?:better|best)\b",
        r"(?:un)?satisf",
        r"elevated\b",
        r"(?:in)?adequate",
        r"(?:un)?acceptabl",
        r"impressive",
        r"(?:is|are|was|were|looks?|seems?) fine\b",
        r"(?:glyc[ae]?emic|glucose|sugar|heart|rate) control\b",
        r"(?:strong|weak)(?:er|ly)?\b",
        r"(?:un)?favou?rabl",
        r"(?:too|very|quite|rather) (?:high|low|long|short|fast|slow|much|little|many|few)\b",
        r"remarkabl",
    ),
    _rule(
        "comparison_without_own_baseline",
        r"(?:higher|lower|more|less|fewer|longer|shorter|faster|slower|above|below) than"
        r" (?:average|usual|expected|typical|most|others?|people|peers|ever|before|recommended|(?:it|you|they)\b)",
        r"(?:higher|lower) than your\b(?! \d+-day (?:mean|average))",
    ),
    _rule(
        "population_ranking",
        r"(?:percentile|quartile)s?\b",
        r"(?:for|at|of) (?:your|this|that|his|her|their) age\b",
        r"(?:most|other|many|few|similar|[a-z]+ing) people\b",
        r"population",
        r"peers?\b",
        r"average (?:person|adult|man|woman)\b",
        r"top \d+",
        rf"age{_DASH}group",
        r"reference (?:range|value|interval|population)s?\b",
        r"(?:un|a)?typical",
    ),
    _rule("a1c", rf"(?:hb|hgb|e)?{_DASH}a1c", r"glycat", r"glycosyl", r"adag\b"),
    _rule(
        "cause",
        r"because (?:of|you|your|the person|he|she|they)\b",
        r"due to\b",
        r"caus(?:e|es|ed|ing)\b",
        r"(?:as a result|resulted?|resulting|results) (?:of|in|from)\b",
        r"owing to\b",
        r"thanks to\b",
        r"trigger",
        r"attribut",
        r"(?:led|leads?|leading) to\b",
        r"explained by\b",
        r"(?:you|person|they|he|she) (?:ate|drank|trained|exercised|walked|ran)\b",
        r"after (?:eating|drinking|training|exercis[a-z]+|a [a-z]* ?(?:workout|run|walk|drink))\b",
    ),
    _rule(
        "prediction",
        r"(?:will|would|is going to|are going to) (?!not be (?:known|stated))",
        r"forecast",
        r"predict",
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
        r"no (?:lows?|highs?|low[a-z]* (?:values?|readings?|episodes?|glucose)|high[a-z]* (?:values?|readings?|episodes?))\b",
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
        r"who (?:recommend|guideline|target|goal|say|advis)",
        r"world health\b",
        r"recommend",
        r"guidelines?\b",
        r"goals?\b",
        r"targets?\b",
        r"(?:the |of |than )?10,?000 steps (?:a|per|each|every) day\b",
        r"the (?:usual |famous |magic |daily |recommended )10,?000\b",
        r"quota\b",
    ),
    _rule(
        "meal_context",
        r"fast(?:ing|ed)\b",
        r"(?:post|pre)-?prandial",
        rf"(?:post|pre|after|before){_DASH}(?:the |a |each )?meals?\b",
        r"meals?\b",
        r"(?:breakfast|lunch|dinner|supper|snack)s?\b",
        r"foods?\b",
    ),
    _rule(
        "unmeasured_physiology",
        r"sdnn\b",
        r"pnn\d*",
        r"lf/hf",
        r"stress",
        r"recover",
        r"readiness\b",
        r"fitness\b",
        rf"vo{_DASH}2",
        r"cardio(?:vascular)? age\b",
        r"(?:ir)?rhythm",
        r"(?:para)?sympathetic",
        r"vagal",
        r"fatigue",
        r"strain",
        r"(?:up|down)ward trend",
        r"trend(?:s|ed|ing)? (?:up|down|to|higher|lower)",
    ),
    _rule(
        "sleep_grading",
        rf"sleep{_DASH}quality",
        r"quality (?:of )?(?:sleep|rest|night)\b",
        r"sleep debt\b",
        rf"(?:well|poorly){_DASH}rested\b",
        r"restorativ",
        r"hygiene\b",
        r"(?:enough|sufficient|insufficient) (?:sleep|rest|deep|rem|light|activity|steps|movement)\b",
        r"refresh",
    ),
    _rule(
        "activity_grading",
        r"sedentar",
        r"lifestyle",
        r"intensive\b",
        r"weight loss\b",
        r"los(?:e|ing) weight\b",
        r"burn(?:s|t|ed|ing)? (?:off|fat|calories)\b",
        r"(?:in|physically )activ(?:e|ity) (?:person|day|life)\b",
    ),
)


_LOOKAHEAD = re.compile(r"\(\?!(?:[^()]|\([^()]*\))*\)")


def _screen() -> str:
    """One expression for all rules in the syntax of Polars, without what makes it slow or is unknown there.

    It matches at least what the rules match: exclusions are dropped, and a word boundary between ASCII letters
    is one between any letters too.
    """
    joined = "|".join(_LOOKAHEAD.sub("", rule.pattern.pattern) for rule in RULES)
    return "(?i)" + joined.replace(r"\b", r"(?-u:\b)")


_SCREEN = _screen()


def suspects(texts: pl.Series) -> pl.Series:
    """Which texts may break a rule, as Booleans. False is certain; a true one is for `violations` to judge."""
    return _without_exempt(texts).str.contains(_SCREEN)


def violations(text: str) -> list[str]:
    """Names of the rules that a text breaks, in the order of RULES.

    The fixed referral sentence and the fixed label of GMI are exempt; nothing near them is.
    """
    rest = text.replace(REFERRAL, "").replace(NOT_A1C, "")
    if not pl.Series([rest]).str.contains(_SCREEN).item():
        return []
    return [rule.name for rule in RULES if rule.pattern.search(rest) is not None]


def _without_exempt(texts: pl.Series) -> pl.Series:
    for exempt in (REFERRAL, NOT_A1C):
        texts = texts.str.replace_all(exempt, "", literal=True)
    return texts
