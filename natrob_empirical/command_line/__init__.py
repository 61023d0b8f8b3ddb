"""The console command `natrob`."""

from natrob_empirical.command_line.app import main as main
