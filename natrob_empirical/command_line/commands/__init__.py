"""The commands as they are typed: options, help, and the order of the work.

Help must come at once, so these modules import neither torch nor anything that does; each command imports its work
when it runs. Lists of names in help texts are those of `known_names`.
"""
