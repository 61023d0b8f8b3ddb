"""Names: those near an unknown one, and those of a package that are imported when they are asked for."""
