"""What a user would pick instead, on the same cases and the same questions: `python -m tests.bench.quality`."""
