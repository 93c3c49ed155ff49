"""What validation expects of the tables of recordings and cycles, and how it tells whether it holds."""
