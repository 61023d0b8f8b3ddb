"""Names: those near an unknown one, those of a package that are imported when asked for, those of experiments."""
