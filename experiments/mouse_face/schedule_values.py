"""Values that are given for one session go into the text of its schedule, which is kept with the session."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import yaml

from experiments.mouse_face.schedule_file import compose, is_wrapped, meant, short_name

GIVEN = "given for this session"
"""Source of a value that was set at the command line."""


def parse_values(settings: Sequence[str]) -> dict[str, str]:
    """Take ``name=value`` texts apart, as they follow ``--set``.

    Raises
    ------
    ValueError
        If one has no name or no value, or a name comes twice.

    Examples
    --------
    >>> parse_values(["tail_shock.current_ma=[0.1, 0.2]", "repeats = 5"])
    {'tail_shock.current_ma': '[0.1, 0.2]', 'repeats': '5'}
    """
    values: dict[str, str] = {}
    for setting in settings:
        name, _, value = (part.strip() for part in setting.partition("="))
        if not name or not value:
            raise ValueError(f"--set {setting}: expected a name and a value, such as sucrose.volume_ul=4")
        if name in values:
            raise ValueError(f"--set {name} is given twice: keep one")
        values[name] = value
    return values


def fill_in(text: str, values: Mapping[str, str], file: str) -> str:
    r"""Write values into the text of a schedule; everything else stays as it is.

    Parameters
    ----------
    text : str
        The file's text.
    values : mapping
        Name of a setting, such as ``tail_shock.current_ma``, and its value as it would be written in the
        file.
    file : str
        Name of the file, for messages.

    Returns
    -------
    str
        The text with the values; their source says that they were given for this session.

    Raises
    ------
    ValueError
        If there is no such setting, or a value cannot be read.

    Examples
    --------
    >>> print(fill_in("stimuli:\n  sucrose:\n    volume_ul: 4", {"sucrose.volume_ul": "5"}, "x.yaml"))
    stimuli:
      sucrose:
        volume_ul: {value: 5, source: "given for this session"}
    """
    for name, value in values.items():
        settings = dict(leaves(compose(text, file)))
        fitting = [one for one in settings if one == name or one.endswith("." + name)]
        if len(fitting) != 1:
            hint = "which of " + ", ".join(fitting) if fitting else meant(name, [*map(short_name, settings)])
            raise ValueError(
                f"--set {name}: {hint}" + ("?" if fitting else f" ({file} has no setting {name!r})")
            )
        _check_value(name, value)
        node = settings[fitting[0]]
        start, stop = node.start_mark.index, _stop(node)
        text = f'{text[:start]}{{value: {value.strip()}, source: "{GIVEN}"}}{text[stop:]}'
    return text


def leaves(node: yaml.MappingNode, path: str = "") -> Iterator[tuple[str, yaml.Node]]:
    """Yield every setting with its node."""
    for key, value in node.value:
        place = f"{path}.{key.value}" if path else str(key.value)
        if isinstance(value, yaml.MappingNode) and not is_wrapped(value):
            yield from leaves(value, place)
        else:
            yield place, value


def _check_value(name: str, value: str) -> None:
    """Refuse a value that would not stay in its place in the file."""
    try:
        node = yaml.compose(f"{{value: {value}}}", Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        node = None
    one_line = bool(value.strip()) and "\n" not in value and "#" not in value
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    if not one_line or len(pairs) != 1 or isinstance(pairs[0][1], yaml.MappingNode):
        raise ValueError(
            f"--set {name}={value}: expected a number, a word, or a list such as [0.1, 0.2] "
            "(in quotes, where the shell asks for them)"
        )


def _stop(node: yaml.Node) -> int:
    """Return where a node ends, without the empty lines and comments that YAML counts as part of a block."""
    block = isinstance(node, yaml.CollectionNode) and not node.flow_style
    if block and node.value:
        last = node.value[-1]
        return _stop(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)
