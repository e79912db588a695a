"""What many cases say together, for the people who write policy.

`classes` holds cases with one obstacle: `discovery` says which are alike, `proposing` lets the machine add,
`naming` puts it into words, `verdicts` says whether a fix stopped them.
`barriers` ranks classes as hidden barriers, `numbers` says which cases a number counts, `watch` raises notices;
`comparison` and `prerequisites` look across halls and departments; `report` puts it all on paper.
`changes` answers what changed in a period; `needs` what people asked that no case answers. Pages and the API of these
are in `search.class_pages`, `search.barrier_pages`, `search.barrier_api` and `search.policy_web`.
"""
