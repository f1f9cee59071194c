"""Make the export's rows. Each module has one group of tables."""
