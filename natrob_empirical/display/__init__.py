"""Texts, tables, figures and parts of pages as plain data, for whoever shows something and for whoever judges."""

from natrob_empirical.display.figure import Figure as Figure
from natrob_empirical.display.part import Part as Part
from natrob_empirical.display.table import Cell as Cell
from natrob_empirical.display.table import Column as Column
from natrob_empirical.display.table import Table as Table
from natrob_empirical.display.text import measured as measured
from natrob_empirical.display.text import pieces as pieces
from natrob_empirical.display.text import plain as plain
