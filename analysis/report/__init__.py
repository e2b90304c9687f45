"""One self-contained HTML report per study, with its tables as TSV and JSON."""
