"""WHAT WE KNOW: pure functions of the trade.

No database, no clock, no Django: every moment and every fact is an argument, so each rule can be
read beside the guideline or regulation it comes from and tested by table.

``safety``   answers and exposures -> findings, level, route (``substances``, ``exposures``,
             ``findings`` and ``questions`` are its parts)
``hours``    when may we ring a person, in their own time
``phones``   which numbers may be dialed at all
``matching`` which facilities answer a need, and why or why not
``retries``  what follows an attempt, and when a promise is due, late and broken
"""
