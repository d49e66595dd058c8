"""The bundled table: 1,500 made-up customers of a made-up phone company, in `customers.csv`.

Made by `python -m tui.sample` from the formulas below and a fixed seed; no person's data went into it, so it may be
copied freely.  What is true in it, and can be found again with Rungwise:

* `churned` (yes 26 %) follows a logistic model: a monthly contract (+1.6), few months as a customer (falling over the
  first two years), many support calls (+0.35 each), a price above the median, and a bend: heavy data use makes those
  on a small plan leave and those on a large plan stay, which no straight line sees.
* `region` and `favourite_colour` say nothing.
* `age` is missing for about 8 %, written as nothing or `n/a`; `monthly_charge` is missing for new customers, as blanks.
* `retention_offer` is a leak: the company makes it to customers who have said that they leave.
* `customer_id` is a key.  Twelve rows stand twice.
"""

from pathlib import Path

SAMPLE = Path(__file__).with_name("customers.csv")
SAMPLE_TARGET = "churned"
