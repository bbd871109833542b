"""Arguments as callers give them, checked: what cannot be used is a molgen3d.Error that names it."""
import math
import operator

from .errors import Error


def shown(value, limit=80):
    """One short line."""
    text = " ".join(repr(value).split())
    return text if len(text) <= limit else text[:limit] + "..."


def integer(name, value, least, most):
    """`value` as an int of least .. most; NumPy's integers count, True and 1.0 do not."""
    try:
        number = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = None
    if number is None or not least <= number <= most:
        raise Error(f"{name} {shown(value)}: an integer from {least} to {most} is needed")
    return number


def number(name, value):
    """`value` as a finite float."""
    try:
        result = math.nan if isinstance(value, (bool, str, bytes)) else float(value)
    except (TypeError, ValueError, OverflowError):
        result = math.nan
    if not math.isfinite(result):
        raise Error(f"{name} {shown(value)}: a number is needed")
    return result


def text(name, value, error=Error):
    """`value` as a str that is valid Unicode: a lone surrogate has no bytes."""
    if not isinstance(value, str):
        raise error(f"{name}: {type(value).__name__} {shown(value)} is no text")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as problem:
        raise error(f"{name}: {shown(value)} is not valid Unicode: character {problem.start + 1}") from None
    return value


def texts(name, values, error=Error):
    """A list of texts, of one text or of several."""
    if isinstance(values, str):
        values = [values]
    try:
        values = list(values)
    except TypeError:
        raise Error(f"{name}: {type(values).__name__} {shown(values)}: a text or a list of texts is needed") from None
    return [text(f"{name}[{i}]", value, error) for i, value in enumerate(values)]


def path(name, value):
    """`value` as a pathlib.Path."""
    import pathlib

    try:
        return pathlib.Path(value)
    except TypeError:
        raise Error(f"{name}: {type(value).__name__} {shown(value)} is no path") from None
