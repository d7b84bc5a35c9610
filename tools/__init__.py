"""Programs for whoever works on this one. A package by name, since a library of the tests brings another `tools`."""
