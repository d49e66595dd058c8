"""A whole statement: all columns of a table, then what the model works out, and last its answer."""

from __future__ import annotations

from engine.errors import UsageProblem
from engine.export.model.sql.cells import Cells, truths_of
from engine.export.model.sql.heads import said_by_any
from engine.export.model.sql.layers import Layers, Statement
from engine.export.model.sql.models import prediction
from engine.export.model.sql.prepared import Prepared
from engine.export.model.terms import NoForm
from engine.models.persist import Artifact

DIALECTS = {"sqlite": "SQLite", "postgres": "PostgreSQL", "duckdb": "DuckDB", "bigquery": "BigQuery"}


def statement(artifact: Artifact, *table: str) -> Statement:
    """Over a table, named in one part or several (a schema first): all its columns come back, then the steps,
    `proba_<label>`s and `prediction`.

    Raises NoForm for a model that has no SQL form.
    """
    fitted = artifact.fitted
    if artifact.recipe.get("material") not in (None, "table"):
        raise NoForm("Only models of tables have an SQL form; take --to model.")
    cells = Cells(artifact.recipe, truths_of(artifact.schema))
    wanted = {"prediction", *(f"proba_{label}".casefold() for label in fitted.labels)}
    taken = {name.casefold() for name in cells.types}
    if wanted & taken:
        raise NoForm(f"The table has a column {min(wanted & taken)} already, where the prediction would stand.")
    layers = Layers({*taken, "prediction", str(artifact.recipe.get("target")).casefold()})
    said = said_by_any(fitted, Prepared(cells, layers))
    return Statement(table, layers, prediction(fitted.labels, said, artifact.threshold))


def text_of_sql(made: Statement, dialect: str) -> str:
    """Raises UsageProblem for a dialect that there is not."""
    if dialect not in DIALECTS:
        raise UsageProblem(f"There is no dialect {dialect!r}; there is {', '.join(DIALECTS)}.")
    return made.sql(dialect)
