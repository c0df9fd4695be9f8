"""Records looked up and made into what is shown: typed words to records, records to views, ids to names."""
