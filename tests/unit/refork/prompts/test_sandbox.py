"""A template of a pull request reaches no Python object and no other file, and cannot run away."""

import resource

import pytest
from refork.errors import TemplateError
from refork.prompts.candidates import check, render
from refork.records import Request
from refork.records.variant import Variant

GROWS = "{% set ns = namespace(x=START) %}{% for i in range(99) %}{% set ns.x = STEP %}{% endfor %}"


def grows(start: str, step: str) -> str:
    return GROWS.replace("START", start).replace("STEP", step)


def refusal(template: str, baseline: str = "Be brief.") -> str:
    variant = Variant(name="v", template=template)
    with pytest.raises(TemplateError) as caught:
        render(variant, baseline=baseline, request=Request())
    assert "\n" not in str(caught.value)
    return str(caught.value)


def peak_kilobytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.mark.parametrize(
    "expression",
    [
        "baseline.__class__",
        "baseline['__class__']",
        "baseline | attr('__class__')",
        "''.__class__.__mro__[1]",
        "range.__globals__",
        "dict.__init__.__globals__",
        "namespace.__init__.__globals__",
        "self.__dict__",
        "self._TemplateReference__context",
        "baseline.format('{0.__class__}')",
        "'{0.__class__}'.format(baseline)",
        "'{0.__class__}'.format_map(baseline)",
        "[baseline] | map(attribute='__class__') | join",
        "[baseline, baseline] | sort(attribute='__class__') | join",
        "cycler.__init__",
        "lipsum.__globals__",
        "loop",
    ],
)
def test_no_python_object_is_within_reach(expression: str) -> None:
    assert "line 1: " in refusal("{{ " + expression + " }}")


@pytest.mark.parametrize("tag", ["include '../x'", "import 'x' as x", "from 'x' import y", "extends 'x'"])
def test_another_file_is_refused_when_the_template_is_checked(tag: str) -> None:
    with pytest.raises(TemplateError, match=r"line 2: {% \w+ %} is refused: a prompt is one file"):
        check(Variant(name="v", template=f"\n{{% {tag} %}}"))


@pytest.mark.parametrize(
    "template",
    [
        "{{ 'x' * 10**9 }}",
        "{{ 10**9 * 'x' }}",
        "{{ [1] * 10**9 }}",
        "{{ (baseline * 900000)[0] }}",
        "{{ 2 ** 99999 }}",
        "{{ 'x' | center(10**9) }}",
        "{{ 'x'.ljust(10**9) }}",
        "{{ 'x'.zfill(10**9) }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ '{:>1000000000}'.format(1) }}",
        "{{ 'x' | indent(10**9, true) }}",
        "{{ 'x\tx'.expandtabs(10**9) }}",
        "{{ 7 | round(-10**9) }}",
        "{{ (1).to_bytes(10**9, 'big') }}",
        "{{ ' '.join(['x' * 900000] * 9) }}",
        "{{ ['x' * 900000] * 9 }}",
        "{{ (['x' * 9000] * 9000) | sort }}",
        "{{ ['x' * 900000, 'x' * 900000] | join }}",
        "{{ ('a' * 900000).replace('', 'b' * 900000) }}",
        "{{ ('a' * 900000) | replace('', 'b' * 900000) }}",
        "{% for i in range(10**9) %}{% endfor %}",
        "{% for i in range(10**5) %}{% for j in range(10**5) %}{% endfor %}{% endfor %}",
        "{% for i in baseline * 9999 %}{% for j in baseline * 9999 %}{% endfor %}{% endfor %}",
        "{% for i in range(99999) %}" + "text " * 1000 + "{% endfor %}",
        "{% for i in [[1]] recursive %}{{ loop(i) }}{% endfor %}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(90) }}",
        "{% block b %}{{ self.b() }}{% endblock %}",
        grows("'ab'", "ns.x ~ ns.x"),
        grows("'ab'", "ns.x + ns.x"),
        grows("'ab'", "[ns.x, ns.x] | join"),
        grows("9", "ns.x * ns.x"),
        grows("[]", "[ns.x, ns.x]"),
        grows("[]", "(ns.x, ns.x)"),
        grows("{}", "{1: ns.x, 2: ns.x}"),
        grows("{}", "dict(a=ns.x, b=ns.x)"),
        grows("[1]", "ns.x + ns.x"),
        "{% set x %}{% for i in range(99999) %}{{ 'x' * 9999 }}{% endfor %}{% endset %}",
    ],
)
def test_a_template_that_would_run_away_is_stopped_early(template: str) -> None:
    before = peak_kilobytes()
    refusal(template)
    assert peak_kilobytes() - before < 100_000


@pytest.mark.parametrize(
    "template", ["{{ " * 300, "{{ " + "(" * 5000, "{% if 1 %}" * 3000, "{{ " + "9" * 5000 + " }}"]
)
def test_a_template_that_cannot_be_parsed_is_an_error_when_it_is_checked(template: str) -> None:
    with pytest.raises(TemplateError):
        check(Variant(name="v", template=template))


def test_a_long_prompt_is_no_runaway() -> None:
    baseline = "line of text\n" * 20_000
    template = "{% for line in baseline.splitlines() %}{{ loop.index }}. {{ line }}\n{% endfor %}"
    prompt = render(Variant(name="v", template=template), baseline=baseline, request=Request())
    assert prompt.count("\n") == 20_000


def test_every_rendering_has_its_own_budget() -> None:
    variant = Variant(name="v", template="{% for i in range(90000) %}{% endfor %}ok")
    assert {render(variant, baseline="", request=Request()) for _ in range(4)} == {"ok"}
