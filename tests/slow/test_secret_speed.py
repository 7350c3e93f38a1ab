"""How long the search for secrets takes in texts as large as a run may hold."""

import base64
import json
import time
from random import Random

import pytest
from refork.redaction.texts import without_secrets

SIZE = 16_000_000
TEXTS = {
    "prose": "The customer asked about order 4111; the key question was the password reset. user: ann, \n",
    "json": json.dumps({"key": "user:1", "token_count": 1, "password_hint": "dog", "note": "log in here"}),
    "base64": base64.b64encode(Random(1).randbytes(750)).decode() + "\n",
    "assignments": "password: ",
    "commands": "curl -u ",
}


@pytest.mark.parametrize("text", TEXTS)
def test_16_mb_take_a_minute_at_most(text: str) -> None:
    whole = TEXTS[text] * (SIZE // len(TEXTS[text]))
    began = time.process_time()
    without_secrets(whole)
    assert time.process_time() - began < 120
