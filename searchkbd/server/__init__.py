"""An index over HTTP: a page for people, an API, what CAT tools speak."""
