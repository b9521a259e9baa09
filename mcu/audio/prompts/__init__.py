"""Spoken announcements: files made by make.py, and the playing of them."""
