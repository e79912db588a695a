"""Who uses the library: accounts of halls with roles, their logins, and what each may do.

`people` keeps accounts, `passwords` what is kept of their passwords; `sessions` the logins of browsers, `tokens`
those of programs, `limits` how often a login may fail; `rights` answers who may what.
An *actor* is a plain dict, as Datasette passes it about: {id, name, hall_code, hall_name, roles [], scopes [] | None}.
"""

from .people import Account
from .rights import ROLES, alone, demand, may

__all__ = ["ROLES", "Account", "alone", "demand", "may"]
