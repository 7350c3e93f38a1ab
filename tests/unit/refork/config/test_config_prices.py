"""``[tool.refork.prices]`` as it is written, and what is said of a mistake in it."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from refork.config import load_config
from refork.errors import BadFileError, BadInputError
from refork.records.prices import Price, project_price, use_prices


@pytest.fixture(autouse=True)
def _no_prices_are_left() -> Iterator[None]:
    yield
    use_prices({})


def written(folder: Path, *lines: str) -> Path:
    (folder / "pyproject.toml").write_text("\n".join(["[tool.refork.prices]", *lines]), encoding="utf-8")
    return folder


def test_prices_are_exact_and_those_of_this_process(tmp_path: Path) -> None:
    line = '"openai/house-1.5" = {input = 0.15, output = 1, cached_input = 0.075, example = true}'
    config = load_config(written(tmp_path, line), environ={})
    price = Price(input=Decimal("0.15"), output=Decimal(1), cached_input=Decimal("0.075"), example=True)
    assert config.prices == {"openai/house-1.5": price}
    assert project_price("openai/house-1.5") == price


def test_a_project_without_prices_leaves_none_of_another_one(tmp_path: Path) -> None:
    use_prices({"house": Price(input=Decimal(1), output=Decimal(1))})
    assert load_config(tmp_path, environ={}).prices == {}
    assert project_price("house") is None


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "house = 0.15",
            "has 0.15 for model 'house', and not a table: write US dollars per million tokens, such as",
        ),
        (
            "house-1.5 = {input = 1, output = 1}",
            'needs quotes, as in "house-1.5" = {input = 0.15, output = 0.6}',
        ),
        (
            "house = {input = 1}",
            "the key 'output' is missing; write US dollars per million tokens, such as {input =",
        ),
        ("house = {input = '1', output = 1}", "'input' must be a number, and is '1'"),
        ("house = {input = -1, output = 1}", "'input' must be greater than or equal to 0, and is -1"),
        ("house = {input = 1, ouput = 1}", "unknown key 'ouput'; did you mean 'output'?"),
        ("'' = {input = 1, output = 1}", "has '' where the name of a model must stand"),
    ],
)
def test_the_error_of_a_wrong_price_names_the_model_and_what_to_write(
    tmp_path: Path, line: str, said: str
) -> None:
    with pytest.raises(BadFileError) as error:
        load_config(written(tmp_path, line), environ={})
    assert "'tool.refork.prices' has" in str(error.value)
    assert said in str(error.value)


def test_only_the_file_gives_prices(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="unknown option '--agent-evals-prices'"):
        load_config(tmp_path, overrides={"prices": {}}, environ={})


def test_the_model_of_the_demo_has_an_example_price() -> None:
    example = Path(__file__).parents[4] / "examples" / "analyst"
    load_config(example, environ={})
    asked = (example / "recordings" / "answers.jsonl").read_text(encoding="utf-8").splitlines()[1]
    price = project_price(json.loads(asked)["request"]["model"])
    assert price is not None
    assert price.example
