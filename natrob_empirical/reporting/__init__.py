"""The site: from the ledger and the records of runs to pages, figures and tables."""

from natrob_empirical.reporting.writer import SiteFiles as SiteFiles
from natrob_empirical.reporting.writer import write_site as write_site
