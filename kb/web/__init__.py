"""The web shell: Chinese pages over a Datasette that holds library.db.

`serve` starts it; `plugin` is what Datasette loads; `pages` and `browse` are the pages of the ground floor;
`shell` is what every page needs, also those that upper floors add; `compat` holds what differs between
Datasette 0.65 and 1.0.
"""
