"""What CAT tools speak: the protocol of amaGama and tmserver, and LibreTranslate's.

docs/cat-tools.md says what is answered to whom, and why.
"""
