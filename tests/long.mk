# Tests that take long, or need what is fetched for them alone. Included by GNUmakefile.

.PHONY: check-gdb-versions check-real check-glibc check-go check-proof check-valgrind cut-table check-sizes

check-gdb-versions: all ## the tests of the GDB command in GDB 16 and 18, fetched like Go
	@$(TEST_ENV) tests/gdb/versions --check --jobs $(JOBS) --timeout 900

check-real: all ## compare every stack of the real servers that are installed
check-glibc: all ## the samples' truths under glibc 2.31 and 2.41, fetched into the build folder
check-real check-glibc:
	@$(RUN) --timeout 1800 tests/$(@:check-%=%)

check-go: all ## compare every goroutine of all Go samples, by eight versions of Go (an hour)
	@COREGO=all $(RUN) --timeout 14400 tests/go

check-proof: all ## hold the proofs about goroutines to 960 cores of busy programs (half an hour)
	@COREGO=all $(RUN) --timeout 14400 tests/go/test_proof.py

check-valgrind: deps-valgrind all ## the command over every native sample's core, under Valgrind
	@$(RUN) --timeout 7200 tests/valgrind

SIZES_NUM ?= 1000000
check-sizes: ## forged cores of a million threads, locks, stacks and files (SIZES_NUM): time, memory
	@$(MAKE) $(O)/unit
	@SIZES_NUM=$(SIZES_NUM) CK_RUN_SUITE=sizes CK_VERBOSITY=verbose $(O)/unit

cut-table: all ## stacks found in cores cut at each 10 %, beside GDB's, eu-stack's and Delve's
	@$(TEST_ENV) /usr/bin/python3 tests/real/cut_table.py
