"""`python -m rundun`."""

from rundun.cli import main

if __name__ == "__main__":
    main()
