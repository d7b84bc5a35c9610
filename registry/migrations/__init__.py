"""The schema's history: the only way it is created or upgraded."""
