"""Write `customers.csv` again, byte for byte: `python -m tui.sample`."""

from __future__ import annotations

import csv
import math
import random

from tui.sample import SAMPLE

ROWS = 1_500
COPIES = 12
SEED = 20_261_120
COLUMNS = (
    "customer_id", "age", "region", "months", "contract", "plan", "monthly_charge", "data_gb", "support_calls",
    "paperless", "favourite_colour", "joined", "retention_offer", "churned",
)  # fmt: skip


def rows() -> list[list[str]]:
    """The table's rows as text, in order."""
    draw = random.Random(SEED)  # noqa: S311 - a made-up table, not a secret
    made = [_customer(draw, number) for number in range(ROWS - COPIES)]
    made += [list(made[draw.randrange(len(made))]) for _ in range(COPIES)]
    draw.shuffle(made)
    return made


def _customer(draw: random.Random, number: int) -> list[str]:
    months = int(draw.weibullvariate(26, 1.1))
    contract = draw.choices(("monthly", "one year", "two years"), (55, 25, 20))[0]
    plan = draw.choices(("small", "medium", "large"), (40, 38, 22))[0]
    age = min(91, max(18, round(draw.gauss(46, 15))))
    charge = {"small": 18.0, "medium": 32.0, "large": 55.0}[plan] * draw.uniform(0.85, 1.2)
    data_gb = draw.lognormvariate({"small": 1.6, "medium": 2.3, "large": 3.0}[plan], 0.7)
    calls = min(9, int(draw.expovariate(0.8)))
    paperless = draw.random() < 0.6
    heavy = math.log(data_gb) - 2.2
    score = (
        -2.55
        + (1.6 if contract == "monthly" else 0.0)
        + 1.3 * math.exp(-months / 9)
        + 0.35 * calls
        + (0.4 if charge > 31 else 0.0)
        + (0.9 * heavy if plan == "small" else -0.7 * heavy if plan == "large" else 0.0)
    )
    churned = draw.random() < 1 / (1 + math.exp(-score))
    offered = draw.random() < (0.995 if churned else 0.002)
    joined_year, joined_month = divmod(2026 * 12 + 9 - months, 12)
    return [
        f"K{70_000 + number * 7}",
        str(age) if draw.random() > 0.08 else draw.choice(("", "n/a")),
        draw.choice(("north", "south", "east", "west")),
        str(months),
        contract,
        plan,
        f"{charge:.2f}" if months > 0 else " ",
        f"{data_gb:.1f}",
        str(calls),
        "yes" if paperless else "no",
        draw.choice(("red", "green", "blue", "yellow")),
        f"{joined_year}-{joined_month + 1:02}-{draw.randint(1, 28):02}",
        "yes" if offered else "no",
        "yes" if churned else "no",
    ]


if __name__ == "__main__":
    with SAMPLE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows())
