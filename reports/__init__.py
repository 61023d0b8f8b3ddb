"""Published records and pages; `python -m reports` writes the pages anew."""
