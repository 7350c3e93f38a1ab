"""The web application."""

from dbos import DBOS
from fastapi import FastAPI

from .flow import handle_complaint

app = FastAPI()


@app.post("/complaints")
def start(body: dict):
    DBOS.start_workflow(handle_complaint, body["text"])
    return {"ok": True}
