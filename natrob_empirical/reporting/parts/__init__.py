"""Everything that a page shows of a run or a model, one file a part; each is None where the records have nothing."""

from natrob_empirical.reporting.parts.cells import key as key
from natrob_empirical.reporting.parts.chart import look as look
from natrob_empirical.reporting.parts.lists import INDEX_PARTS as INDEX_PARTS
from natrob_empirical.reporting.parts.lists import MODEL_PARTS as MODEL_PARTS
from natrob_empirical.reporting.parts.lists import RUN_PARTS as RUN_PARTS
from natrob_empirical.reporting.parts.picture import picture as picture
