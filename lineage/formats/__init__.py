"""One module per output: a result in, text out."""
