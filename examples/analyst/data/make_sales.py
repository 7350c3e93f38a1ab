"""Writes sales.csv: two years of monthly sales, the same file every time."""

import csv
import random
from collections.abc import Iterator
from itertools import product
from pathlib import Path

SALES = Path(__file__).parent / "sales.csv"
COLUMNS = ("month", "region", "product", "units", "revenue")
YEARS = (2024, 2025)
SEASON = (0.90, 0.92, 1.00, 1.02, 1.04, 0.98, 0.86, 0.84, 1.05, 1.10, 1.18, 1.11)
SIZES = {"North": 1.00, "South": 0.80, "East": 0.65, "West": 1.20}
GROWTH = {"North": 0.93, "South": 1.14, "East": 1.02, "West": 0.81}
PRICES = {"Desk": 420, "Chair": 180, "Lamp": 65, "Shelf": 140, "Sofa": 890, "Cabinet": 310}
UNITS = {"Desk": 60, "Chair": 150, "Lamp": 240, "Shelf": 90, "Sofa": 18, "Cabinet": 35}


def sales() -> Iterator[tuple[str, str, str, int, int]]:
    """One row for each month, region and product. Revenue is in dollars."""
    chance = random.Random(20251231)
    for year, (month, season), region, name in product(YEARS, enumerate(SEASON, 1), SIZES, PRICES):
        growth = GROWTH[region] if year == YEARS[1] else 1.0
        units = round(UNITS[name] * SIZES[region] * season * growth * chance.uniform(0.95, 1.05))
        yield f"{year}-{month:02d}-01", region, name, units, units * PRICES[name]


def main() -> None:
    with SALES.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(COLUMNS)
        rows.writerows(sales())


if __name__ == "__main__":
    main()
