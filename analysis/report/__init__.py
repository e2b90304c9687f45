"""Reports of a study: one self-contained page, its tables as TSV and JSON, its figures as SVG and PNG."""

from analysis.report.document import Report
from analysis.report.table import Column, Table

__all__ = ["Column", "Report", "Table"]
