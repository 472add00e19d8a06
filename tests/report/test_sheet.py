"""Sheets of panels: what must not run over the rim."""

import matplotlib as mpl
import pytest

from semcom.report.sheet import STYLE, Sheet

MANY = [f"a_method_{'long' * (n % 3)}, own receivers" for n in range(9)]


@pytest.mark.parametrize("columns", [1, 3])
@pytest.mark.parametrize("names", [["jscc", "vq"], ["jscc", "avif_capacity (mosaics)"] * 2, MANY])
def test_a_legend_stays_on_the_sheet(columns, names):
    named = [f"{name} {number}" for number, name in enumerate(names)]
    with mpl.rc_context(STYLE):
        sheet = Sheet(columns, columns=columns)
        for name in named:
            sheet.panels[0].plot([0, 1], [0, 1], label=name)
        sheet.finish("x", "note", "foot")
        sheet.figure.draw_without_rendering()
        (legend,) = sheet.figure.legends
        assert legend.get_window_extent().x1 <= sheet.figure.bbox.x1
        assert [text.get_text() for text in legend.get_texts()] == named
