"""``python -m searchkbd``."""

from searchkbd.cli.main import main

if __name__ == "__main__":
    main()
