"""WHAT WE KNOW: pure functions of the trade.

No database, no clock, no Django: every moment and every fact is an argument, so each rule can be
read beside the guideline or regulation it comes from and tested by table.

``safety``   answers and exposures -> findings, level, route, placement. Its parts: ``answers`` in,
             ``exposures`` and ``substances`` (Table 2 and its doses), ``case``, ``safety_rules`` and
             ``rule_texts`` (R1-R22), ``findings`` out, ``questions`` to ask
``hours``    when may we ring a person, in their own time (``zones``, ``clocks``)
``phones``   which numbers may be dialed at all
``matching`` which facilities answer a need, and why or why not (``needs``, ``service_codes``)
``retries``  what follows an attempt, and when a promise is due, late and broken
"""
