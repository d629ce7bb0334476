"""What bench/public_form.py is measured against: a fresh Django project with one form.

Settings and middleware are those of `startproject`, the view is the one of the tutorial: a
ModelForm with the fields of our own form, saved as one row. No limit, no secret, no second table.
"""
