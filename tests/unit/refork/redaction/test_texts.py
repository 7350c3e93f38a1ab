"""What the environment keeps secret stands in no text that leaves a session."""

import pytest
from refork.redaction.error_text import summary
from refork.redaction.texts import without_secrets


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OPENAI_API_KEY", "zq8vN3xL0pTb7Yw2"),
        ("DATABRICKS_TOKEN", "dosei3a9f0c7b1e2d4"),
        ("WAREHOUSE_PASSWORD", "hunter2-hunter2"),
        ("SHOP_SECRET", "k3-9dj4-ls0a"),
        ("GITHUB_PAT", "4k20dls93kd02ld"),
    ],
)
def test_a_value_of_a_secret_name_is_hidden(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    assert value not in summary(ValueError(f"Incorrect key provided: {value}."))
    assert "Incorrect key provided" in summary(ValueError(f"Incorrect key provided: {value}."))


def test_the_password_of_a_url_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAREHOUSE", "postgresql://reader:p%40ss-w0rd-9@db/shop")
    assert "p@ss-w0rd-9" not in without_secrets("login of reader failed with p@ss-w0rd-9")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SSH_AUTH_SOCK", "/run/user/1/agent.sock"),
        ("API_KEY", "test"),
        ("TOKENIZERS_PARALLELISM", "false"),
        ("KEYBOARD", "french-1"),
        ("SECRET_NAME", "shop-database-1"),
        ("OPENAI_API_KEY", "placeholder"),
    ],
)
def test_an_innocent_value_is_left_alone(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    assert without_secrets(f"the value is {value}, as ever") == f"the value is {value}, as ever"
