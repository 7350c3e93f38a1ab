"""Evaluations as a session would give them, built by hand: what the tests of the reports look at."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from refork.records import Answer, Case, RecordedError, Request, Run, Step, StepKind, Tool, ToolCall
from refork.records.outcome import ForkStatus, Outcome, Trial, TrialError
from refork.records.usage import Usage, WholeReruns, cost
from refork.records.workflow_result import calls_of, usage_of
from refork_evals.results import CaseResult, Cell, Interval, Score, ScoredTrial, SuiteResult, Verdict
from refork_evals.verdicts.recommendation import recommend
from scipy.stats import binomtest

BEGIN = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
MODEL = "gpt-4o-mini"

SUMMARIZER = """\
You write the summary of a sales report for an executive.

Write two or three sentences. State the change of revenue first, then the region that
explains most of it. Be positive and confident.
"""
CAREFUL = """\
You write the summary of a sales report for an executive.

Write two or three sentences. State the change of revenue first, with its sign as the
transform step computed it, then the region that explains most of it. A negative change
is a fall: never call it growth.
"""
TERSE = """\
You write the summary of a sales report for an executive.

One sentence. State the change of revenue first. Be positive and confident.
"""
ANALYST = """\
You are a sales analyst. Answer with the tools you have; DuckDB runs your SQL.
"""
SCHEMA_FIRST = (
    ANALYST
    + """\
The only table is sales(month DATE, region TEXT, revenue DOUBLE). Quote no column names.
"""
)

RUN_SQL = Tool(
    name="run_sql",
    description="Run a query over the sales data.",
    parameters={"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
)
TRANSFORM = Tool(
    name="month_over_month",
    description="Change of revenue between two months.",
    parameters={"type": "object"},
)

HOSTILE = (
    (
        "</pre></script><script>alert('owned')</script><img src=x onerror=alert(1)>\n"
        "\x1b[31mred\x1b[0m \x07bell \u202egnp.exe\u202c zero\u200bwidth {{ 7 * 7 }} lone \ud800 surrogate\n"
        'a" onmouseover="alert(2)\n'
    )
    + "A very long line without any space: "
    + "x" * 400
)


def steps(count: int = 8, model: str = MODEL) -> tuple[Step, ...]:
    """Two agents at work: model and tool steps in turn, then a plain step, then the summarizer."""
    made: list[Step] = []
    now = BEGIN
    for number in range(1, count + 1):
        seconds = [1.4, 1.9, 0.21, 2.4, 0.08, 1.1, 0.5][number % 7] if number < count else 0.004
        made.append(_step(number, count, now, now + timedelta(seconds=seconds), model))
        now += timedelta(seconds=seconds + 0.01)
    return tuple(made)


def _step(number: int, count: int, start: datetime, end: datetime, model: str) -> Step:
    times: dict[str, Any] = {"number": number, "started_at": start, "completed_at": end}
    if number == count:
        return Step(name="deliver", output={"delivered": True, "to": "board@example.com"}, **times)
    if number == count - 1:
        text = "Revenue increased by 12% in March, driven by a strong quarter in the North."
        return _model_step("summarizer", Answer(text=text), model, times)
    if number % 2:
        query = "SELECT region, sum(revenue) FROM sales GROUP BY region"
        call = ToolCall(name="run_sql", arguments={"query": query})
        return _model_step("analyst", Answer(tool_calls=(call,)), model, times)
    rows = [{"region": "North", "revenue": 1204.5}, {"region": "South", "revenue": 871.0}]
    return Step(name="run_sql", kind=StepKind.TOOL, tool="run_sql", output=rows, **times)


def _model_step(agent: str, answer: Answer, model: str, times: dict[str, Any]) -> Step:
    return Step(
        name="_model_call_step",
        kind=StepKind.MODEL,
        agent=agent,
        model=model,
        answer=answer,
        usage=Usage(calls=1, input_tokens=1_840, output_tokens=96),
        **times,
    )


def case(name: str, *, step: int = 7, agent: str = "summarizer", model: str = MODEL, **more: Any) -> Case:
    run = Run(
        id=f"run-{name}",
        workflow="analyze_sales",
        status="SUCCESS",
        created_at=BEGIN,
        completed_at=BEGIN + timedelta(seconds=8),
        framework="openai-agents",
        steps=more.pop("steps", steps(model=model)),
    )
    expect = more.pop(
        "expect", ({"not_contains": {"text": "increased", "ignore_case": True}}, {"regex": "fell|declin"})
    )
    return Case(
        name=name, folder=Path("evals/cases") / name, run=run, step=step, agent=agent, expect=expect, **more
    )


def request(prompt: str, *, agent: str = "summarizer", model: str = MODEL, **more: Any) -> Request:
    return Request(
        agent=agent,
        model=model,
        prompt=prompt,
        input=[{"role": "user", "content": "How did revenue do in March?"}],
        tools=more.pop("tools", ()),
        settings=more.pop("settings", {"temperature": 0.7}),
        **more,
    )


def passed(variant: str, number: int, text: str, **more: Any) -> ScoredTrial:
    scores = (
        Score(scorer="not_contains", passed=True, reason="'increased' is not in the text"),
        Score(scorer="regex", passed=True, reason="'fell' matches /fell|declin/"),
    )
    return _scored(variant, number, Answer(text=text), scores, True, **more)


def failed(variant: str, number: int, text: str, **more: Any) -> ScoredTrial:
    scores = (
        Score(
            scorer="not_contains",
            passed=False,
            reason="'increased' is in the text: \"Revenue increased by 12%\"",
        ),
        Score(
            scorer="regex",
            passed=False,
            reason="nothing matches /fell|declin/ in 'Revenue increased by 12%…'",
        ),
    )
    return _scored(variant, number, Answer(text=text), more.pop("scores", scores), False, **more)


def called(variant: str, number: int, query: str, *, ok: bool, **more: Any) -> ScoredTrial:
    calls = (ToolCall(name="run_sql", arguments={"query": query, "limit": 100}),)
    reason = (
        "reads sales(region, revenue)"
        if ok
        else f"does not parse: expected a column after SELECT in {query!r}"
    )
    scores = (
        Score(scorer="tool_called", passed=True, reason="run_sql was called"),
        Score(scorer="sql", passed=ok, reason=reason),
    )
    return _scored(variant, number, Answer(tool_calls=calls), scores, ok, **more)


def broke(variant: str, number: int, message: str = "429 Too Many Requests after 5 tries") -> ScoredTrial:
    error = TrialError(type="RateLimitError", message=message)
    return ScoredTrial(trial=Trial(variant=variant, number=number, error=error, model=MODEL))


def scorer_broke(variant: str, number: int) -> ScoredTrial:
    scores = (Score(scorer="house_style", passed=None, error="KeyError: 'tone'"),)
    return _scored(variant, number, Answer(text="Revenue fell by 12%."), scores, None)


def _scored(
    variant: str, number: int, answer: Answer, scores: tuple[Score, ...], verdict: bool | None, **more: Any
) -> ScoredTrial:
    model = more.pop("model", MODEL)
    usual = Usage(calls=1, input_tokens=1_840, cached_tokens=1_024, output_tokens=60 + number)
    usage = more.pop("usage", usual)
    trial = Trial(
        variant=variant,
        number=number,
        answer=answer,
        usage=usage,
        model=model,
        seconds=more.pop("seconds", 0.8 + number / 10),
        **more,
    )
    return ScoredTrial(trial=trial, scores=scores, passed=verdict, cost_usd=cost(usage, model))


def cell(
    case_name: str, variant: str, verdict: Verdict, trials: Sequence[ScoredTrial] = (), **more: Any
) -> Cell:
    passes, failures = (sum(scored.passed is wanted for scored in trials) for wanted in (True, False))
    usages = [scored.trial.usage for scored in trials if scored.trial.usage]
    costs = [scored.cost_usd for scored in trials if scored.trial.usage]
    priced = [amount for amount in costs if amount is not None]
    total = sum(usages, Usage())
    cost_usd = sum(priced, Decimal(0)) if len(priced) == len(costs) else None
    whole = Decimal("0.00132")
    return Cell(
        case=case_name,
        variant=variant,
        verdict=verdict,
        min_pass_rate=more.pop("min_pass_rate", 0.8),
        passes=passes,
        failures=failures,
        errors=len(trials) - passes - failures,
        interval=_wilson(passes, failures, len(trials) + more.get("missing", 0)),
        trials=tuple(trials),
        usage=total,
        cost_usd=cost_usd,
        seconds=sum(scored.trial.seconds for scored in trials),
        whole_reruns=WholeReruns(
            trials=len(usages),
            tokens=7_744 * len(usages),
            cost_usd=None if cost_usd is None else whole * len(usages),
            seconds=8.0 * len(usages),
        )
        if usages
        else None,
        **more,
    )


def _wilson(passes: int, failures: int, planned: int) -> Interval | None:
    if not passes + failures:
        return None
    low = binomtest(passes, planned).proportion_ci(method="wilson").low
    high = binomtest(planned - failures, planned).proportion_ci(method="wilson").high
    return Interval(low=float(low), high=float(high))


FELL = "Revenue fell by 12% in March. The North explains most of the fall: a large order slipped into April."
ROSE = "Revenue increased by 12% in March, driven by a strong quarter in the North."


def mixed(variant: str, passes: int, trials: int = 10) -> list[ScoredTrial]:
    return [
        passed(variant, n, FELL) if n > trials - passes else failed(variant, n, ROSE)
        for n in range(1, trials + 1)
    ]


def misleading_summary() -> CaseResult:
    name = "misleading-summary"
    cells = (
        cell(name, "current", Verdict.FAIL, mixed("current", 1), request=request(SUMMARIZER), p_value=0.0001),
        cell(name, "careful", Verdict.PASS, mixed("careful", 10), request=request(CAREFUL), fixes=True),
        cell(
            name,
            "terse",
            Verdict.FAIL,
            mixed("terse", 4),
            request=request(TERSE, model="gpt-4o", settings={"temperature": 0.2, "max_tokens": 80}),
        ),
    )
    return CaseResult(
        case=case(name, description="The summary says revenue rose although it fell."),
        recorded=failed("recorded", 0, ROSE),
        cells=cells,
        outcome=Outcome(case=name, status=ForkStatus.MEASURED, run_id="fork-1", seconds=12.5),
    )


def fixed_by(result: CaseResult, *variants: str) -> CaseResult:
    """The result, fixed by these candidates and by no other."""
    cells = tuple(replace(cell, fixes=cell.variant in variants) for cell in result.cells)
    return replace(result, cells=cells)


def malformed_sql() -> CaseResult:
    name = "malformed-sql"
    bad, good = "SELECT FROM sales GROUP BY", "SELECT region, sum(revenue) FROM sales GROUP BY region"
    tools = (RUN_SQL, TRANSFORM)
    current = [called("current", n, bad, ok=False) for n in range(1, 11)]
    first = [called("schema-first", n, good, ok=n != 3, resumed=n < 4) for n in range(1, 15)]
    short = [called("short", n, good if n % 4 else bad, ok=bool(n % 4)) for n in range(1, 9)]
    short += [broke("short", 9)]
    cells = (
        cell(name, "current", Verdict.FAIL, current, request=request(ANALYST, agent="analyst", tools=tools)),
        cell(
            name,
            "schema-first",
            Verdict.PASS,
            first,
            fixes=True,
            request=request(SCHEMA_FIRST, agent="analyst", tools=tools),
        ),
        cell(
            name,
            "short",
            Verdict.INCONCLUSIVE,
            short,
            request=request("Answer in SQL.", agent="analyst", tools=(RUN_SQL,)),
            missing=1,
            reason="6 of 10 passed: neither above 0.8 (p = 0.97) nor below it (p = 0.32); "
            "1 of 10 trials ended in an error and 1 of 10 trials did not run",
        ),
    )
    return CaseResult(
        case=case(
            name, step=3, agent="analyst", description="The query has no columns, so DuckDB refuses it."
        ),
        recorded=called("recorded", 0, bad, ok=False),
        cells=cells,
        outcome=Outcome(case=name, status=ForkStatus.MEASURED, run_id="fork-2", seconds=20.0),
    )


def guard() -> CaseResult:
    name = "quarterly-summary"
    cells = (
        cell(name, "current", Verdict.PASS, mixed("current", 14, 14), request=request(SUMMARIZER)),
        cell(name, "careful", Verdict.PASS, mixed("careful", 14, 14), request=request(CAREFUL)),
        cell(name, "terse", Verdict.FAIL, mixed("terse", 2, 14), request=request(TERSE)),
    )
    described = "A run that went well: a fix for the summarizer must leave it so."
    return CaseResult(
        case=case(name, guard=True, description=described), recorded=passed("recorded", 0, FELL), cells=cells
    )


def stale() -> CaseResult:
    name = "renamed-transform"
    reason = (
        "step 4 was recorded as 'run_sql', and the code reached 'query_sales': "
        "restore the name, or capture a newer run"
    )
    outcome = Outcome(case=name, status=ForkStatus.STALE, reason=reason)
    cells = tuple(
        cell(name, variant, Verdict.STALE, reason=reason) for variant in ("current", "careful", "terse")
    )
    return CaseResult(case=case(name), recorded=failed("recorded", 0, ROSE), cells=cells, outcome=outcome)


def unmeasured() -> CaseResult:
    name = "wrong-tool"
    good = "SELECT month, revenue FROM sales"
    trials = [
        *(broke("current", n) for n in range(1, 10)),
        scorer_broke("current", 10),
    ]
    reason = "nothing was measured: 10 of 10 trials ended in an error; "
    reason += "the first: RateLimitError: 429 Too Many Requests after 5 tries"
    asked = request(ANALYST, agent="analyst", tools=(RUN_SQL,))
    return CaseResult(
        case=case(name, step=5, agent="analyst", description="It transforms a table that it never queried."),
        recorded=called("recorded", 0, good, ok=False),
        cells=(cell(name, "current", Verdict.ERROR, trials, request=asked, reason=reason),),
        outcome=Outcome(case=name, status=ForkStatus.MEASURED, run_id="fork-5"),
    )


def hostile() -> CaseResult:
    """Text that means harm in every place that a model, a case file or a prompt fills."""
    name = "<b>hostile</b>\u202e-output"
    trials = [
        failed(
            "current",
            1,
            HOSTILE,
            scores=(Score(scorer="judge", passed=False, reason=HOSTILE),),
            model="local<model>",
        ),
        failed("current", 2, "y" * 1_200_000 + " THE END", model="local<model>"),
        passed("current", 3, "سقطت الإيرادات revenue fell 収益", model="local<model>"),
        _scored(
            "current",
            4,
            Answer(tool_calls=(ToolCall(name="<i>", arguments={"q": HOSTILE, "nan": float("nan")}),)),
            (Score(scorer="number", passed=False, value=float("inf"), reason="inf is not -12"),),
            False,
            model="local<model>",
        ),
    ]
    reason = "1 of 4 passed: 4 trials can never decide it, 14 can <script>"
    odd = steps()
    broken = Step(
        number=9,
        name="<u>plain</u>",
        error=RecordedError(type="ValueError", message="\x1b[2J<script>"),
    )
    return CaseResult(
        case=case(name, agent="<agent>", steps=(*odd, broken), model="local<model>", description=HOSTILE),
        recorded=passed("recorded", 0, HOSTILE),
        cells=(
            cell(name, "current", Verdict.INCONCLUSIVE, trials, request=request(HOSTILE), reason=reason),
            cell(
                name, "a<b>", Verdict.INCONCLUSIVE, trials[:3], request=request(HOSTILE + "!"), reason=reason
            ),
        ),
        not_red=True,
    )


def tail() -> CaseResult:
    """Trials that went on to the end of the workflow: as production did, otherwise, with harm, and for long."""
    name, order = "refund-too-much", "check the order"
    run = [model_asks(1, "look_up", {"order": 7}), tool_ran(2, "look_up", {"order": 7}, order)]
    recorded = tail_of("recorded", 0, *way(500), ok=False, text="Refunded 500.")
    trials = [
        tail_of("current", 1, *way(500), ok=False, text="Refunded 500."),
        tail_of("current", 2, *way(50), ok=False, text="Refunded 50."),
        tail_of("current", 3, *way(HOSTILE), ok=False, text=HOSTILE),
        tail_of("current", 4, *long_way(60), ok=False, text=""),
        broke(
            "current", 5, 'refund({"amount":1}) was not recorded; the nearest call is refund({"amount":500})'
        ),
        *(tail_of("current", number, *way(500), ok=False, text="Refunded 500.") for number in range(6, 11)),
    ]
    better = [
        tail_of("careful", number, model_said(3, "Refused."), ok=True, text="Refused.")
        for number in range(1, 11)
    ]
    cells = (
        cell(name, "current", Verdict.FAIL, trials, request=request("Help.", agent="clerk")),
        cell(
            name,
            "careful",
            Verdict.PASS,
            better,
            request=request("Help. Never refund.", agent="clerk"),
            fixes=True,
        ),
    )
    whole = (*run, *recorded.trial.trajectory)
    made = case(name, step=3, agent="clerk", scope="tail", steps=whole, expect=({"trajectory": []},))
    return CaseResult(case=made, recorded=recorded, cells=cells)


def conversation() -> CaseResult:
    """Tails in which a recorded user goes on: once after the words of the record, once after others, and then not."""
    name = "polite"
    run = (model_said(1, "How can I help?"), user_said(2, "Where is my lamp?"), model_said(3, "It is here."))
    trials = [
        tail_of("current", 1, *run, user_said(4, None), ok=False, text="It is here."),
        tail_of("current", 2, model_said(1, HOSTILE), *run[1:], ok=False, text="It is here."),
    ]
    cells = (cell(name, "current", Verdict.FAIL, trials, request=request("Help.", agent="clerk")),)
    made = case(name, step=1, agent="clerk", scope="tail", steps=run, expect=({"final": {"contains": "12"}},))
    recorded = tail_of("recorded", 0, *run, ok=False, text="It is here.")
    return CaseResult(case=made, recorded=recorded, cells=cells)


def way(amount: object) -> tuple[Step, ...]:
    """A refund, and a mail that the tool policy did not allow."""
    return (
        model_asks(3, "refund", {"amount": amount}),
        tool_ran(4, "refund", {"amount": amount}, f"refunded {amount}"),
        model_asks(5, "mail", {}),
        tool_ran(
            6, "mail", {}, None, error=RecordedError(type="ToolToldError", message="mail() is not there")
        ),
        model_said(7, f"Refunded {amount}."),
    )


def long_way(count: int) -> tuple[Step, ...]:
    return tuple(tool_ran(number, f"tool_{number}", {"n": number}, number) for number in range(3, 3 + count))


def model_asks(number: int, tool: str, arguments: Any) -> Step:
    asked = Answer(tool_calls=(ToolCall(name=tool, arguments=arguments),))
    return _model_step("clerk", asked, MODEL, {"number": number})


def model_said(number: int, text: str) -> Step:
    return _model_step("clerk", Answer(text=text), MODEL, {"number": number})


def user_said(number: int, text: str | None) -> Step:
    return Step(number=number, name="DBOS.recv", output=text)


def tool_ran(number: int, tool: str, arguments: Any, output: Any, **more: Any) -> Step:
    return Step(
        number=number, name=tool, kind=StepKind.TOOL, tool=tool, arguments=arguments, output=output, **more
    )


def tail_of(variant: str, number: int, *steps: Step, ok: bool, text: str) -> ScoredTrial:
    calls = calls_of(steps)
    said = f"called {', '.join(call.name for call in calls)[:80] or 'no tool'}"
    score = Score(scorer="trajectory", passed=ok, reason=said if ok else f"{said}: too many")
    given = Answer(text=text, tool_calls=calls)
    return _scored(variant, number, given, (score,), ok, trajectory=steps, usage=usage_of(steps), seconds=2.5)


def evaluation(*results: CaseResult) -> SuiteResult:
    return SuiteResult(
        cases=results,
        recommendations=recommend(results),
        started_at=BEGIN + timedelta(days=2),
        seconds=83.4,
        refork_version="0.1.0",
        settings={"trials": "10", "concurrency": "8", "database": "sqlite"},
    )


def realistic() -> SuiteResult:
    """Two wins, a guard, an error and a stale case: a morning's work."""
    return evaluation(misleading_summary(), malformed_sql(), guard(), unmeasured(), stale())


def everything() -> SuiteResult:
    return evaluation(*realistic().cases, tail(), hostile())


def small() -> SuiteResult:
    """One of each thing that results.json can hold, short enough to be read: the golden file."""
    name, good, bad = "small", "SELECT region FROM sales", "SELECT FROM"
    asked = request(ANALYST, agent="analyst", tools=(RUN_SQL,), output_schema={"type": "object"})
    trials = (
        called("current", 1, bad, ok=False, resumed=True),
        broke("current", 2),
        scorer_broke("current", 3),
    )
    cells = (
        cell(name, "current", Verdict.FAIL, trials, request=asked, missing=1, p_value=0.03125),
        cell(
            name, "careful", Verdict.PASS, (called("careful", 1, good, ok=True),), request=asked, fixes=True
        ),
    )
    result = CaseResult(
        case=case(name, step=3, agent="analyst", description="A query without columns.", steps=steps(4)),
        recorded=called("recorded", 0, bad, ok=False),
        cells=cells,
        outcome=Outcome(case=name, status=ForkStatus.MEASURED, run_id="fork-1", seconds=2.5),
    )
    return evaluation(result)
