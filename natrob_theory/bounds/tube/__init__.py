"""The tube of a trajectory."""
