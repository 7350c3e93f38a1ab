"""Steps that search, rate and write. Those that ask a model do it through a helper, and give models or text."""

import json

import httpx
from dbos import DBOS
from pydantic import BaseModel

from .llm import ask

SUMMARY = "Sum up what the press says."


class Rating(BaseModel):
    query: str
    score: int


class Digest(BaseModel):
    text: str


@DBOS.step()
def search(query):
    with httpx.Client(timeout=10) as client:
        found = client.get("https://headlines.example/search", params={"q": query})
        found.raise_for_status()
        return found.json()["titles"]


@DBOS.step()
def rate(query, titles):
    said = json.loads(ask("Rate these headlines from 1 to 10, as JSON.", "\n".join(titles)))
    return Rating(query=query, score=said["score"])


@DBOS.step()
def write_up(topic, ratings):
    return Digest(text=ask(SUMMARY, f"{topic}: {ratings}"))
