"""The demo shows money: the model that answers in it has an example price."""

import tomllib

from analyst.agent import MODEL
from serving import PROJECT


def test_the_local_model_has_an_example_price() -> None:
    settings = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    assert settings["tool"]["refork"]["prices"][MODEL]["example"]
