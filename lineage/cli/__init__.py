"""The `lineage` command: the only code that prints or exits."""
