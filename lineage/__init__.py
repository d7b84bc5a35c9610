"""What it means: families as graphs, paths, counts, and their reports."""
