"""docs/benchmarks.svg: for each row of the table how far it is from what is wanted."""

from collections.abc import Sequence
from math import log2
from statistics import median
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from tests.benchmarks.figures import Better, Comparison, figure

_WIDTH, _LINE, _TOP = 900, 26, 44
# Where the bars begin, and where each of them would end.
_LEFT, _RIGHT = 470, 840
# Doublings to each side of what is wanted.
_SPAN = 4

_STYLE = """
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.reached { fill: #1a7f37 } .missed { fill: #bc4c00 }
.wanted { stroke: #59636e; stroke-width: 1.5 } .ground { fill: #fff }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .reached { fill: #3fb950 } .missed { fill: #f0883e }
.wanted { stroke: #9198a1 } .ground { fill: #0d1117 }
}
"""


def svg(comparisons: Sequence[Comparison]) -> str:
    """Bars from the middle line: to the right, better than wanted; to the left, worse. Each mark is a doubling."""
    height = _TOP + _LINE * len(comparisons) + 10
    root = Element("svg", xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {_WIDTH} {height}", role="img")
    SubElement(root, "title").text = "How far each row is from what is wanted"
    SubElement(root, "style").text = _STYLE
    SubElement(root, "rect", {"class": "ground", "width": "100%", "height": "100%"})
    middle = (_LEFT + _RIGHT) / 2
    _text(root, middle, 18, "what is wanted", "middle")
    _text(root, _LEFT, 34, f"÷ {2**_SPAN}", "start")
    _text(root, _RIGHT, 34, f"× {2**_SPAN}", "end")
    line = {"class": "wanted", "x1": f"{middle:.0f}", "x2": f"{middle:.0f}", "y1": "24", "y2": f"{height - 6}"}
    for number, comparison in enumerate(comparisons):
        _bar(root, comparison, _TOP + _LINE * number, middle)
    SubElement(root, "line", line)
    indent(root)
    return tostring(root, encoding="unicode") + "\n"


def _bar(root: Element, comparison: Comparison, top: int, middle: float) -> None:
    ratio = median(comparison.ratios)
    reach = ratio / comparison.wanted
    doublings = log2(1 / reach if comparison.better is Better.GROWTH else reach)
    end = middle + max(-_SPAN, min(_SPAN, doublings)) * (_RIGHT - _LEFT) / 2 / _SPAN
    kind = "reached" if comparison.reached else "missed"
    left, width = min(middle, end), max(abs(end - middle), 1)
    bar = {"class": kind, "x": f"{left:.1f}", "y": f"{top}", "width": f"{width:.1f}", "height": f"{_LINE - 10}"}
    SubElement(root, "rect", bar)
    _text(root, 8, top + 9, comparison.what)
    _text(root, 8, top + 20, f"against {comparison.peer}", small=True)
    _text(root, _WIDTH - 8, top + 13, figure(ratio), "end")


def _text(root: Element, x: float, y: float, words: str, anchor: str = "start", *, small: bool = False) -> None:
    place = {"x": f"{x:.0f}", "y": f"{y:.0f}", "text-anchor": anchor}
    SubElement(root, "text", place | ({"style": "font-size: 9px"} if small else {})).text = words
