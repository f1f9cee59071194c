"""The export's rows, a module per group of tables."""
