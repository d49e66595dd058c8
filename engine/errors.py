"""What can go wrong, as one sentence a person can act on, with the exit status it ends the command line with."""


class RungwiseError(Exception):
    """What happened, where, and what to do, in one or two sentences."""

    exit_status = 1


class DataProblem(RungwiseError):
    """The data cannot be used as it is."""


class StoreProblem(RungwiseError):
    """The store cannot be opened, read or written."""


class UsageProblem(RungwiseError):
    """A command, a plan or an answer that does not fit."""

    exit_status = 2


class InvalidAnswer(UsageProblem):
    """An answer that the question does not offer; the message names what fits."""


class Refused(RungwiseError):
    """The guide refuses: the answer would make the evidence false or break the person's own constraint."""

    exit_status = 3


class WhyNeeded(Refused):
    """The answer stands only with a why that says more than the question did."""


class Enough(RungwiseError):
    """A person has seen enough of a training: it ends here, and keeps the best so far."""


class Cancelled(RungwiseError):
    """A person stopped the work."""

    exit_status = 130
