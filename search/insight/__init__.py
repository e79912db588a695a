"""What many cases say together, for the people who write policy.

`classes` holds cases with one obstacle: `discovery` says which are alike, `proposing` lets the machine add,
`naming` puts it into words, `verdicts` says whether a fix stopped them.
`changes` answers what changed in a period; `needs` what people asked that no case answers. Pages and the API that
show both are in `search.policy_web`.
"""
