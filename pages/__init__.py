"""Build the pages of a set of reports: `index.html`, invoices and a workbook."""
