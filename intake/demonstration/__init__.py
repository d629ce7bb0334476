"""Invented data for trying the helpline out: no person, place of care or number in it is real."""
