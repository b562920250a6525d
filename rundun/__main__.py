"""`python -m rundun`."""

from rundun.cli.main import main

if __name__ == "__main__":
    main()
