"""Words that have a meaning in the names of clients: legal forms, titles, numbers, trades. Data only."""

from __future__ import annotations

BUSINESS_WORDS = frozenset(
    """accountants accounting advisory agency air architects auto automotive bakery bar beauty books brewing
    builders building bus cafe capital care catering centre civil clean cleaning clinic co coffee collective
    company concrete construction constructions consultancy consultants consulting contracting contractors
    creative dairy dental design designs developments digital distribution drilling earthmoving education
    electrical electronics energy engineering enterprises entertainment equipment estate events excavation
    exports farm farming farms fencing finance financial fisheries fitness floors flying foods forestry
    foundation freight furniture garage gardens global group haulage health holdings homes horticulture
    hospitality hotel imports industries installations insurance interiors international investment
    investments joinery kitchens labour landscapes landscaping legal lending logistics machinery maintenance
    management manufacturing marine marketing mechanical media medical metals mining motors nominees nursery
    office orchard orchards painting partners partnership pastoral pharmacy physiotherapy plastering plumbing
    print printing products projects properties property real recruitment rentals repairs resources
    restaurant retail roofing school security services shipping software solutions sons sports station steel
    storage store studio studios supplies surveying systems tech technologies technology tiling timber tools
    tourism tours towing trade traders trading training transport travel trustee trustees ventures veterinary
    vineyard vineyards wholesale wine winery wines works workshop""".split()
)
"""Words that no person's own name has."""

FORM_WORDS = {
    "ltd": "ltd", "limited": "ltd", "inc": "inc", "incorporated": "inc", "llc": "llc", "llp": "llp",
    "lp": "lp", "plc": "plc", "corp": "corp", "corporation": "corp", "gmbh": "gmbh", "nl": "nl",
    "co": "company", "company": "company", "trust": "trust", "tst": "trust", "smsf": "super fund",
    "superfund": "super fund", "partnership": "partnership", "p/l": "pty ltd", "pty": "pty",
}  # fmt: skip
FORM_RUNS = {
    ("pty", "ltd"): "pty ltd", ("pty", "limited"): "pty ltd", ("proprietary", "limited"): "pty ltd",
    ("proprietary", "ltd"): "pty ltd", ("limited", "partnership"): "lp", ("no", "liability"): "nl",
    ("limited", "liability", "partnership"): "llp", ("limited", "liability", "company"): "llc",
    ("superannuation", "fund"): "super fund", ("super", "fund"): "super fund",
    ("self", "managed", "superannuation", "fund"): "super fund",
    ("self", "managed", "super", "fund"): "super fund", ("self-managed", "super", "fund"): "super fund",
    ("self-managed", "superannuation", "fund"): "super fund",
}  # fmt: skip
RUN_STARTS = frozenset(run[0] for run in FORM_RUNS)
FORMS = frozenset(FORM_WORDS.values()) | frozenset(FORM_RUNS.values())
"""Legal forms and kinds of entity, each in its one spelling."""

SPELT_FORMS = frozenset(word for run in FORM_RUNS for word in run) | frozenset(FORM_WORDS)
"""Every word of every spelling of them."""

LOOSE_FORMS = {
    "super": "super", "superannuation": "super", "s/f": "super", "sf": "super",
    "trusts": "trust", "trs": "trust", "pship": "partnership", "ptnrship": "partnership",
}  # fmt: skip
SPELT_OUT = {
    "limited": "ltd", "trust": "trust", "superannuation": "super", "partnership": "partnership",
    "proprietary": "pty", "incorporated": "inc", "company": "company",
}  # fmt: skip
NOT_MISSPELT = frozenset(["truss", "trusty", "tryst", "trout", "true", "companion", "limit", "limits"])
AFTER_FORM = frozenset(["fund", "self", "managed", "self-managed", "fd"])

TITLES = {
    "mr": "mr", "mister": "mr", "sir": "sir", "mrs": "mrs", "ms": "ms", "miss": "miss", "mx": "mx",
    "dr": "dr", "doctor": "dr", "prof": "prof", "professor": "prof", "dame": "dame", "rev": "rev",
}  # fmt: skip
GENERATIONS = {"jnr": "junior", "jr": "junior", "junior": "junior", "snr": "senior", "sr": "senior",
                "senior": "senior"}  # fmt: skip
ROMAN = {"ii": "2", "iii": "3", "iv": "4", "vi": "6", "vii": "7", "viii": "8", "ix": "9"}
SPELT = {"one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7"}
ORDINALS = {"second": "2", "third": "3", "fourth": "4", "fifth": "5", "2nd": "2", "3rd": "3", "4th": "4",
             "5th": "5", "1st": "1"}  # fmt: skip
NUMBER_MARKS = frozenset(["no", "number", "nr", "num", "#"])
FILLER = frozenset(["the", "of", "and"])
PARTICLES = frozenset("van von der den de la le ten ter du di da del dos st".split())
"""Words before a surname that belong to it."""
