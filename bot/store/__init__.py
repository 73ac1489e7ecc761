"""Tables, transactions, migrations and demonstration data: everything that is kept."""
