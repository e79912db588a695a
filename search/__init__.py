"""Middle floor: finds. From a typed question to precedents, with the reason why each was found.

`words` cuts texts, `query` takes a question apart, `embedder` turns texts into vectors, `engine` scores
the cases in several views, `ranking` weighs the views, `explanation` says why, and `precedents` is the door
through which commands and pages ask. The floor hangs on the hooks of `kb` (`plugin`) and knows nothing of
`ingest`.
"""
