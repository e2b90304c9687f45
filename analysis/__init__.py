"""What is learned from a study: from a BIDS or NWB dataset on disk to tables, figures and a report."""
