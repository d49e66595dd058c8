"""The model card: one page for others, in the nine sections of Mitchell et al. 2019, filled from the log.

Each figure stands with its interval and with what guessing scores; what only a person can write is said to be missing.
(Decision catalogue, present.model_card; Kapoor & Narayanan 2023 for the kinds of leaks.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.export.dossier import Dossier, Product
from engine.export.markdown import code_of, text_of, view_of
from engine.export.meant import metric_in_words
from engine.export.told import baseline_of, exam_of, flag_in_words, labelled, looks, name_of, span
from engine.metrics import BY_NAME, figure, title_of
from engine.models.catalogue import parts_of_model, spec_of
from engine.records import Json
from engine.session import Session
from engine.stages.columns import counted
from engine.views import Table

UNSAID = ("", "not stated", "unknown", None)
SLICES = 40
MISSING = "*Not written yet: this is for a person to say.*"
# Words in a column's name that a reader of the card should stop at: traits that decisions may often not be based on.
PROTECTED = (
    "sex", "gender", "race", "ethnic", "religio", "age", "birth", "nation", "disab", "marital", "pregnan", "orient",
)  # fmt: skip

SECTIONS = (
    "Model details", "Intended use", "Factors", "Metrics", "Evaluation data", "Training data", "Quantitative analyses",
    "Ethical considerations", "Caveats and recommendations",
)  # fmt: skip


def card(d: Dossier) -> Product:
    """The card as Markdown.  Sections that only a person can fill are marked, and counted in what is said."""
    filled = sections(d)
    empty = [title for title in SECTIONS if MISSING in filled[title]]
    parts = [f"# Model card: {text_of(d.name)}"]
    for title in SECTIONS:
        parts.append(f"## {title}\n\n{filled[title]}")
    said = f"{len(SECTIONS) - len(empty)} of {len(SECTIONS)} sections are filled from the log"
    return Product(
        {"": "\n\n".join(parts) + "\n"},
        (said + (f"; please write in: {', '.join(empty).lower()}." if empty else "."),),
    )


def sections(d: Dossier) -> dict[str, str]:
    """The text of each section, as Markdown."""
    return {
        "Model details": _details(d),
        "Intended use": _use(d),
        "Factors": _factors(d),
        "Metrics": _metrics(d),
        "Evaluation data": _evaluation(d),
        "Training data": _training(d),
        "Quantitative analyses": _analyses(d),
        "Ethical considerations": _ethics(d),
        "Caveats and recommendations": _caveats(d),
    }


def _points(*lines: str | None) -> str:
    return "\n".join(f"- {line}" for line in lines if line)


def _answer(s: Session, question: str) -> str | None:
    """A person's words, as Markdown; None where nobody said any."""
    decision = s.decision(question)
    if decision is None or decision.choice in UNSAID:
        return None
    return text_of(labelled(decision))


def _details(d: Dossier) -> str:
    s = d.session
    if not s.rungs:
        return MISSING
    top, last = s.rungs[-1], d.decisions[-1]
    versions: Mapping[str, Json] = (d.environment(last.environment) or {}).get("versions") or {}
    overruled = [f"“{text_of(x.prompt)}” {text_of(labelled(x))}" for x in d.decisions if x.overruled]
    made = f"{len(d.decisions)} decisions, {sum(x.author == 'person' for x in d.decisions)} by a person, "
    made += f"{len(overruled)} against the recommendation"
    parts = [spec_of(part).title for part in parts_of_model(top.described)]
    return _points(
        f"Model: {text_of(name_of(top))}" + (f", made of {text_of(', '.join(parts))}" if parts else ""),
        f"Learned parameters: {top.details['parameters']:,}" if top.details.get("parameters") is not None else None,
        f"One prediction takes {figure(top.details['latency_ms'])} ms (95 of 100 are faster)"
        if isinstance(top.details.get("latency_ms"), int | float)
        else None,
        f"Last decided on {text_of(last.decided_at[:10])}; the hash of that decision is `{code_of(last.hash)}`",
        f"Versions: {text_of(', '.join(f'{name} {v}' for name, v in versions.items()))}" if versions else None,
        made + (f": {'; '.join(overruled)}" if overruled else ""),
    )


def _use(d: Dossier) -> str:
    s = d.session
    statement, who = _answer(s, "problem.statement"), _answer(s, "problem.use")
    lines = _points(
        f"Predicts {text_of(s.target)}" + (f", of which {text_of(s.choice('problem.positive'))} is the positive class"
                                           if s.choice("problem.positive") is not None else ""),
        f"What for: {statement}" if statement else None,
        f"How it is used: {who}" if who else None,
        f"When it is asked: {moment}" if (moment := _answer(s, "problem.moment")) else None,
    )  # fmt: skip
    if said := _answer(s, "present.model_card"):
        lines += f"\n\n{said}"
    elif statement is None:
        lines += f"\n\nWhat it is for, and what it must not be used for: {MISSING}"
    return lines


def _factors(d: Dossier) -> str:
    s = d.session
    inputs = s.input_types()
    of = [name for name in inputs if any(word in _words(name) for word in PROTECTED)]
    return _points(
        f"Inputs: {len(inputs)} columns: {text_of(', '.join(inputs))}" if inputs else None,
        f"Columns that may stand for protected traits: {text_of(', '.join(of))}" if of else
        "No column's name says that it stands for a protected trait; that is no proof that none does",
        f"Rows of one {text_of(s.entity)} stay together in every split" if s.entity else None,
    )  # fmt: skip


def _words(name: str) -> str:
    """A name in lower case; short words such as "age" count only where they stand alone."""
    words = "".join(c if c.isalnum() else " " for c in name.casefold()).split()
    return " ".join(word for word in words if len(word) > 4 or word in PROTECTED)


def _metrics(d: Dossier) -> str:
    s = d.session
    metric = BY_NAME.get(s.metric)
    if metric is None:
        return MISSING
    base = baseline_of(s)
    result = s.decision("present.result")
    lines = [text_of(metric_in_words(s))]
    if decision := s.decision("problem.metric"):
        lines.append(f"Why this one: {text_of(decision.why or decision.reason)}")
    if base is not None:
        lines.append(f"Without a model ({text_of(name_of(base))}): {figure(base.value)} ({span(base.low, base.high)}) "
                     "on the practice exams")  # fmt: skip
    line = s.choice("problem.success")
    lines.append(f"Success line, set before any score was seen: {figure(line)}" if line is not None
                 else "No success line was set")  # fmt: skip
    cut = s.choice("improve.threshold")
    if cut is not None:
        lines.append(f"From a probability of {figure(cut)} on it says {text_of(s.choice('problem.positive'))}")
    if result is not None and result.check is not None:
        lines.append(f"**Final exam: {text_of(exam_of(result.check))}**")
    return _points(*lines)


def _evaluation(d: Dossier) -> str:
    s = d.session
    exam = d.cited("present.result", "lockbox")
    lines = []
    if exam is not None:
        v = exam.value
        kind = "locked away before anything was learned" if v.get("independent", True) else str(v.get("label"))
        times = "once" if looks(s) == 1 else f"{looks(s)} times"
        lines.append(f"{counted(v['rows'], 'row')}, {text_of(kind)}; looked at {times}")
        lines.append(f"Their rows as a hash: `{code_of(v['lockbox_hash'])}`" if v.get("lockbox_hash") else None)
        fitted = f"; of the model fitted to {v['fitted_on']:,} rows for practice" if v.get("fitted_on") else ""
        lines.append(f"Intervals: 95 %, {text_of(v['method'])}{fitted}")
    else:
        lines.append("The final exam has not been taken: all figures are of practice exams")
    lines.append(f"Split: {text_of(labelled(split))}" if (split := s.decision("split.kind")) else None)
    lines.append(f"Practice exams: {text_of(plan.why or plan.reason)}" if (plan := s.decision("split.plan")) else None)
    return _points(*lines)


def _training(d: Dossier) -> str:
    s = d.session
    drawn = s.decision("split.drawn")
    rows = drawn.check.details if drawn is not None and drawn.check is not None else {}
    return (
        _points(
            f"Source: {text_of(d.source)}, SHA-256 `{code_of(s.data)}`",
            f"{rows['dev']:,} rows for practice" if rows.get("dev") else None,
            f"Computed columns: {text_of(', '.join(f['name'] + ' = ' + f['formula'] for f in s.features()))}"
            if s.features()
            else None,
        )
        + "\n\n### Leaks, by the kinds of Kapoor & Narayanan 2023\n\n"
        + leak_report(d)
    )


def leak_report(d: Dossier) -> str:
    """What was done about each kind of leak, as a Markdown table."""
    s = d.session
    leaks = s.about("data.leaks")
    dropped = ", ".join(name for name, choice in leaks.items() if choice == "drop")
    kept = ", ".join(name for name, choice in leaks.items() if choice != "drop")
    together = s.choice("data.duplicates", default="keep") != "repeats"
    kind = s.choice("split.kind", default="random")
    moment = s.choice("problem.moment")
    rows = [
        ("L1.1", "no test set", "rows locked away" if s.locked else "none locked away: no figure is independent"),
        ("L1.2", "preparation on both sides", "fitted inside each training part, by construction"),
        ("L1.3", "columns chosen on both sides", "chosen inside each training part, by construction"),
        ("L1.4", "copies on both sides", "copies stay on one side" if together else "copies taken for real repeats"),
        ("L2", "columns that know the answer", f"left out: {dropped or 'none'}; suspected and kept: {kept or 'none'}"),
        ("L3.1", "from the future", "split by time" if kind in ("time", "origins") else
         f"split: {kind}; asked at: {moment if moment not in UNSAID else 'not stated'}"),
        ("L3.2", "rows that belong together", f"rows of one {s.entity} stay together" if s.entity else
         "no column names what comes back in several rows"),
        ("L3.3", "other rows than those in use", "for a person to judge"),
    ]  # fmt: skip
    return view_of(Table("", ("kind", "leak", "here"), rows)).removeprefix("****\n\n")


def _analyses(d: Dossier) -> str:
    s = d.session
    parts = []
    if s.rungs:
        rows = [(name_of(r), figure(r.value), span(r.low, r.high), _chance(r.metric)) for r in s.rungs]
        title = f"The ladder, {title_of(s.metric)}, practice exams"
        parts.append(view_of(Table(title, ("model", "value", "95 % interval", "guessing scores"), rows)))
    exam = d.cited("present.result", "lockbox")
    if exam is not None:
        v = exam.value
        found = [(name, of) for name, of in (v.get("intervals") or {}).items() if of and of[0] is not None]
        rows = [(title_of(name), figure(a), span(low, high), _chance(name)) for name, (a, low, high) in found]
        parts.append(view_of(Table("Final exam", ("metric", "value", "95 % interval", "guessing scores"), rows)))
        parts += _per_class(v)
    return "\n\n".join([*parts, *_slices(d)]) or MISSING


def _chance(metric: str) -> str:
    found = BY_NAME.get(metric)
    return found.chance if found else ""


def _per_class(v: Mapping[str, Json]) -> list[str]:
    classes = v.get("per_class") or ()
    whole = sum(row["support"] for row in classes)
    if not whole:
        return []
    rows = [
        (
            row["label"],
            f"{row['support']:,} ({row['support'] / whole:.0%})",
            *(_with(row, name) for name in ("precision", "recall")),
        )
        for row in classes
    ]
    most = max(row["support"] for row in classes) / whole
    note = f"Always saying the largest class is right in {most:.1%} of these rows."
    return [view_of(Table("Per class, final exam, 95 % Wilson", ("class", "rows", "precision", "recall"), rows)), note]


def _with(row: Mapping[str, Json], name: str) -> str:
    if row.get(name) is None:
        return ""
    spread = span(row.get(f"{name}_low"), row.get(f"{name}_high"))
    return figure(row[name]) + (f" ({spread})" if spread else "")


def _slices(d: Dossier) -> list[str]:
    """Every slice that was looked at, weak ones first."""
    seen = d.of_kind("errors")
    slices: Sequence[Mapping[str, Json]] = (seen[-1].value.get("slices") or ()) if seen else ()
    if not slices:
        return []
    ordered = sorted(slices, key=lambda r: (not r["weak"], -(r.get("ratio") or 0)))
    rows = [
        (r["slice"], r["rows"], figure(r["loss"]), figure(r["rest"]), "weak" if r["weak"] else "")
        for r in ordered[:SLICES]
    ]
    more = [f"… and {len(slices) - SLICES} slices more, none of them weaker."] if len(slices) > SLICES else []
    return [view_of(Table("Slices, mean loss, practice exams", ("slice", "rows", "loss", "the rest", ""), rows)), *more]


def _ethics(d: Dossier) -> str:
    s = d.session
    flags = sorted({flag for x in d.decisions for flag in x.flags})
    readable = _answer(s, "problem.interpretability") if s.choice("problem.interpretability") != "none" else None
    lines = _points(
        f"What must be explained: {readable}" if readable else None,
        "This model can be followed with pencil and paper" if s.rungs and spec_of(s.rungs[-1].described).readable else
        "This model cannot be followed with pencil and paper" if s.rungs else None,
        f"Flags for a reviewer: {text_of('; '.join(map(flag_in_words, flags)))}" if flags else "No flags were raised",
    )  # fmt: skip
    if said := _answer(s, "present.model_card"):
        return f"{lines}\n\n{said}"
    return lines + f"\n\nWho may be harmed by a wrong prediction, and what is done about it: {MISSING}"


def _caveats(d: Dossier) -> str:
    s = d.session
    weak = [r for e in d.of_kind("errors")[-1:] for r in e.value.get("slices") or () if r["weak"]]
    learned = s.decision("present.lessons")
    notes = _points(
        f"{counted(len(weak), 'weak slice')}: {text_of(', '.join(r['slice'] for r in weak[:8]))}" if weak else None,
        "Looked at more than once: the final score is optimistic" if looks(s) > 1 else None,
        "No rows were locked away: no figure here is independent" if not s.locked else None,
        f"Lessons: {text_of(learned.choice)}" if learned is not None and learned.choice else None,
        f"What now: {text_of(labelled(todo))}. {text_of(todo.reason)}"
        if (todo := s.decision("present.next"))
        else None,
        f"What stops an unsure answer: {text_of(labelled(stop))}. {text_of(stop.reason)}"
        if (stop := s.decision("present.guard"))
        else None,
    )
    return notes or MISSING
