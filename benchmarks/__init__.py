"""Speed of natrob beside its peers: `make bench`, one table."""
