"""HOW WE READ THE DIRECTORY: SAMHSA's National Directory of treatment facilities, as a workbook.

Pure: reads a file and the bundled ZIP table, touches no database and no clock.

``editions`` file -> facilities, vocabulary, what was refused and why
``workbook`` is the file whole, and which sheet has these columns
``cells``    what stood in a cell -> clean text
``places``   ZIP -> coordinates, county, time zone
``identity`` which row of this edition is which facility of the last one
"""
