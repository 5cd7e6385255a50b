# Fuzzing: each target is linked twice, for libFuzzer (make fuzz) and to run inputs again (make
# check). Included by the GNUmakefile.

FLAGS_fuzz := -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined \
	-fno-sanitize-recover=all -Wno-unknown-warning-option
LDFLAGS_fuzz := $(LDFLAGS_asan)

FUZZ_SECONDS ?= 60
FUZZ_TARGETS := $(sort $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c)))
FUZZ_FAKES := $(patsubst %.c,$(O)/obj/%.o,$(wildcard tests/unit/fake_*.c))
FUZZ_COMMON := $(patsubst %,$(O)/obj/tests/fuzz/%.o,mutate seeds analyse asserts)
FUZZ_OBJS := $(FUZZ_FAKES) $(FUZZ_COMMON) \
	$(patsubst %,$(O)/obj/tests/fuzz/%.o,replay libfuzzer $(FUZZ_TARGETS:%=fuzz_%))

.PHONY: fuzz fuzz-run fuzz-afl fuzz-afl-run fuzz-replay
.SECONDARY: $(FUZZ_OBJS)

-include $(FUZZ_OBJS:.o=.d)

$(O)/replay-%: $(O)/obj/tests/fuzz/fuzz_%.o $(O)/obj/tests/fuzz/replay.o $(FUZZ_COMMON) \
		$(FUZZ_FAKES) $(LIB_OBJS)
	$(call run,LD,$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS))

$(O)/fuzz-%: $(O)/obj/tests/fuzz/fuzz_%.o $(O)/obj/tests/fuzz/libfuzzer.o $(FUZZ_COMMON) \
		$(FUZZ_FAKES) $(LIB_OBJS)
	$(call run,LD,$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LIBS))

fuzz-replay: $(FUZZ_TARGETS:%=$(O)/replay-%)

fuzz: deps-fuzz ## search for inputs that break it, FUZZ_SECONDS a target, by libFuzzer
	@$(MAKE) FLAVOUR=fuzz CC=clang fuzz-run

fuzz-run: $(FUZZ_TARGETS:%=$(O)/fuzz-%)
	@tests/fuzz/run $(O) $(FUZZ_SECONDS) $(FUZZ_TARGETS)

fuzz-afl: deps-fuzz-afl ## the same targets by AFL++
	@$(MAKE) FLAVOUR=fuzz O=build/afl CC=afl-clang-fast fuzz-afl-run

fuzz-afl-run: $(FUZZ_TARGETS:%=$(O)/fuzz-%)
	@tests/fuzz/run-afl $(O) $(FUZZ_SECONDS) $(FUZZ_TARGETS)
