"""The words of the journal screen: all that stood at a decision, the answers then, and what changed since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual.content import Content

from engine.metrics import title_of
from engine.records import Check, Decision, Json
from engine.review.past import Between, Changed
from engine.review.record import rung_title
from engine.titles import titled
from engine.words import short
from tui.desk import Moment
from tui.figures import advised, answered, cell, duration, from_to, in_words, interval, number
from tui.literal import LONG, brief, cut, literal, literal_lines

MOST = 40  # options, or pieces of evidence, of one decision


def details(d: Decision, width: int, moment: Moment | None = None) -> Content:
    """Everything that stood when a decision was taken, on lines of this width.

    moment: what is kept beside it, None while it is looked up.
    """
    options = len(d.options)
    d = brief(d, LONG if options <= MOST else LONG // 10)

    def _pair(name: str, value: Content) -> Content:
        lines = [line for part in value.split("\n", allow_blank=True) for line in part.wrap(max(10, width - 8))]
        named = Content.styled(f"{name:<8}", "$text-muted")
        return Content("\n").join([named + line if n == 0 else Content(" " * 8) + line for n, line in enumerate(lines)])

    parts = [
        Content.assemble(
            (f"{d.seq}  {titled(*d.place)}", "bold $primary"), (f"  {literal(d.question)}", "$text-muted")
        ),
        Content(literal_lines(d.prompt)),
        Content(""),
        _pair("answer", Content.styled(answered(d), "bold")),
    ]
    if d.recommended is not None:
        same = d.recommended == d.choice
        parts.append(_pair("advice", Content("the same" if same else advised(d))))
        if d.reason and d.reason != d.why:
            parts.append(_pair("", Content(literal_lines(d.reason))))
    parts.append(_pair("why", Content(literal_lines(d.why) or "—")))
    if d.why and d.why_author != "person":
        parts.append(_pair("", Content.styled(f"{_whose(d.why_author)} words", "$text-muted")))
    if d.check:
        parts.append(_pair("check", _check(d.check)))
    if d.overruled:
        parts.append(
            _pair(
                "", Content.styled(f"against the advice{f', over a {literal(d.level)}' if d.level else ''}", "$warning")
            )
        )
    if d.flags:
        parts.append(_pair("flags", Content.styled("⚑ " + ", ".join(map(literal, d.flags)), "$warning")))
    if d.supersedes:
        parts.append(_pair("instead", Content(f"of decision {d.supersedes}")))
    by = {"person": "a person", "plan": "a plan", "engine": "the guide"}[d.author]
    took = f", after {duration(d.seconds)}" if d.seconds else ""
    when = literal(d.decided_at[:19].replace("T", " "))
    parts.append(_pair("by", Content(f"{by}{took}, {when} UTC")))
    parts += _options(d, options)
    parts += _evidence(d, moment)
    if moment is not None:
        if moment.environment:
            parts.append(_pair("with", Content.styled(computed_with(moment.environment), "$text-muted")))
        parts.append(_pair("data", Content.styled(moment.data[:16], "$text-muted")))
    parts.append(_pair("hash", Content.styled(f"{d.hash[:16]} after {d.prev_hash[:16]}", "$text-muted")))
    return Content("\n").join(parts)


def _evidence(d: Decision, moment: Moment | None) -> list[Content]:
    if not d.evidence:
        return [Content("")]
    lines = [Content(""), Content.styled("evidence it cites", "$text-muted")]
    if moment is None:
        return [*lines, *(Content.styled(f"· {key[:12]}", "$text-muted") for key in d.evidence[:MOST])]
    for proof in moment.evidence:
        cost = Content.styled(f"  {proof.key[:12]}  {duration(proof.seconds)}", "$text-muted")
        lines.append(Content.assemble(f"· {short(proof.words)}", cost))
    return [*lines, Content("")]


def computed_with(environment: Mapping[str, Json]) -> str:
    """Versions and machine in a line."""
    versions = environment.get("versions")
    packages = [f"{name} {v}" for name, v in versions.items()] if isinstance(versions, dict) else []
    known = [f"{n} {environment[n]}" for n in ("rungwise", "python") if environment.get(n)]
    machine = [str(environment[n]) for n in ("platform",) if environment.get(n)]
    cpus = [f"{environment['cpus']} processors"] if environment.get("cpus") else []
    return literal(" · ".join([*known, *packages, *machine, *cpus]))


def in_force(decisions: Sequence[Decision], width: int) -> Content:
    """The answers that stood at a moment, by stage."""
    parts, stage = [], ""
    room = min(34, max(12, width // 2))
    for d in (brief(d, 300) for d in decisions):
        if d.stage != stage:
            stage = d.stage
            parts += [Content(""), Content.styled(literal(stage), "bold $primary")] if parts else [
                Content.styled(literal(stage), "bold $primary")]  # fmt: skip
        name = Content(titled(*d.place)).truncate(room, ellipsis=True)
        answer = Content(answered(d)).truncate(max(8, width - room - 2), ellipsis=True)
        name = name.pad_right(room - name.cell_length).stylize("$text-muted")
        parts.append(name + "  " + answer.stylize("$text-muted" if d.author == "engine" else "bold"))
    return Content("\n").join(parts)


def difference(first: Decision, second: Decision, found: Between) -> Content:
    """What changed from one moment to another."""
    parts = [
        Content.styled(f"after decision {first.seq}, “{short(titled(*first.place))}”", "bold"),
        Content.styled(f"and after decision {second.seq}, “{short(titled(*second.place))}”", "bold"),
        Content.styled(
            f"{found.taken} decisions, {duration(found.seconds)} at the questions"
            + (f", {found.environments} environments" if found.environments > 1 else ""),
            "$text-muted",
        ),
    ]
    if found.gone or found.come:
        parts += [Content(""), Content.styled("the ladder", "$text-muted")]
        parts += [Content.styled(f"- {number(r.value)} {short(rung_title(r.model))}", "$error") for r in found.gone]
        parts += [Content.styled(f"+ {number(r.value)} {short(rung_title(r.model))}", "$success") for r in found.come]
    others = [c for c in found.changed if c.before is not None]
    new = [c for c in found.changed if c.before is None]
    if others:
        parts += [Content(""), Content.styled(f"{len(others)} answered otherwise", "$text-muted")]
        for c in others:
            parts.append(Content(short(_title(c))))
            parts.append(Content.styled(f"  - {_answer(c.before)}", "$error"))
            parts.append(Content.styled(f"  + {_answer(c.after)}", "$success"))
    if new:
        parts += [Content(""), Content.styled(f"{len(new)} answered since", "$text-muted")]
        parts += [Content.assemble((f"+ {short(_title(c))} ", "$success"), (_answer(c.after), "bold")) for c in new]
    if not found.changed and found.gone == found.come:
        parts += [Content(""), Content("No answer changed in between.")]
    return Content("\n").join(parts)


def _answer(d: Decision | None) -> str:
    return cut(in_words(d, brief(d.choice, 1_000)), 1_000) if d is not None else ""


def _title(c: Changed) -> str:
    d = c.after or c.before
    return titled(*d.place) if d is not None else c.name


def _whose(author: str) -> str:
    return {"engine": "the guide's", "plan": "the plan's"}.get(author, "somebody's")


def _options(d: Decision, stood: int) -> list[Content]:
    if not d.options:
        return []
    lines = [
        Content(""),
        Content.styled("one option stood" if stood == 1 else f"{stood} options stood", "$text-muted"),
    ]
    for option in d.options[:MOST]:
        chosen = option.key == d.choice or (isinstance(d.choice, list) and option.key in d.choice)
        sign = "●" if chosen else "★" if option.key == d.recommended else "·"
        figures = "  ".join(f"{literal(name)} {cell(value)}" for name, value in option.figures.items())
        words = Content.assemble((f"{sign} {literal(option.text)}", "bold" if chosen else ""))
        lines.append(words + Content.styled(f"  {figures or literal(option.note)}".rstrip(), "$text-muted"))
    if stood > MOST:
        lines.append(Content.styled(f"… and {stood - MOST} more", "$text-muted"))
    return lines


def _check(check: Check) -> Content:
    before, value = from_to(check.reference, check.value) if check.value is not None else ("", "?")
    against = f"{before} → " if before else ""
    spread = interval(check.low, check.high)
    tail = ", ".join(
        filter(None, [literal(check.verdict) if check.verdict != "measured" else "", literal(check.protocol)])
    )
    return Content.assemble(
        f"{literal(title_of(check.metric))} {against}", (value, "bold"), f"  ({spread})" if spread else "",
        (f"  {tail}" if tail else "", "$text-muted"),
    )  # fmt: skip
