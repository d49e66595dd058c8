"""The commands and their help.  Each one's work is in a module of its own, imported when the command runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine.data.address import path_of
from engine.errors import UsageProblem
from engine.export.registry import in_words as forms_in_words
from tui.cli.options import BranchOption, ClusterOption, JsonOption, NameArgument, StoreOption, chosen_store

app = typer.Typer(
    name="rungwise",
    help="Take a modelling problem up one rung at a time, and write down why.\n\n"
    "Without a command it opens the list of your sessions.\n\n"
    "Examples:\n\n"
    "    rungwise sample -o customers.csv\n\n"
    "    rungwise new customers.csv --target churned\n\n"
    "    rungwise run customers.csv --target churned --accept-recommended",
    epilog="Exit status: 0 done, 1 data or store, 2 usage or plan, 3 the guide refuses, 130 interrupted.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _version(wanted: bool) -> None:
    if wanted:
        from engine.runners.environment import environment

        typer.echo(f"rungwise {environment()['rungwise'] or 'from a checkout'}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def home(
    context: typer.Context,
    store: StoreOption = None,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    if context.invoked_subcommand is None:
        from tui.cli.app import go_home

        raise typer.Exit(go_home(chosen_store(context, store)))


DataArgument = Annotated[
    Path,
    typer.Argument(
        metavar="DATA",
        parser=path_of,
        help="A table: CSV, Excel, Parquet, Arrow, JSON lines; FILE.db::TABLE (or a query) of an SQLite or DuckDB "
        "file; or a folder with one sub-folder of pictures or texts for each class.",
    ),
]


PlainOption = Annotated[
    bool,
    typer.Option("--plain", help="Line by line on stdin and stdout, for screen readers and dumb terminals."),
]


@app.command(epilog="Example:  rungwise new telco.csv --target Churn --name churn --pace guided")
def new(
    context: typer.Context,
    data: DataArgument,
    target: Annotated[str, typer.Option("--target", metavar="COL", help="The column to predict.")] = "",
    name: Annotated[str, typer.Option("--name", metavar="N", help="The session's name; by default the file's.")] = "",
    pace: Annotated[
        str, typer.Option("--pace", help="quick: asked what only you can know. guided: asked everything.")
    ] = "",
    plain: PlainOption = False,
    cluster: ClusterOption = "",
    store: StoreOption = None,
) -> None:
    """Begin a session on a file, and open it in the terminal."""
    from tui.cli.app import begin

    raise typer.Exit(begin(chosen_store(context, store), data, target, name, pace, plain=plain))


@app.command("open", epilog="Examples:\n\n    rungwise open churn\n\n    rungwise open churn --plain")
def open_(
    context: typer.Context, name: NameArgument, branch: BranchOption = "", plain: PlainOption = False,
    cluster: ClusterOption = "",
    store: StoreOption = None,
) -> None:  # fmt: skip
    """Open a session in the terminal, where it was left."""
    from tui.cli.app import resume

    raise typer.Exit(resume(chosen_store(context, store), name, branch, plain=plain))


@app.command(
    epilog="Examples:\n\n"
    "    rungwise run plan.toml --json\n\n"
    "    rungwise run telco.csv --target Churn --accept-recommended --skip-deep\n\n"
    "    rungwise run shop.db::customers --target left --accept-recommended\n\n"
    "    rungwise run telco.csv --target Churn --accept-recommended --answer problem.metric=roc_auc "
    '--why "problem.metric=The campaign ranks customers, so their order is what counts"\n\n'
    "A plan file is TOML: data, name, target, stop_after, skip_deep, and the tables [answers] and [whys], keyed by "
    "question id."
)
def run(
    context: typer.Context,
    source: Annotated[
        Path, typer.Argument(metavar="PLAN.toml|DATA", parser=path_of, help="A plan file, or data as for `new`.")
    ],
    target: Annotated[str, typer.Option("--target", metavar="COL", help="The column to predict.")] = "",
    accept_recommended: Annotated[
        bool, typer.Option("--accept-recommended", help="Take the recommendation where nothing else answers.")
    ] = False,
    answer: Annotated[
        list[str] | None, typer.Option("--answer", metavar="ID=VALUE", help="Answer a question; may be repeated.")
    ] = None,
    why: Annotated[
        list[str] | None, typer.Option("--why", metavar="ID=TEXT", help="The why of an answer; may be repeated.")
    ] = None,
    name: Annotated[
        str, typer.Option("--name", metavar="N", help="The session; one of this name and data is gone on with.")
    ] = "",
    stop_after: Annotated[
        str, typer.Option("--stop-after", metavar="STAGE", help="The last stage to go through.")
    ] = "",
    skip_deep: Annotated[bool, typer.Option("--skip-deep", help="Do not train a network.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress on stderr.")] = False,
    json: JsonOption = False,
    cluster: ClusterOption = "",
    store: StoreOption = None,
) -> None:
    """Take a table up the whole ladder without a terminal; nobody is asked anything."""
    from tui.cli.running import Wanted, run_headless

    wanted = Wanted(
        source, target, accept_recommended, tuple(answer or ()), tuple(why or ()), name, stop_after, skip_deep
    )
    raise typer.Exit(run_headless(chosen_store(context, store), wanted, quiet=quiet, as_json=json))


@app.command(epilog="Example:  rungwise sessions --json")
def sessions(context: typer.Context, json: JsonOption = False, store: StoreOption = None) -> None:
    """List the sessions, the one that was worked on last first."""
    from tui.cli.looking import list_sessions

    list_sessions(chosen_store(context, store), as_json=json)


@app.command(epilog="Example:  rungwise log churn | less")
def log(
    context: typer.Context,
    name: NameArgument,
    branch: BranchOption = "",
    json: JsonOption = False,
    form: Annotated[
        str,
        typer.Option("--format", metavar="FORM", help="text, md, json, csv or html; by default text."),
    ] = "",
    store: StoreOption = None,
) -> None:
    """Print a session's decisions: what was chosen, out of what, why, and the figure it was checked against."""
    from tui.cli.looking import print_log

    print_log(chosen_store(context, store), name, branch, form=form or ("json" if json else "text"))


@app.command(
    epilog="Examples:\n\n    rungwise replay churn\n\n    rungwise replay churn --rerun --json\n\n"
    "    rungwise replay churn --rerun --stage simple\n\n    rungwise replay churn --as-plan -o next-month.toml"
)
def replay(
    context: typer.Context,
    name: NameArgument,
    branch: BranchOption = "",
    rerun: Annotated[
        bool, typer.Option("--rerun", help="Compute every figure afresh and compare; the store is left as it is.")
    ] = False,
    stage: Annotated[
        str, typer.Option("--stage", metavar="STAGE", help="With --rerun: only what this stage measured.")
    ] = "",
    since: Annotated[
        int, typer.Option("--from", metavar="DECISION", help="With --rerun: only what was measured from there on.")
    ] = 0,
    each: Annotated[bool, typer.Option("--each", hidden=True)] = False,
    as_plan: Annotated[
        bool, typer.Option("--as-plan", help="Write the plan that repeats the session on new data instead.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="PLAN.toml", help="With --as-plan: where; else printed.")
    ] = None,
    json: JsonOption = False,
    cluster: ClusterOption = "",
    store: StoreOption = None,
) -> None:
    """Go through a session again with its journal answering, and say what differs today."""
    path = chosen_store(context, store)
    if as_plan:
        from tui.cli.replanning import write_plan

        write_plan(path, name, branch, output)
        return
    if output is not None:
        raise UsageProblem("-o says where the plan goes; give it together with --as-plan.")
    from tui.cli.replaying import Part, replay_session

    part = Part(stage, since)
    raise typer.Exit(replay_session(path, name, branch, rerun=rerun, as_json=json, part=part, each=each))


@app.command(
    epilog="Examples:\n\n    rungwise review churn\n\n    rungwise review churn --rerun --json\n\n"
    "    rungwise review class-of-may/"
)
def review(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME|DIR", help="A session; or a folder of stores and bundles.")],
    branch: BranchOption = "",
    rerun: Annotated[bool, typer.Option("--rerun", help="Compute every figure again first, and flag what drifts.")] = (
        False
    ),
    json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Say what a mentor would ask about a session; exit status 1 when something serious (red) stands.

    Of a folder, such as one of the stores and bundles of several people: one row a session.
    """
    from tui.cli.reviewing import is_cohort, review_folder, review_session

    path = chosen_store(context, store)
    if is_cohort(path, name):
        raise typer.Exit(review_folder(Path(name), as_json_=json))
    raise typer.Exit(review_session(path, name, branch, rerun=rerun, as_json_=json))


@app.command(
    epilog='Examples:\n\n    rungwise comment churn 14 --question "Why not average precision?"\n\n'
    '    rungwise comment churn --answer 3="The team calls in order"\n\n    rungwise comment churn --resolve 3'
)
def comment(
    context: typer.Context,
    name: NameArgument,
    decision: Annotated[
        str, typer.Argument(metavar="[DECISION]", help="Its number or question; without it, the whole session.")
    ] = "",
    agree: Annotated[str | None, typer.Option("--agree", metavar="TEXT", help="Agree; the text may be empty.")] = None,
    question: Annotated[str | None, typer.Option("--question", metavar="TEXT", help="Ask something.")] = None,
    disagree: Annotated[str | None, typer.Option("--disagree", metavar="TEXT", help="Object, saying why.")] = None,
    note: Annotated[str | None, typer.Option("--note", metavar="TEXT", help="Just say something.")] = None,
    answer: Annotated[str | None, typer.Option("--answer", metavar="ID=TEXT", help="Answer a comment.")] = None,
    resolve: Annotated[int | None, typer.Option("--resolve", metavar="ID", help="Call a question settled.")] = None,
    reopen: Annotated[int | None, typer.Option("--reopen", metavar="ID", help="Open it again.")] = None,
    author: Annotated[str, typer.Option("--author", metavar="NAME", help="Who says it; by default your user.")] = "",
    branch: BranchOption = "",
    store: StoreOption = None,
) -> None:
    """Comment a decision of a session: agree, ask, disagree, answer.  `rungwise review` lists the comments."""
    from tui.cli.reviewing import Remark
    from tui.cli.reviewing import comment as record

    remark = Remark(agree, question, disagree, note, answer, resolve, reopen)
    record(chosen_store(context, store), name, branch, decision, remark, author)


@app.command(
    epilog="Examples:\n\n    rungwise compare churn churn@branch-2\n\n    rungwise compare monday tuesday --json"
)
def compare(
    context: typer.Context,
    first: Annotated[str, typer.Argument(metavar="A", help="A session, or NAME@BRANCH.")],
    second: Annotated[str, typer.Argument(metavar="B", help="Another one.")],
    json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Set two sessions or branches side by side: where they parted, what each measured, and which is better.

    The paired difference is computed where both took the same exams on the same data; where not, the reason is said.
    """
    from tui.cli.comparing import compare

    compare(chosen_store(context, store), first, second, as_json_=json)


@app.command(
    epilog="Examples:\n\n    rungwise branches churn\n\n    rungwise branches churn --rename branch-2=lags\n\n"
    '    rungwise branches churn --abandon lags --why "No gain, and nobody could explain it"'
)
def branches(
    context: typer.Context,
    name: NameArgument,
    switch: Annotated[str, typer.Option("--switch", metavar="BRANCH", help="Go on with this one from now on.")] = "",
    rename: Annotated[str, typer.Option("--rename", metavar="BRANCH=NEW", help="Call it otherwise.")] = "",
    abandon: Annotated[
        str, typer.Option("--abandon", metavar="BRANCH", help="Nobody goes on with it; say --why.")
    ] = "",
    take_up: Annotated[str, typer.Option("--take-up", metavar="BRANCH", help="Go on with it after all.")] = "",
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="Why it is abandoned, or taken up.")] = "",
    json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """List a session's branches; name one, go on with another, abandon one with its reason.  None is ever deleted."""
    from tui.cli.branching import Deed, branches

    deed = Deed(switch, rename, abandon, take_up, why)
    branches(chosen_store(context, store), name, deed, as_json=json)


@app.command(epilog='Examples:\n\n    rungwise search "average precision"\n\n    rungwise search leak --session churn')
def search(
    context: typer.Context,
    words: Annotated[list[str], typer.Argument(metavar="WORDS", help="All must occur; a phrase stands in quotes.")],
    session: Annotated[str, typer.Option("--session", metavar="NAME", help="Look in this session only.")] = "",
    json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Find words in the whys, answers and comments of all sessions."""
    from tui.cli.searching import search

    search(chosen_store(context, store), words, session, as_json_=json)


bundle = typer.Typer(
    name="bundle",
    help="A session as one file: to hand on, to keep, to get back with a mentor's comments.",
    short_help="A session as one file: to hand on, to keep, to get back with a mentor's comments.",
    rich_markup_mode=None,
    no_args_is_help=True,
)
app.add_typer(bundle)


@bundle.command("export", epilog="Example:  rungwise bundle export churn -o churn.rungwise --redact")
def bundle_export(
    context: typer.Context,
    name: NameArgument,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The file to write.")],
    with_data: Annotated[bool, typer.Option("--with-data", help="Take the table along.")] = False,
    redact: Annotated[
        bool,
        typer.Option("--redact", help="Leave raw values out: rows, examples, frequent values, files and models."),
    ] = False,
    store: StoreOption = None,
) -> None:
    """Write a session with its branches, evidence and comments to one file.

    What decisions say stays as it is in any case, as their hashes cover it: answers, options and whys.
    """
    from tui.cli.bundling import export_bundle

    export_bundle(chosen_store(context, store), name, output, with_data=with_data, redact=redact)


@bundle.command("import", epilog="Example:  rungwise bundle import churn.rungwise")
def bundle_import(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `bundle export` wrote.")],
    store: StoreOption = None,
) -> None:
    """Take a bundle in: a session that is new here, or the comments and branches that are new to one that is here.

    Everything is checked first; of a file that is damaged or was tampered with nothing is taken.
    """
    from tui.cli.bundling import import_bundle

    import_bundle(chosen_store(context, store), file)


@app.command(epilog="Example:  rungwise verify")
def verify(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="One session; by default the whole store.")] = "",
    json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Compute every hash of the store again; exit status 1 when something is not as it was written."""
    from tui.cli.looking import verify_store

    raise typer.Exit(verify_store(chosen_store(context, store), name, as_json=json))


@app.command(epilog="Example:  rungwise predict churn customers.csv -o predictions.csv")
def predict(
    context: typer.Context,
    name: NameArgument,
    data: DataArgument,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT.csv", help="Where the predictions go.")],
    why: Annotated[
        bool, typer.Option("--why", help="Add a column of reasons in words; for lines, small trees and rules.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Add a column that says which rows a person should see (present.guard).")
    ] = False,
    branch: BranchOption = "",
    store: StoreOption = None,
) -> None:
    """Predict for the rows of a file with the model that a session ended with.

    The output has one row per row of DATA: `prediction`, and for classes one column `proba_<label>` each; of series the
    next steps, with `low_80` … `high_95` where they are known.  What the file has that the model's rows had not is said
    first.  DATA and OUT.csv may be - for the standard input and output.
    """
    from tui.cli.predicting import predict_rows

    predict_rows(chosen_store(context, store), name, branch, data, output, why=why, check=check)


@app.command(
    epilog="Examples:\n\n    rungwise export churn --to html -o churn.html\n\n"
    "    rungwise export churn --to adr -o decisions/"
)
def export(
    context: typer.Context,
    name: NameArgument,
    to: Annotated[str, typer.Option("--to", metavar="FORM", help=forms_in_words())] = "md",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="OUT", help="The file or folder; one text is printed without it."),
    ] = None,
    branch: BranchOption = "",
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
    dialect: Annotated[
        str, typer.Option("--dialect", metavar="SQL", help="Of sql: sqlite (as it is), postgres, duckdb or bigquery.")
    ] = "",
    table: Annotated[str, typer.Option("--table", metavar="NAME", help="Of sql: the table that it reads.")] = "",
    rows: Annotated[
        bool, typer.Option("--rows", help="Of html and md: with rows of the data, such as those it was most wrong on.")
    ] = False,
    store: StoreOption = None,
) -> None:
    """Write what a session leaves: its report, its records, its model."""
    from tui.cli.exporting import export_session

    export_session(
        chosen_store(context, store), name, branch, to, output, force=force, dialect=dialect, table=table,
        rows="yes" if rows else "",
    )  # fmt: skip


@app.command(epilog="Example:  rungwise portfolio -o portfolio.html")
def portfolio(
    context: typer.Context,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT.html", help="Where the page goes.")],
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
    store: StoreOption = None,
) -> None:
    """Write one page of all sessions: their ladders, how far each was taken, a good why, an idea turned down."""
    from tui.cli.exporting import export_portfolio

    export_portfolio(chosen_store(context, store), output, force=force)


@app.command(epilog="Example:  rungwise sample -o customers.csv")
def sample(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where to write it.")] = Path(
        "customers.csv"
    ),
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write the bundled table to try things on: 1,500 made-up customers, some of whom left (column churned)."""
    from tui.cli.predicting import write_sample

    write_sample(output, force=force)


@app.command(epilog="Example:  rungwise doctor")
def doctor(context: typer.Context, json: JsonOption = False, store: StoreOption = None) -> None:
    """Say what is installed, which devices there are, and whether the store is sound."""
    from tui.cli.checkup import examine

    raise typer.Exit(examine(chosen_store(context, store), as_json=json))


@app.command(hidden=True)
def worker(
    context: typer.Context,
    idle: Annotated[float, typer.Option("--idle", help="Minutes without work after which it ends.")] = 10.0,
    cluster: ClusterOption = "",
    store: StoreOption = None,
) -> None:
    """Run the queued trials of a store until there are none for a while.  Started for you."""
    from tui.cli.working import work

    work(chosen_store(context, store), idle)


def _whole_first_sentences() -> None:
    """In the list of commands each stands with its first sentence, which the library would cut off."""
    for command in (*app.registered_commands, *bundle.registered_commands):
        told = (command.callback.__doc__ if command.callback else "") or ""
        command.short_help = " ".join(told.split("\n\n")[0].split())


_whole_first_sentences()
