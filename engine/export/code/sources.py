"""How plain code opens a table in each of the forms that it comes in: the function `table` of the script.

What a text table holds is text already.  Of the other forms each cell is written as a text table would hold it
(`cell`), so that columns are read from all of them in one way.  Settings may be a stranger's: they stand as literals.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.data.address import name_of, split
from engine.data.formats import PICTURES, TEXTS
from engine.data.formats.images import MOST_PIXELS
from engine.data.formats.texts import LONGEST
from engine.data.settings import ReadSettings
from engine.export.code.plan import Plan, value
from engine.export.model.terms import NoForm

WHOLE = "2**53"  # up to here a whole number has one way to be written
PACKAGES = {"python-calamine": 'engine="calamine"', "duckdb": "import duckdb", "Pillow": "from PIL import",
            "pyarrow": "import pyarrow"}  # fmt: skip


@dataclass(frozen=True)
class Source:
    """imports: lines for the top of the cell.  code: the function `table`, and what it calls.  told: whether its cells
    are values that `cell` writes as text.  of_numbers: whether every input is a number in the table already."""

    imports: tuple[str, ...]
    code: str
    told: bool = False
    of_numbers: bool = False


def source(plan: Plan) -> Source:
    """Raises NoForm for a form that plain code does not open."""
    settings = settings_of(plan)
    return _FORMS[settings.format](plan, settings)


def settings_of(plan: Plan) -> ReadSettings:
    return ReadSettings.from_dict(plan.recipe.get("read") or {})


def file_of(plan: Plan) -> str:
    """What the file or folder is called: of a database without the table in it."""
    return name_of(split(plan.d.source)[0]) or plan.d.source


def packages(code: str) -> list[str]:
    """The packages beyond the usual ones that code asks for, by the names to install them by."""
    return [name for name, sign in PACKAGES.items() if sign in code]


def _delimited(plan: Plan, settings: ReadSettings) -> Source:
    options = {"sep": settings.separator, "encoding": settings.encoding, "quotechar": settings.quote}
    usual = {"sep": ",", "encoding": "utf-8", "quotechar": '"'}
    said = [f"{key}={given!r}" for key, given in options.items() if given != usual[key]]
    if not settings.quote:
        said = [one for one in said if not one.startswith("quotechar")] + ["quoting=3"]
    if settings.compression:
        said.append(f"compression={settings.compression!r}")
    if settings.skip:
        said.append(f"skiprows={int(settings.skip)!r}")
    if not settings.header:
        said.append("header=None")
    given = "".join(f", {one}" for one in said)
    names = "raw.columns.str.strip()" if settings.header else '[f"column {i + 1}" for i in range(raw.shape[1])]'
    return Source((), f'''def table(path: Path) -> pd.DataFrame:
    """Every cell as it is written."""
    raw = pd.read_csv(path, dtype=str, keep_default_na=False{given})
    raw.columns = {names}
    return raw
''')  # fmt: skip


def _cell(settings: ReadSettings, *more: str) -> str:
    """The function `cell`; more: lines for kinds of value that only some forms hold."""
    number = "str(value)" if settings.decimal == "." else 'str(value).replace(".", ",")'
    beside = "".join(f"    {line}\n" for one in more for line in one.splitlines())
    return f'''def cell(value: Any) -> str:
    """A value as a text table would hold it."""
{beside}    if pd.isna(value):
        return ""
    if isinstance(value, (float, np.floating)):
        return str(int(value)) if value == int(value) and abs(value) < {WHOLE} else {number}
    return str(value).removesuffix(" 00:00:00")
'''


_NESTED = "if isinstance(value, (list, tuple, dict)):\n    return json.dumps(value, ensure_ascii=False, default=str)"
_ZONED = 'if getattr(value, "tzinfo", None):\n    value = value.astimezone(timezone.utc).replace(tzinfo=None)'
_CLOCK = """if isinstance(value, timedelta):
    seconds = int(value.total_seconds())
    return f"{seconds // 3600:02d}:{seconds % 3600 // 60:02d}:{seconds % 60:02d}\""""


def _workbook(plan: Plan, settings: ReadSettings) -> Source:
    """Rows without a filled cell are no rows; the table begins with its first filled column."""
    sheet = 0 if settings.sheet is None else settings.sheet
    header = """    names, cells = cells.iloc[0].map(cell).str.strip(), cells.iloc[1:]
    cells.columns = [name or f"column {i + 1}" for i, name in enumerate(names)]
""" if settings.header else '    cells.columns = [f"column {i + 1}" for i in range(cells.shape[1])]\n'  # fmt: skip
    code = f'''{_cell(settings, _CLOCK)}

def table(path: Path) -> pd.DataFrame:
    """The rows of the sheet below its header."""
    sheet = pd.read_excel(path, sheet_name={sheet!r}, header=None, dtype=object, na_filter=False, engine="calamine")
    cells = sheet.iloc[{int(settings.skip)!r}:]
    filled = cells.map(cell).map(str.strip) != ""
    cells = cells.loc[filled.any(axis=1), filled.any().idxmax():]
{header}    return cells.reset_index(drop=True)
'''
    return Source(("from datetime import timedelta",), code, told=True)


def _sqlite(plan: Plan, settings: ReadSettings) -> Source:
    from engine.data.formats.sqlite import query_of

    code = f'''QUERY = {_query(query_of(plan.d.data(), settings))}


{_cell(settings)}

def table(path: Path) -> pd.DataFrame:
    """The rows of the query; the database is opened for reading alone."""
    with closing(sqlite3.connect(f"file:{{quote(str(path.absolute()))}}?mode=ro", uri=True)) as database:
        found = database.execute(QUERY)
        names = [column[0].strip() for column in found.description]
        return pd.DataFrame(found.fetchall(), columns=names, dtype=object)
'''
    return Source(
        ("import sqlite3", "from contextlib import closing", "from urllib.parse import quote"), code, told=True
    )


def _duckdb(plan: Plan, settings: ReadSettings) -> Source:
    from engine.data.formats.duck import query_of

    code = f'''QUERY = {_query(query_of(plan.d.data(), settings))}


{_cell(settings, _NESTED, _ZONED)}

def table(path: Path) -> pd.DataFrame:
    """The rows of the query; the database is opened for reading alone, and no other file."""
    with duckdb.connect(str(path), read_only=True, config={{"enable_external_access": "false"}}) as database:
        found = database.execute(QUERY)
        names = [column[0].strip() for column in found.description]
        small = [name for name, column in zip(names, found.description) if str(column[1]) == "FLOAT"]
        cells = pd.DataFrame(found.fetchall(), columns=names, dtype=object)
{_SMALL}    return cells
'''
    return Source(("import json", "from datetime import timezone", "import duckdb"), code, told=True)


_SMALL = """    for name in small:  # numbers of 32 bits: 0.1 is 0.1, and not 0.10000000149
        cells[name] = [float(str(one)) for one in cells[name].to_numpy(np.float32, na_value=np.nan)]
"""


def _query(text: str) -> str:
    """A literal, in the brackets that a long one needs."""
    return value(text) if len(text) < 100 else f"(\n    {text!r}\n)"


def _columns(plan: Plan, settings: ReadSettings) -> Source:
    """Parquet and Arrow: columns with a type each."""
    if settings.format == "parquet":
        imports, read = "import pyarrow.parquet", "pyarrow.parquet.read_table(path)"
    else:
        with plan.d.data().open("rb") as file:
            kind = "file" if file.read(6).startswith(b"ARROW1") else "stream"
        imports, read = "import pyarrow.ipc", f"pyarrow.ipc.open_{kind}(file).read_all()"
    lines = f"    cells = {read}.to_pandas(types_mapper=pd.ArrowDtype, ignore_metadata=True)\n"
    if settings.format != "parquet":
        lines = '    with path.open("rb") as file:\n    ' + lines
    code = f'''{_cell(settings, _NESTED, _ZONED)}

def table(path: Path) -> pd.DataFrame:
    """Every cell as the kind of value that the file says."""
{lines}    cells.columns = cells.columns.str.strip()
    small = [name for name, kind in cells.dtypes.items() if kind == "float[pyarrow]"]
{_SMALL}    return cells
'''
    return Source(("import json", "from datetime import timezone", imports), code, told=True)


_OPENERS = {None: ("", "open"), "gzip": ("import gzip", "gzip.open"), "bz2": ("import bz2", "bz2.open"),
            "xz": ("import lzma", "lzma.open")}  # fmt: skip


def _json(plan: Plan, settings: ReadSettings) -> Source:
    if settings.compression not in _OPENERS:
        raise NoForm("JSON that is packed in this way is not read by plain code; unpack it, or take --to model.")
    load, opener = _OPENERS[settings.compression]
    code = f'''{_cell(settings, _NESTED)}

def table(path: Path) -> pd.DataFrame:
    """A row an object, a column a key."""
    with {opener}(path, "rt", encoding="utf-8-sig") as file:
        text = file.read()
    rows = json.loads(text) if text.lstrip().startswith("[") else [json.loads(line) for line in text.split("\\n")
                                                                   if line.strip()]
    cells = pd.DataFrame([row for row in rows if isinstance(row, dict)], dtype=object)
    cells.columns = cells.columns.str.strip()
    return cells
'''
    return Source(tuple(line for line in ("import json", load) if line), code, told=True)


def _files(endings: tuple[str, ...]) -> str:
    return f'''ENDINGS = {endings!r}


def files(folder: Path) -> list[Path]:
    """All files below a folder, in the order of their names; hidden ones are left out."""
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(place, name) for name in sorted(names) if not name.startswith(".")]
    return [file for file in found if file.suffix.lower() in ENDINGS]


def label(file: Path, folder: Path) -> str:
    """The class of a file: the first folder on the way to it."""
    parts = file.relative_to(folder).parts
    return parts[0] if len(parts) > 1 else ""
'''


_PICTURES = '''def pixels(file: Path) -> np.ndarray | None:
    """A picture drawn to one small square, 0 to 255; None where it cannot be opened."""
    try:
        with Image.open(file) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                return None
            opened.load()
            picture = ImageOps.exif_transpose(opened)
    except Exception:  # Pillow raises many kinds for damaged pictures
        return None
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:  # see-through lies on white
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    picture = picture.convert(MODE)
    if picture.size != (SIDE, SIDE):
        picture = picture.resize((SIDE, SIDE), Image.Resampling.BOX)
    return np.asarray(picture, dtype=np.uint8).ravel()
'''


def _pictures(plan: Plan, settings: ReadSettings) -> Source:
    """What could not be opened is no row, there as here.  Read once: pictures take long."""
    if settings.side is None or settings.colour is None:
        raise NoForm("The session does not say to which size its pictures are drawn; take --to model.")
    code = f'''SIDE, MODE = {int(settings.side)!r}, {"RGB" if settings.colour else "L"!r}  # pixels, and colours
MOST_PIXELS = {MOST_PIXELS:_}
{_files(PICTURES)}

{_PICTURES}

@cache
def table(folder: Path) -> pd.DataFrame:
    """A row a picture, a column a pixel: rows from the top, and in them columns from the left."""
    made = [(file, pixels(file)) for file in files(folder)]
    made = [(file, row) for file, row in made if row is not None]
    ends = {("_r", "_g", "_b") if settings.colour else ("",)!r}
    names = [f"pixel_{{r}}_{{c}}{{end}}" for r in range(SIDE) for c in range(SIDE) for end in ends]
    raw = pd.DataFrame(np.stack([row for _, row in made]), columns=names)
    told = {{"file": [str(file.relative_to(folder)) for file, _ in made],
            "label": [label(file, folder) for file, _ in made]}}
    return pd.concat([pd.DataFrame(told), raw], axis=1)
'''
    imports = ("import os", "from functools import cache", "from PIL import Image, ImageOps")
    return Source(imports, code, of_numbers=True)


def _texts(plan: Plan, settings: ReadSettings) -> Source:
    code = f'''{_files(TEXTS)}

def words(file: Path) -> str | None:
    """The text of a file; None where it is none."""
    content = file.read_bytes()
    if len(content) > {LONGEST:_} or b"\\0" in content[:4096].replace(b"\\xff\\xfe", b""):
        return None
    for encoding in {tuple(dict.fromkeys(("utf-8-sig", settings.encoding)))!r}:
        try:
            return content.decode(encoding).replace("\\r\\n", "\\n")
        except UnicodeDecodeError:
            continue
    return content.decode("cp1252", errors="replace").replace("\\r\\n", "\\n")


def table(folder: Path) -> pd.DataFrame:
    """A row a file."""
    made = [(file, words(file)) for file in files(folder)]
    told = [(str(file.relative_to(folder)), label(file, folder), text) for file, text in made if text is not None]
    return pd.DataFrame(told, columns=["file", "label", "text"])
'''
    return Source(("import os",), code)


_FORMS: dict[str, Callable[[Plan, ReadSettings], Source]] = {
    "csv": _delimited,
    "jsonl": _json,
    "parquet": _columns,
    "arrow": _columns,
    "excel": _workbook,
    "sqlite": _sqlite,
    "duckdb": _duckdb,
    "images": _pictures,
    "texts": _texts,
}
