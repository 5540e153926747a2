"""Files that engineering tools export, to tags and message bits: pure parsers that account for every row."""
