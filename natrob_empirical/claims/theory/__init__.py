"""The paper’s claims about theory, T1 to T16, one file each."""
