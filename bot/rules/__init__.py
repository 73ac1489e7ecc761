"""The manual's rules as pure functions and tables.

Nothing here reads a clock, a file or a database: `now` is always an argument. Days are days of
Asia/Shanghai, money is `Decimal` in CNY, datetimes are aware; those returned are in Asia/Shanghai.
"""
