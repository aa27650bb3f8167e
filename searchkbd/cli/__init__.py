"""The command line: parse, call, print. Each command has a module; main.py finds it."""
