"""Top floor: office files come in, drafts go down to the library.

file → reader → record → fields → privacy → duplicate check → draft. Each arrow is one module of this
package; `pipeline` walks them in order. The floor hangs its commands on the ground floor's hooks (`plugin`).
"""
