"""Training on the exams, with several seeds: how much of a score is luck, and what the net memorised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from engine.effects import Ask, Conversation, Decide, Measure
from engine.metrics import figure
from engine.questions import Question, Why
from engine.records import Check, Evidence, Json, Option, Trial
from engine.stages.columns import counted
from engine.stages.deep.purse import minutes_of
from engine.stages.deep.situation import Net, Situation
from engine.stages.ladder import Candidate, about_model
from engine.views import Curves, Table, View

SEEDS = (0, 1_000, 2_000)  # apart, as exam j of a trial trains with its seed + j
GAP = 0.2  # (validation − training loss) / validation loss at the best epoch, above which a net memorises
TAKEN_UP = "Taken up "  # how a remark on a training that was broken off begins
LATE, EARLY = 0.75, 0.1  # shares of the epochs allowed, for where the best one lies

LUCK = Question(
    "deep.seeds",
    "How much is luck?",
    options=(Option("mean", "The mean over the seeds counts"),),
    source="Bouthillier et al. 2021; Godbole et al. 2023; Karpathy 2019",
    whys=(
        Why("Why several seeds?", "Seeds alone move the score by {spread}.", "Bouthillier et al. 2021"),
        Why("Which seed counts?", "Another one on every exam, so that luck enters the proof; never the best of them."),
        Why("What if luck is larger than the gain?", "Then the review says so, and another draw may undo it.", "M15"),
    ),
)

TRAINED = Question(
    "deep.trained",
    "What became of the training?",
    options=(Option("nothing", "Nothing: the network is left out"),),
    source="Decision catalogue 1.3: what was tried and did not work is kept",
    whys=(
        Why(
            "Why is that put down?",
            "A network that could not be trained is a result, too, and nobody need try it again.",
        ),
        Why("Why did it fail?", "{reason}"),
        Why("What stands now?", "The model that stood before it; nothing was compared."),
    ),
)

QUESTIONS = (LUCK, TRAINED)


@dataclass(frozen=True)
class Taken:
    """A network as it was measured.  candidate: with the exams that count (the mean over seeds where proof is strict).

    firsts: the evidence of each seed on split 1.  own: the exams of each seed that took them all, the first seed first.
    """

    net: Net
    candidate: Candidate
    firsts: tuple[Evidence, ...] = ()
    own: tuple[Evidence, ...] = ()

    def scores(self, metric: str) -> list[float]:
        """Of split 1, one a seed."""
        found = [e.value["scores"].get(metric, [None])[0] for e in self.firsts]
        return [float(v) for v in found if v is not None]


def trial_of(at: Situation, net: Net, seed: int, exams: int | None) -> Trial:
    """The exams of a network with one seed; the first so many of them."""
    params: dict[str, Json] = {"recipe": at.s.recipe(), "model": net.model(at.s), "folds": exams}
    words = "practice exams" if exams != 1 else "split 1"
    more = f", seed {seed}" if seed else ""
    return Trial("cross_validate", params, at.s.data, seed=seed, label=f"{net.title}: {words}{more}")


def first_split(at: Situation, net: Net) -> Conversation:
    """The evidence of three seeds on split 1; those that could be had."""
    trials = tuple(trial_of(at, net, seed, 1) for seed in SEEDS)
    found = yield Measure(trials, f"{net.title}: three seeds on split 1", optional=True)
    at.purse.paid(*found)
    return tuple(e for e in found if e.ok)


def train(at: Situation, net: Net, strict: bool, firsts: Sequence[Evidence] = ()) -> Conversation:
    """Take the exams: one seed each, or of strict proof three on all, whose mean is the score.  `Taken`, or None where
    the network could not be trained."""
    s = at.s
    timing = replace(about_model(s, "latency", net.model(s), "speed"), label=f"{net.title}: speed")
    main, speed = yield Measure(
        (trial_of(at, net, SEEDS[0], at.exams()), timing),
        "Training the network",
        optional=True,
    )
    at.purse.paid(main)
    candidate = Candidate(net.model(s), main, speed)
    if not candidate.ok:
        yield decide_untrained(at, net, main)
        return None
    if not firsts:
        firsts = yield from first_split(at, net)
    taken = Taken(net, candidate, tuple(firsts), (main,))
    return (yield from _mean_of_seeds(at, taken)) if strict else taken


def decide_untrained(at: Situation, net: Net, exams: Evidence) -> Ask:
    """Why there is nothing to compare: its exams failed, were left out by a person, or gave no score."""
    found = exams.error or "Its exams gave no score."
    check = Check("practice exams", 0, reference=at.exams(), protocol="taken to their end", verdict="failed")
    return Decide(TRAINED, "nothing", f"{net.title} was not trained to its end. {found}", check=check)


def _mean_of_seeds(at: Situation, taken: Taken) -> Conversation:
    """Every exam with three seeds; what counts is their mean (5.1, strict proof)."""
    trials = tuple(trial_of(at, taken.net, seed, at.exams()) for seed in SEEDS[1:])
    more = yield Measure(trials, "The same with two more seeds", optional=True)
    at.purse.paid(*more)
    if not all(e.ok for e in more):
        return taken
    own = (*taken.own, *more)
    params: dict[str, Json] = {"recipe": at.s.recipe()}
    mean = Trial("seeds", params, at.s.data, uses=tuple(e.key for e in own), label="the mean over the seeds")
    (found,) = yield Measure((mean,), "The mean over the seeds", optional=True)
    if not found.ok:
        return taken
    return replace(taken, candidate=replace(taken.candidate, exams=found), own=own)


def decide_seeds(at: Situation, taken: Taken, strict: bool) -> Ask | None:
    """How far the seeds are apart; None where fewer than two were measured."""
    scores = taken.scores(at.s.metric)
    if len(scores) < 2:
        return None
    sd = deviation(scores)
    spread = f"±{figure(sd)} {at.m.title}"
    everywhere = strict and len(taken.own) > 1
    where = "on split 1" + (f"; on every exam {counted(len(taken.own), 'seed')} train, and their mean counts"
                            if everywhere else "; every exam has a seed of its own")  # fmt: skip
    rows = [(f"seed {seed}", round(score, 5)) for seed, score in zip(SEEDS, scores, strict=False)]
    details: dict[str, Json] = {"sd": sd, "scores": scores, "seeds": list(SEEDS[: len(scores)]), "strict": everywhere}
    check = Check(at.m.name, mean(scores), reference=taken.candidate.value, protocol=f"seeds {where}", details=details)
    return Decide(
        LUCK,
        "mean",
        f"Seeds alone move the score by {spread} {where}.",
        evidence=(*taken.firsts, *taken.own),
        check=check,
        shows=(Table("Split 1, seed by seed", ("", at.m.title), rows),),
        facts={"spread": spread},
    )


def minutes_again(at: Situation, taken: Taken, net: Net) -> float:
    """About how many minutes the same exams take with another net: as long as these took, times what a row costs."""
    counts = [n.count(at).multiplications * n.network.training.epochs for n in (net, taken.net)]
    return minutes_of(taken.own) * max(0.25, counts[0] / max(1, counts[1]))


def deviation(values: Sequence[float]) -> float:
    """Standard deviation with n − 1; 0 for a single one."""
    if len(values) < 2:
        return 0.0
    mean = sum(values) / len(values)
    return float((sum((v - mean) ** 2 for v in values) / (len(values) - 1)) ** 0.5)


def too_lucky(at: Situation, taken: Taken, gain: float | None) -> str:
    """Whether the seeds' spread is more than half of the gain (M15), in a sentence; "" where not."""
    sd = deviation(taken.scores(at.s.metric))
    if gain is None or gain <= 0 or sd <= gain / 2:
        return ""
    return f"Seeds alone move the score by {figure(sd)}, more than half of the gain of {figure(gain)}."


def otherwise(trained: Sequence[Evidence]) -> str:
    """What went another way than planned, in sentences: trainings that a person ended, and memory that ran out; ""
    where all went as it should.  That one was broken off and taken up changes nothing, and is not said."""
    nets = [dict(e.value.get("net") or {}) for e in trained]
    ended = sum(int(net.get("ended_by_person", 0)) for net in nets)
    said = [f"You ended {counted(ended, 'training')} early; the best until then was kept."] if ended else []
    said += dict.fromkeys(r for net in nets for r in net.get("remarks") or () if not r.startswith(TAKEN_UP))
    return " ".join(said)


# -- how it went ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Course:
    """How a training went.  train: the loss of its own rows at the best epoch, nothing hidden of them where that was
    measured.  gap: (validation − training loss) / validation loss."""

    best_epoch: int
    epochs: int
    most: int
    train: float
    validation: float

    @property
    def gap(self) -> float:
        return (self.validation - self.train) / self.validation if self.validation > 0 else 0.0

    @property
    def late(self) -> bool:
        return self.best_epoch > LATE * self.most

    @property
    def early(self) -> bool:
        return self.best_epoch <= max(1.0, EARLY * self.epochs)


def courses(net: Net, seen: Sequence[Evidence]) -> list[Course]:
    """How each training on split 1 went, from its curve."""
    found = []
    for e in seen:
        told = e.value.get("net")
        told = told[0] if isinstance(told, list) and told else told
        if not isinstance(told, Mapping) or not told.get("curve"):
            continue
        best = next((p for p in told["curve"] if p["epoch"] == told["best_epoch"]), None)
        if best is not None and best.get("train loss") is not None:
            epochs, most = int(told["epochs"]), net.network.training.epochs
            learned = float(told.get("best_train_loss", best["train loss"]))
            found.append(Course(int(told["best_epoch"]), epochs, most, learned, float(best["validation loss"])))
    return found


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def loss_curves(exams: Evidence, title: str = "Training, exam 1") -> Curves | None:
    """The curves of the first exam."""
    net = exams.value.get("net")
    first = net[0] if isinstance(net, list) and net else net if isinstance(net, Mapping) else None
    points = (first or {}).get("curve") or []
    if not points:
        return None
    lines = {
        name: [(float(p["epoch"]), float(p[name])) for p in points if p.get(name) is not None]
        for name in ("train loss", "validation loss")
    }
    return Curves(title, "epoch", "loss", lines)


def training_views(exams: Evidence) -> tuple[View, ...]:
    drawn = loss_curves(exams)
    return () if drawn is None else (drawn,)
