"""Pretranslation: filling a file that is to be translated from the translation memory."""
