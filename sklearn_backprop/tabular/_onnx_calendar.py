"""The calendar in ONNX: from days since 1970 to weekdays, months and cycles."""

import numpy as np

from .._estimators.onnx import DOUBLE
from ._calendar import PARTS, Cycle, Month, Weekday

INT = np.dtype(np.int64)
BOOL = np.dtype(bool)


def add_calendar(graph, days, missing, calendar):
    """Add the columns of a ``Calendar``; return their name.

    Parameters
    ----------
    graph : Graph
        To add to.
    days : str
        Doubles of shape (N, 1), since 1970.
    missing : str
        Which of them are NaN.
    calendar : Calendar
        Says which parts.
    """
    if not calendar.parts:  # no columns
        nothing = graph.constant([0], INT), graph.constant([0], INT), graph.constant([1], INT)
        return graph.add("Slice", days, *nothing)
    zero = graph.constant([[0.0]], DOUBLE)
    there = graph.add("Where", missing, zero, days, dtype=DOUBLE)
    parts = [NODES[type(PARTS[name])](graph, there, PARTS[name]) for name in calendar.parts]
    columns = parts[0] if len(parts) == 1 else graph.add("Concat", *parts, axis=1)
    return graph.add("Where", missing, zero, columns, dtype=DOUBLE)


def _whole(graph, days):
    """Return whole days."""
    return graph.cast(graph.add("Floor", days), INT)


def _one_hot(graph, numbers, n_columns):
    columns = graph.constant(np.arange(n_columns)[None], INT)
    return graph.cast(graph.add("Equal", numbers, columns, dtype=BOOL), DOUBLE)


def _weekday(graph, days, part):
    numbers = graph.combine("Add", _whole(graph, days), [[3]])
    return _one_hot(graph, graph.combine("Mod", numbers, [[7]]), 7)


def _month(graph, days, part):
    """Count from a March: 153 days in each five months, of a year that ends in February.

    The arithmetic is that of H. Lucas and E. G. Richards ("Mapping time", Oxford 1998), with
    400 years as the unit: 146,097 days.
    """
    day = graph.combine("Add", _whole(graph, days), [[719_468]])  # since a 1 March
    day = graph.combine("Mod", day, [[146_097]])

    def parts_of(divisor):
        return graph.combine("Div", day, [[divisor]])

    leap_days = graph.add(
        "Sub", parts_of(36_524), graph.add("Add", parts_of(1_460), parts_of(146_096))
    )
    year = graph.combine("Div", graph.add("Add", day, leap_days), [[365]])
    before = graph.add(
        "Add", graph.combine("Mul", year, [[365]]), graph.combine("Div", year, [[4]])
    )
    before = graph.add("Sub", before, graph.combine("Div", year, [[100]]))
    of_year = graph.combine("Mul", graph.add("Sub", day, before), [[5]])
    since_march = graph.combine("Div", graph.combine("Add", of_year, [[2]]), [[153]])
    return _one_hot(
        graph, graph.combine("Mod", graph.combine("Add", since_march, [[2]]), [[12]]), 12
    )


def _cycle(graph, days, part):
    angle = graph.combine("Mul", days, [[2 * np.pi / part.period]])
    return graph.add("Concat", graph.add("Cos", angle), graph.add("Sin", angle), axis=1)


NODES = {Weekday: _weekday, Month: _month, Cycle: _cycle}
"""What adds a kind of part: a function of the graph, the name of the days, and the part."""
