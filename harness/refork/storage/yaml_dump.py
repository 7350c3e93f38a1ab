"""Writes plain data as YAML that reads back as what it was, also where YAML 1.1 and 1.2 differ."""

import re
from typing import Any, Final

import yaml

_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n", "inf", "nan"})


def yaml_block(value: Any) -> str:
    """``value`` in lines, which end with a line break."""
    return _dumped(value, flow=False)


def yaml_line(value: Any) -> str:
    """``value`` in one line: ``tool_called: {name: run_sql, times: 1}``."""
    if isinstance(value, dict) and len(value) == 1:
        return _dumped(value, flow=True).strip()[1:-1]
    return _dumped(value, flow=True).strip()


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's own signature
        return True

    def text(self, value: str) -> yaml.ScalarNode:
        """Quote every text but a word: `1e3` and `012` are numbers to some versions of YAML."""
        is_word = _PLAIN.fullmatch(value) is not None and value.lower() not in _WORDS
        return self.represent_scalar("tag:yaml.org,2002:str", value, style=None if is_word else '"')


_Dumper.add_representer(str, _Dumper.text)


def _dumped(value: Any, *, flow: bool) -> str:
    dumped: str = yaml.dump(
        value,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=flow,
        width=float("inf"),
    )
    return dumped
