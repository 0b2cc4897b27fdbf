# For an apply of the root module on an emulator: nothing here changes what is made, only how soon things happen and
# that all of it can go again. The README says how to use it, and what an emulator leaves out.

deletion_protection = false

# Visibility timeouts of 18 s: what a killed function held is received again within one test.
consumer = { timeout_s = 3 }
archiver = { timeout_s = 3 }

# The emulator takes the request for the bucket's metrics for another one.
archive = { request_metrics = false }

# Twenty receives as in AWS, in half a minute and not in hours.
retries = { base_s = 1, cap_s = 1 }
