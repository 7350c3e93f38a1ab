"""The web application."""

from dbos import DBOS
from fastapi import FastAPI

from .flows import digest

app = FastAPI()


@app.post("/digests")
def start(body: dict):
    DBOS.start_workflow(digest, body["topic"])
    return {"ok": True}
