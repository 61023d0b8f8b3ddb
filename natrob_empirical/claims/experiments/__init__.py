"""The paper’s claims about experiments, E1 to E12, one file each."""
