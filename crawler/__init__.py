"""How it comes in: raw rows from the Hub or from dumps become records."""
