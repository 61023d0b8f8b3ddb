"""Files of a run: whole or not there at all, with one writer at a time, and settings as plain data in them."""
