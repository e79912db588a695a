"""`python -m kb` is `kb`."""

from .cli import main

main()
