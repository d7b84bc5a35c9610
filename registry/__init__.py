"""What was seen: models, names, derivations and defects, in a database."""
