"""The numbers that the paper prints, without torch."""

from natrob_empirical.paper.printed_numbers import DATASETS as DATASETS
from natrob_empirical.paper.printed_numbers import SOURCE as SOURCE
from natrob_empirical.paper.printed_numbers import DatasetName as DatasetName
from natrob_empirical.paper.printed_numbers import PrintedAccuracy as PrintedAccuracy
from natrob_empirical.paper.printed_numbers import TableA1 as TableA1
from natrob_empirical.paper.printed_numbers import clean_accuracies as clean_accuracies
from natrob_empirical.paper.printed_numbers import table_1 as table_1
from natrob_empirical.paper.printed_numbers import table_2 as table_2
from natrob_empirical.paper.printed_numbers import table_a1 as table_a1
