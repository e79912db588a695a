"""One small module per kind of value: what clerks write → one standard form, or nothing.

    dates        parse_date, has_date_shape, working_days
    regions      Region, by_code, find, hall, distance        (GB/T 2260)
    departments  clean, split, standard
    matters      clean, standard, code
    documents    find → Basis                                 (文号, laws, clauses)

None of them raises on any text: a value that cannot be understood is `None` (or an empty list), and the
caller reports it. Facts live in the data files beside the modules, each with a header that says its source.
"""
