"""`python -m filmgate` is the same as `filmgate`."""

from filmgate.adapters.cli import main

main()
