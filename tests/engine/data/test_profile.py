"""What a person sees of a table: types, keys, marks for missing, groups, times, and a guess at the target."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.data.cells import date_format, to_dates, to_numbers, to_texts
from engine.data.kinds import quantiles
from engine.data.naming import closest, is_code, is_entity, is_key, is_protected, quoted, target_guess, tokens
from engine.data.profile import profile
from engine.data.read import read
from engine.errors import DataProblem
from engine.records import canonical


class Here:
    """The context of a trial on one file."""

    data, seed = "", 0

    def __init__(self, path: Path):
        self.path, self.told = path, []

    def source(self):
        return self.path

    def report(self, progress):
        self.told.append(progress)


def seen(path: Path) -> tuple[dict, dict]:
    """The profile, and its columns by name."""
    found = profile({"read": None}, Here(path))
    assert json.loads(canonical(found)) == found  # JSON all through, no NaN
    return found, {column["name"]: column for column in found["columns"]}


def table(folder: Path, **columns) -> Path:
    rows = zip(*columns.values(), strict=True)
    path = folder / "t.csv"
    path.write_text(",".join(columns) + "\n" + "".join(",".join(map(str, row)) + "\n" for row in rows))
    return path


def marks(column: dict) -> dict[str, tuple[int, bool, bool]]:
    return {mark["value"]: (mark["count"], mark["always"], mark["ask"]) for mark in column["marks"]}


# ── the real sets ──


def test_telco(shared_data):
    found, columns = seen(shared_data / "telco" / "train.csv")
    assert found["rows"] == 5282
    assert (columns["SeniorCitizen"]["type"], columns["SeniorCitizen"]["integer"]) == ("yes_no", True)
    assert columns["customerID"]["id_like"] == "a"
    assert [name for name, c in columns.items() if c["id_like"]] == ["customerID"]
    assert columns["TotalCharges"]["type"] == "number"
    assert marks(columns["TotalCharges"]) == {"": (8, True, False)}
    assert columns["TotalCharges"]["missing"] == 8
    assert {columns[name]["type"] for name in ("tenure", "MonthlyCharges")} == {"number"}
    assert {columns[name]["type"] for name in ("Contract", "InternetService", "PaymentMethod")} == {"category"}
    assert (found["target_guess"], columns["Churn"]["task"], columns["Churn"]["positive"]) == ("Churn", "binary", "Yes")
    assert dict(columns["Churn"]["top"]) == {"No": 3880, "Yes": 1402}
    assert columns["gender"]["protected"]
    assert found["duplicates"]["exact"] == 15  # once the key is left out
    assert found["group_guess"] == []
    assert found["warnings"] == []


def test_adult(shared_data):
    found, columns = seen(shared_data / "adult" / "train.csv")
    assert columns["fnlwgt"]["type"] == "number"
    assert columns["fnlwgt"]["id_like"] == ""
    assert marks(columns["workclass"]) == {"?": (1836, False, False)}
    assert marks(columns["native-country"]) == {"?": (583, False, False)}
    assert all(columns[name]["marks"] == [] for name in ("capital-gain", "capital-loss", "hours-per-week", "age"))
    assert (columns["income"]["positive"], found["target_guess"]) == (">50K", "income")
    assert [n for n, c in columns.items() if c["protected"]] == [
        "age",
        "marital-status",
        "race",
        "sex",
        "native-country",
    ]
    assert found["duplicates"]["exact"] == 24
    assert columns["capital-gain"]["skew"] == pytest.approx(11.95, abs=0.01)


def test_pima_zeros_are_asked(shared_data):
    found, columns = seen(shared_data / "pima" / "train.csv")
    asked = [name for name, c in columns.items() if any(mark["ask"] for mark in c["marks"])]
    assert [name.split()[0] for name in asked] == ["Plasma", "Diastolic", "Triceps", "2-Hour", "Body"]
    assert all(marks(columns[name]).keys() == {"0"} for name in asked)
    assert found["target_guess"] == "Class variable"
    assert columns["Class variable"]["task"] == "binary"
    assert columns["Class variable"]["positive"] == "1"


def test_titanic(shared_data):
    found, columns = seen(shared_data / "titanic" / "train.csv")
    assert (columns["pclass"]["type"], columns["pclass"]["ask_type"]) == ("category", True)
    assert {columns[n]["type"] for n in ("survived", "sex", "adult_male", "alive", "alone")} == {"yes_no"}
    assert {columns[n]["type"] for n in ("age", "fare", "sibsp", "parch")} == {"number"}
    assert columns["deck"]["missing"] == 513
    assert found["duplicates"]["exact"] == 71


def test_penguins_diamonds_digits_reviews_airline(shared_data):
    _, penguins = seen(shared_data / "penguins" / "train.csv")
    assert (penguins["species"]["task"], penguins["body_mass_g"]["task"]) == ("multiclass", "regression")
    found, diamonds = seen(shared_data / "diamonds" / "train.csv")
    assert found["target_guess"] == "price"  # x, y and z are lengths
    assert [n for n, c in diamonds.items() if any(m["ask"] for m in c["marks"])] == ["x", "y", "z"]
    assert not any(c["id_like"] for c in diamonds.values())
    digits, columns = seen(shared_data / "digits" / "train.csv")
    assert (digits["kind"], columns["digit"]["task"], columns["pixel_3_4"]["pixel"]) == ("image", "multiclass", True)
    reviews, columns = seen(shared_data / "reviews" / "train.csv.gz")
    assert (reviews["kind"], columns["text"]["type"], columns["label"]["positive"]) == ("text", "text", "pos")
    assert max(len(e) for e in columns["text"]["examples"]) <= 200
    airline, columns = seen(shared_data / "airline" / "train.csv")
    assert (airline["kind"], airline["time_guess"], columns["Month"]["type"]) == ("series", "Month", "date")
    assert columns["Month"]["min"].startswith("1949-01-01")


# ── the rules one by one ──


def test_ids(tmp_path):
    rng = np.random.default_rng(0)
    n = 400
    _, columns = seen(
        table(
            tmp_path,
            code=[f"k{i}" for i in rng.permutation(n)],
            row=np.arange(n),
            spread=rng.permutation(3 * n)[:n],
            user_id=rng.choice(10**9, n, replace=False),
            income=rng.choice(10**6, n, replace=False),
            length=rng.normal(size=n),
            account_number=rng.integers(0, 250, n) * 0 + np.arange(n) // 2 * 7919 % 100_003,
            y=rng.integers(0, 2, n),
        )
    )
    assert {name: c["id_like"] for name, c in columns.items()} == {
        "code": "a", "row": "b", "spread": "b", "user_id": "b", "income": "", "length": "",
        "account_number": "c", "y": "",
    }  # fmt: skip


def test_missing_marks(tmp_path):
    rng = np.random.default_rng(1)
    n = 1000
    some = np.arange(n) % 50 == 0
    _, columns = seen(
        table(
            tmp_path,
            sentinel=np.where(some, -999, rng.integers(20, 80, n)),
            codes=np.where(some, 99, np.where(np.roll(some, 1), 98, rng.integers(0, 10, n))),
            counts=rng.poisson(3, n),
            labels=rng.choice([-1, 1], n),
            text=np.where(some, "Unknown", rng.choice(["a", "b", "c"], n)),
            mixed=np.where(some, "--", rng.integers(0, 1000, n).astype(str)),
            rain=np.where(rng.random(n) < 0.5, 0, np.round(rng.exponential(5, n), 3)),
            y=rng.integers(0, 2, n),
        )
    )
    assert marks(columns["sentinel"]) == {"-999": (20, False, False)}
    assert columns["sentinel"]["min"] == 20  # a mark is no measurement
    assert marks(columns["codes"]) == {"98": (20, False, False), "99": (20, False, False)}
    assert marks(columns["text"]) == {"Unknown": (20, False, False)}
    assert (marks(columns["mixed"]), columns["mixed"]["type"]) == ({"--": (20, False, False)}, "number")
    assert all(columns[name]["marks"] == [] for name in ("counts", "labels", "rain"))


def test_types(tmp_path):
    n = 200
    i = np.arange(n)
    found, columns = seen(
        table(
            tmp_path,
            mostly=np.where(i % 25 == 0, "n.v.t.", i * 1.5),
            half=np.where(i % 2 == 0, "abc", i),
            when=[f"{1 + k % 28}/{1 + k % 12}/2024" for k in i],
            note=[f"the {k} words of a long note number {k}" for k in i],
            empty=[""] * n,
            same=["x"] * n,
            nearly=np.where(i == 0, "b", "a"),
            zip=4000 + i % 9,
            customer=[f"c{k % 40}" for k in i],
            birth_date=[f"1990-01-{1 + k % 28:02d}" for k in i],
            target=i % 3,
        )
    )
    assert {name: c["type"] for name, c in columns.items()} == {
        "mostly": "number", "half": "category", "when": "date", "note": "text", "empty": "category", "same": "category",
        "nearly": "yes_no", "zip": "category", "customer": "category", "birth_date": "date", "target": "number",
    }  # fmt: skip
    assert columns["mostly"]["unparsed"] == [["n.v.t.", 8]]
    assert columns["empty"]["constant"]
    assert columns["same"]["constant"]
    assert columns["nearly"]["near_constant"]
    assert columns["zip"]["ask_type"]
    assert found["read"]["dates"] == {"when": "%d/%m/%Y", "birth_date": "ISO8601"}
    assert found["time_guess"] == "when"
    assert found["group_guess"] == [{"column": "customer", "rows_per_value": 5.0}]
    assert found["target_guess"] == "target"
    assert "mix numbers and text" in found["warnings"][0]


def test_markup_and_long_cells_stay_literal_and_short(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('"[red]a","b\x1b[1m"\n' + "".join(f'"[bold]{i}","{"x" * 1000}{i}"\n' for i in range(5)))
    _, columns = seen(path)
    assert list(columns) == ["[red]a", "b\x1b[1m"]
    assert columns["[red]a"]["top"][0][0] == "[bold]0"
    assert len(columns["b\x1b[1m"]["top"][0][0]) == 200


def test_a_ragged_file_is_said(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n" + "1,2\n" * 50 + "1,2,3\n")
    found, _ = seen(path)
    assert found["bad_lines"] == 1
    assert found["bad_examples"] == [[3, "1,2,3"]]
    assert "1 of 51 lines are left out" in found["warnings"][0]


@pytest.mark.slow
def test_ten_thousand_columns_take_seconds(tmp_path):
    path = tmp_path / "wide.csv"
    rows = np.random.default_rng(0).integers(0, 50, (40, 10_000)).astype(str)
    path.write_text(",".join(f"c{i}" for i in range(10_000)) + "\n" + "\n".join(",".join(row) for row in rows) + "\n")
    found, columns = seen(path)
    assert len(columns) == 10_000
    assert any("10,000 columns" in warning for warning in found["warnings"])


def test_quick_pieces_agree_with_numpy():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 20, 501).astype(float)
    at = (0.0, 0.01, 0.25, 0.5, 0.9, 1.0)
    assert quantiles(*np.unique(x, return_counts=True), at) == pytest.approx(np.quantile(x, at))


def test_profile_moments_agree_with_numpy(tmp_path):
    x = np.round(np.random.default_rng(0).gamma(2, 1e6, 300), 2)
    _, columns = seen(table(tmp_path, x=x, y=np.arange(300) % 2))
    d = x - x.mean()
    assert columns["x"]["mean"] == pytest.approx(x.mean())
    assert columns["x"]["sd"] == pytest.approx(x.std(ddof=1))
    assert columns["x"]["skew"] == pytest.approx((d**3).mean() / (d**2).mean() ** 1.5)


def test_the_largest_floats_do_not_overflow(tmp_path):
    column = seen(table(tmp_path, x=["-1e308", "1e308", "0"], y=[1, 2, 3]))[1]["x"]
    assert (column["min"], column["max"], column["sorted"]) == (-1e308, 1e308, False)


def test_progress_is_told_and_cancelling_stops(tmp_path):
    here = Here(table(tmp_path, a=[1, 2], b=[3, 4]))
    profile({"read": None}, here)
    assert [(p.step, p.steps) for p in here.told] == [(0, 2), (1, 2)]


# ── cells and names ──


def cells(folder: Path, *texts: str):
    path = folder / "c.csv"
    path.write_text("c,d\n" + "".join(f'"{text}",1\n' for text in texts))
    return read(path).cells("c")


def test_numbers(tmp_path):
    values, bad = to_numbers(
        cells(tmp_path, " 1 ", "+2", "-.5", "1e3", "1,234.5", "NaN", "Infinity", "0x10", "1_0", "NULL")
    )
    np.testing.assert_equal(values, [1, 2, -0.5, 1000, 1234.5, np.nan, np.nan, np.nan, np.nan, np.nan])
    assert bad == {"Infinity": 1, "0x10": 1, "1_0": 1}
    assert to_texts(cells(tmp_path, "007", "1.0", "-1.00", "1.50", "none")).tolist() == ["007", "1", "-1", "1.50", None]


UNITS = (("$1,234.50", 1234.5), ("-$7", -7), ("$-5", -5), ("EUR 1,234", 1234), ("12 kr.", 12), ("12.5 %", 12.5),
         ("1 234", 1234), ("1'234.5", 1234.5), ("1\u00a0234\u202f567", 1234567))  # fmt: skip


@pytest.mark.parametrize(("text", "value"), UNITS)
def test_units_and_blanks_around_numbers_are_cut(tmp_path, text, value):
    assert to_numbers(cells(tmp_path, text))[0].tolist() == [value]


@pytest.mark.parametrize("text", ["5 kg", "room 7", "020 123", "€", "%", "1 2"])
def test_other_words_are_no_units(tmp_path, text):
    assert to_numbers(cells(tmp_path, text))[1] == {text: 1}


def test_amounts_with_one_unit_are_numbers_and_levels_with_one_are_not(tmp_path):
    path = table(
        tmp_path,
        price=[f"${i / 7:.2f}" for i in range(60)],
        share=[f"{i / 9:.1f} %" for i in range(60)],
        mixed=[f"{'$€'[i % 2]}{i}" for i in range(60)],
        unclear=[f"{i}{' %' if i % 2 else ''}" for i in range(60)],
        discount=[f"{5 * (i % 4)} %" for i in range(60)],
    )
    kinds = {name: column["type"] for name, column in seen(path)[1].items()}
    assert kinds == {
        "price": "number",
        "share": "number",
        **dict.fromkeys(("mixed", "unclear", "discount"), "category"),
    }


@pytest.mark.parametrize(
    ("texts", "fmt"),
    [
        (["2024-01-31", "2023-12-01"], "ISO8601"),
        (["2024-01-31 10:20", "2023-12-01 23:59:59"], "ISO8601"),
        (["2024-01-31T10:20:00Z", "2023-12-01T00:00:00+02:00"], "ISO8601"),
        (["1949-01", "1950-12"], "ISO8601"),
        (["31.12.2024", "1.2.2024"], "%d.%m.%Y"),
        (["12/31/2024", "1/2/2024"], "%m/%d/%Y"),
        (["31/12/2024", "1/2/2024"], "%d/%m/%Y"),
        (["Jan 3, 2024", "Dec 24, 2023"], "%b %d, %Y"),
        (["24-Dec-2023", "01-Jan-2024"], "%d-%b-%Y"),
        (["1.5", "2.25"], None),
        (["alpha", "beta"], None),
        (["AB-12", "CD-13"], None),
        ([], None),
    ],
)
def test_date_formats(texts, fmt):
    assert date_format(texts) == fmt


def test_unreadable_dates_are_counted(tmp_path):
    values, bad = to_dates(cells(tmp_path, "2024-01-31", "2024-02-31", ""), "ISO8601")
    assert np.isnat(values).tolist() == [False, True, True]
    assert bad == {"2024-02-31": 1}


def test_names():
    assert tokens("customerID") == ["customer", "id"]
    assert tokens("HTTPServer_log-in 2") == ["http", "server", "log", "in"]
    assert is_key("row_nr")
    assert not is_key("width")
    assert is_entity("PatientNo")
    assert not is_entity("humidity")
    assert is_code("pclass")
    assert is_code("zip_code")
    assert not is_code("price")
    assert is_protected("native-country")
    assert not is_protected("wage")
    assert target_guess(["a", "Class", "b"]) == "Class"
    assert target_guess(["a", "b"]) == "b"
    assert closest("chrun", ["Churn", "tenure"]) == ["Churn"]
    assert closest("bill_length", ["bill_depth", "Bill Length (mm)"]) == ["Bill Length (mm)", "bill_depth"]
    assert closest("Bill-Length", ["bill_depth_mm", "bill_length_mm", "sex"])[0] == "bill_length_mm"
    assert closest("mass", ["sex", "body_mass_g"]) == ["body_mass_g"]
    assert closest("total", ["Total", "TOTAL ", "tenure"])[:2] == ["Total", "TOTAL "]
    assert closest("§", ["§§", "a"]) == ["§§"]
    assert closest("zzz", ["Churn", "tenure"]) == []
    assert quoted("a\x1b[31m\n") == "'a\\x1b[31m\\n'"


CELL = st.one_of(
    st.sampled_from(
        ["", "?", "NA", "0", "1", "-1", "99", "1e308", "-1e308", "1e-320", "inf", "2024-01-01", "x", "1,5"]
    ),
    st.text(max_size=5),
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=12))
def test_whatever_the_cells_the_profile_is_json_without_nan(tmp_path, rows):
    path = tmp_path / "any.csv"
    with path.open("w", encoding="utf-8", errors="replace", newline="") as stream:
        csv.writer(stream, quoting=csv.QUOTE_ALL).writerows([("a", "b", "c"), *rows])
    try:
        found, columns = seen(path)
    except DataProblem:
        return
    assert list(columns) == ["a", "b", "c"] or not found["read"]["header"]


def test_one_row_and_bad_files(tmp_path):
    found, _ = seen(table(tmp_path, a=[1], b=[2]))
    assert "one row only" in found["warnings"][0]
    with pytest.raises(DataProblem, match="There is no file"):
        profile({"read": None}, Here(tmp_path / "none.csv"))


@pytest.mark.parametrize(("shops", "kind"), [(3, "series"), (1, "series"), (0, "table")])
def test_several_series_one_below_the_other_are_series(tmp_path: Path, shops: int, kind: str) -> None:
    """With no shop column the same days stand several times, and nothing tells them apart: a table."""
    days = [f"2024-{1 + i // 28:02d}-{1 + i % 28:02d}" for i in range(84)]
    lines = ["day,shop,sold" if shops else "day,sold"]
    for shop in range(max(shops, 1) if shops else 3):
        name = f"s{shop}," if shops else ""
        lines += [f"{day},{name}{(i * 7 + shop) % 31}" for i, day in enumerate(days)]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    found, _ = seen(tmp_path / "t.csv")
    assert found["kind"] == kind
