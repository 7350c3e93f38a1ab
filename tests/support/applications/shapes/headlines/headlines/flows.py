"""A parent workflow, and a child for each query."""

from dbos import DBOS

from .steps import rate, search, write_up


@DBOS.workflow()
def look_into(query):
    return rate(query, search(query))


@DBOS.workflow()
def digest(topic):
    DBOS.set_event("progress", "searching")
    ratings = [look_into(query).model_dump() for query in (topic, f"{topic} news")]
    DBOS.set_event("progress", "writing")
    return write_up(topic, ratings).text
