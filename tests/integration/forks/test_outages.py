"""Connections to a server that goes away, and comes back or does not."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from refork.dbos.evals_database.outages import patient, retried
from refork.errors import DatabaseError
from sqlalchemy.exc import OperationalError


def answering(*answers: bool) -> Callable[[], Any]:
    """A ``connect`` that succeeds or fails as told, and like the last one for ever after."""
    left: Iterator[bool] = iter(answers)

    def connect() -> object:
        if next(left, answers[-1]):
            return object()
        raise psycopg.OperationalError("connection is bad: nobody listens")

    return connect


def test_the_first_connection_fails_at_once() -> None:
    with pytest.raises(psycopg.OperationalError):
        patient(answering(False, True), name="db")()


def test_a_server_that_answered_before_is_waited_for() -> None:
    connect = patient(answering(True, False, False, True), name="db")
    assert connect() is not connect()


def test_a_server_that_does_not_come_back_is_named_once_and_then_given_up_until_it_answers() -> None:
    connect = patient(answering(True, *[False] * 3, True, False), name="db", patience=0.3)
    connect()
    with pytest.raises(DatabaseError, match=r"'db' went away and did not come back within 0\.3 s"):
        connect()
    connect()
    with pytest.raises(DatabaseError):
        connect()


@pytest.mark.parametrize(("broken", "calls"), [(True, 2), (False, 1)])
def test_only_a_transaction_whose_connection_ended_is_run_again(*, broken: bool, calls: int) -> None:
    made: list[int] = []

    @retried
    def transact() -> str:
        made.append(1)
        if len(made) == 1:
            raise OperationalError("SELECT 1", {}, Exception("gone"), connection_invalidated=broken)
        return "done"

    if broken:
        assert transact() == "done"
    else:
        with pytest.raises(OperationalError):
            transact()
    assert len(made) == calls
