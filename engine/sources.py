"""What a source's short key stands for: questions and whys cite by key, people read it spelled out."""

from __future__ import annotations

import re

KEYS = {
    "S000": "House notes: what networks can do",
    "S001": "House notes: the process from problem to result",
    "S002": "House notes: designing and doubting a model",
    "S003": "House notes: shapes and sizes of data",
    "S004": "House notes: worth before cleverness",
    "BF": "Bouckaert & Frank 2004, on the replicability of tests between learners",
    "BN": "Benavoli et al. 2017, time for a change",
    "CF": "CFPB Circular 2022-03, on reasons owed",
    "CO": "Collins, Ogundimu & Altman 2016, on how many cases validation needs",
    "CT": "Cawley & Talbot 2010, on over-fitting in model selection",
    "FPP": "Hyndman & Athanasopoulos, Forecasting: principles and practice",
    "GR": "Zinkevich, Rules of machine learning",
    "HK": "Hyndman & Koehler 2006, on measures of forecast accuracy",
    "KN": "Kapoor & Narayanan 2023, Leakage and the reproducibility crisis",
    "NB": "Nadeau & Bengio 2003, Inference for the generalization error",
    "RF": "REFORMS 2024",
    "SB": "skrub",
    "SK": "scikit-learn user guide",
    "TG": "Google's text classification guide",
    "TP": "Godbole et al. 2023, Deep learning tuning playbook",
    "VC": "Van Calster et al. 2019, on calibration",
    "VP": "van der Ploeg, Austin & Steyerberg 2014, on events per variable",
    "[M]": "measured for Rungwise's decision catalogue",
}
CATALOGUE = "Rungwise's decision catalogue"
_SECTION = re.compile(r"\d+(\.\d+)*")
_RULE = re.compile(r"[RM]\d+")


def spelled(source: str) -> str:
    """`S002: test everything; KN L2` spelled out, part by part; what is no key stays as it is.

    Keys are those of the decision catalogue, section 12; a bare section or rule (`2.6`, `R3`) is the catalogue's own.
    """
    return "; ".join(_part(part.strip()) for part in source.split(";") if part.strip())


def _part(part: str) -> str:
    key = re.match(r"\[M\]|[A-Z]+\d*\b", part)
    if key is not None and key.group() in KEYS:
        rest = part[key.end() :].strip(" :,")
        return KEYS[key.group()] + (f" ({rest})" if rest else "")
    if _SECTION.fullmatch(part) or _RULE.fullmatch(part):
        return f"{CATALOGUE} {part}"
    if part.casefold().startswith("decision catalogue"):
        return CATALOGUE + part[len("decision catalogue") :]
    return part
