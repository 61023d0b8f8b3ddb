"""A run as it goes on: its errors, what it is at, and the memory it frees."""
