"""Tables as plain data; the page templates print them."""

from natrob_empirical.reporting.tables.accuracy import accuracy_tables as accuracy_tables
from natrob_empirical.reporting.tables.accuracy import certificate_refusals as certificate_refusals
from natrob_empirical.reporting.tables.growth import checks_table as checks_table
from natrob_empirical.reporting.tables.growth import growth_table as growth_table
from natrob_empirical.reporting.tables.models import models_table as models_table
from natrob_empirical.reporting.tables.step_sizes import step_sizes_table as step_sizes_table
from natrob_empirical.reporting.tables.table import Cell as Cell
from natrob_empirical.reporting.tables.table import Column as Column
from natrob_empirical.reporting.tables.table import Table as Table
from natrob_empirical.reporting.tables.training import training_table as training_table
