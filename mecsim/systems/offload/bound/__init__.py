"""A lower bound on the cost of an episode that holds for every policy without knowledge of the future.

Whoever knows the whole tape can do no worse than a policy that does not, so the mean over tapes of the least cost of a
tape is a lower bound for every policy (information relaxation; Brown, Smith and Sun 2010, Operations Research 58). What
is used for the least cost is a lower bound itself: `relaxation` has it, `labels` what it asks of one server, `dual` how
it is made tight. `penalties` charge for the use of the future, in a way that costs no policy anything on average.
"""
