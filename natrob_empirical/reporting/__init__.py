"""The site: from the ledger and the records of runs to pages, figures and tables."""

from natrob_empirical.reporting.comparison import comparison_page as comparison_page
from natrob_empirical.reporting.writer import SiteFiles as SiteFiles
from natrob_empirical.reporting.writer import write_page as write_page
from natrob_empirical.reporting.writer import write_site as write_site
