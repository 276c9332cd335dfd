# Makefile - builds, tests and installs the four tools. One file, non-recursive.
# SPDX-License-Identifier: BSD-3-Clause
#
#   make            four static binaries in bin/        make test       all fast tests
#   make demo       the four tools together             make lint       style and static checks
#   make bench      figures                             make fuzz       MINUTES= each
#   make mutate     faults that the tests must catch    make coverage   of the TCP engine and the host
#   make install    DESTDIR= PREFIX=                    make clean

O      ?= build
BIN    ?= bin
PREFIX ?= /usr/local
DESTDIR ?=
SAN    ?=

# Without these targets a missing package is the compiler's business; with them scripts/setup brings it.
SETUP_GOALS := all test check-long demo bench fuzz lint $(addprefix $(BIN)/,qstackd mcc lshaper hcmon)
ifneq ($(filter $(SETUP_GOALS),$(or $(MAKECMDGOALS),all)),)
ifneq ($(shell scripts/setup >&2 && echo ok),ok)
$(error scripts/setup failed)
endif
endif

TOOLS := qstackd mcc lshaper hcmon
PURE  := common/base common/wire common/inet common/tcp common/host

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror
OPT  ?= -O3
ARCH ?= -march=corei7
CFLAGS_ALL  := -std=gnu11 $(OPT) $(ARCH) -g -fno-strict-aliasing -pthread -MMD -MP -Icommon -I. $(WARN) \
	$(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer) $(CFLAGS)
CFLAGS_PURE := -D_GNU_SOURCE -Wconversion
DPDK_CFLAGS  = $(subst -I,-isystem ,$(shell pkg-config --cflags libdpdk))

# Of common/dp, what does without DPDK's headers, and is tested without DPDK.
DP_PURE  := common/dp/port_spec.c common/dp/doorbell.c
PURE_SRC := $(sort $(wildcard $(addsuffix /*.c,$(PURE))) $(DP_PURE))
DP_SRC   := $(filter-out $(DP_PURE),$(sort $(wildcard common/dp/*.c)))
PURE_OBJ := $(PURE_SRC:%.c=$(O)/%.o)
DP_OBJ   := $(DP_SRC:%.c=$(O)/%.o)
tool_obj  = $(patsubst %.c,$(O)/%.o,$(sort $(wildcard $(1)/*.c)))

# The drivers that the port grammar names register themselves from constructors, so they go in whole; the
# libraries under them as far as they are used. libpcap's D-Bus source wants two symbols of
# libsystemd, which has no static library; nothing here captures from D-Bus.
PMDS := bus_pci bus_vdev mempool_ring net_memif net_af_packet net_af_xdp net_tap net_pcap net_ring net_null \
	net_virtio net_vhost net_ixgbe net_i40e net_ice net_iavf net_e1000 net_ena net_vmxnet3
RTE  := common_iavf vhost cryptodev dmadev security hash gso ip_frag rcu pci ethdev net meter telemetry mbuf \
	mempool ring timer kvargs eal
DPDK_LIBS := -Wl,--whole-archive $(PMDS:%=-l:librte_%.a) -Wl,--no-whole-archive \
	-Wl,--start-group $(RTE:%=-l:librte_%.a) -Wl,--end-group
SYS_LIBS  := -lxdp -lbpf -lelf -lz -lpcap -ldbus-1 -lnuma -lbsd -lmd -lm -pthread \
	-Wl,--defsym,sd_listen_fds=0 -Wl,--defsym,sd_is_socket=0
# No static sanitizers. ld warns of getpwuid() and the like in static programs (libpcap and D-Bus again).
# Wrapped for the sake of two drivers: see common/dp/memif.c and driver.c.
LINK := $(if $(SAN),-fsanitize=$(SAN),-static -Wl,--no-warnings) -Wl,--gc-sections \
	-Wl,--wrap=memif_connect,--wrap=memif_free_regions,--wrap=setsockopt

.PHONY: all test demo bench soak fuzz mutate coverage lint install clean
all: $(TOOLS:%=$(BIN)/%)

$(O)/libpure.a: $(PURE_OBJ)
	@rm -f $@; ar rcs $@ $^
$(O)/libdp.a: $(DP_OBJ)
	@rm -f $@; ar rcs $@ $^

$(addprefix $(O)/,$(addsuffix /%.o,$(PURE) $(TOOLS)) $(DP_PURE:%.c=%.o)): CFLAGS_ALL += $(CFLAGS_PURE)
$(DP_OBJ): CFLAGS_ALL += -D_GNU_SOURCE $(DPDK_CFLAGS)

$(O)/%.o: %.c Makefile
	@mkdir -p $(@D)
	@echo "  CC   $<"
	@$(CC) $(CFLAGS_ALL) -c $< -o $@

.SECONDEXPANSION:
$(TOOLS:%=$(BIN)/%): $(BIN)/%: $$(call tool_obj,$$*) $(O)/libdp.a $(O)/libpure.a
	@mkdir -p $(@D)
	@echo "  LINK $@"
	@$(CC) $(LINK) $(OPT) -g -o $@ $(call tool_obj,$*) $(O)/libdp.a $(O)/libpure.a $(DPDK_LIBS) $(SYS_LIBS)

# Unit tests: tests/unit/test_NAME.c is a cmocka program over the pure code; test_TOOL_NAME.c also
# gets the files of that tool, but for its main.c; test_packet_NAME.c and test_model.c those of tests/packet.
UNIT_SRC  := $(sort $(wildcard tests/unit/test_*.c))
UNIT      := $(UNIT_SRC:tests/unit/%.c=$(O)/tests/%)
UNIT_LIBS := -lcmocka -lpcap -lm -lpthread
test_tool  = $(filter $(TOOLS),$(word 2,$(subst _, ,$(notdir $(1)))))
test_libs  = $(patsubst %,$(O)/lib%.a,$(call test_tool,$(1))) \
	$(if $(filter test_packet_% test_model,$(notdir $(1))),$(O)/libpacket.a) $(O)/libpure.a
PACKET_OBJ := $(patsubst %.c,$(O)/%.o,$(filter-out %/main.c,$(sort $(wildcard tests/packet/*.c))))

$(TOOLS:%=$(O)/lib%.a): $(O)/lib%.a: $$(filter-out %/main.o,$$(call tool_obj,$$*))
	@mkdir -p $(@D); rm -f $@; ar rcs $@ $^
$(O)/libpacket.a: $(PACKET_OBJ)
	@rm -f $@; ar rcs $@ $^
$(O)/tests/packet/%.o: CFLAGS_ALL += $(CFLAGS_PURE) -Itests/unit

$(O)/tests/packet_run: $(O)/tests/packet/main.o $(O)/libpacket.a $(O)/libpure.a
	@$(CC) $(CFLAGS_ALL) -o $@ $^ -lm

$(UNIT:%=%.o): $(O)/tests/%.o: tests/unit/%.c Makefile
	@mkdir -p $(@D)
	@echo "  CC   $<"
	@$(CC) $(CFLAGS_ALL) -D_GNU_SOURCE -Itests/unit -Itests/packet -c $< -o $@

$(UNIT): $(O)/tests/%: $(O)/tests/%.o $$(call test_libs,$$@)
	@echo "  TEST $@"
	@$(CC) $(CFLAGS_ALL) -o $@ $< $(call test_libs,$@) $(UNIT_LIBS)

# Fuzz harnesses: tests/fuzz/fuzz_NAME.c under libFuzzer (scripts/fuzz builds them, by clang); and, built
# like the rest, a test that replays what they have found worth keeping.
FUZZ   := $(patsubst tests/fuzz/%.c,$(O)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
REPLAY := $(FUZZ:$(O)/fuzz/fuzz_%=$(O)/tests/replay_%)
$(O)/fuzz/fuzz_opt $(O)/tests/replay_opt: FUZZ_LINK := -Wl,--wrap=die_usage,--wrap=exit

$(FUZZ): $(O)/fuzz/%: tests/fuzz/%.c $$(call test_libs,$$@) Makefile
	@mkdir -p $(@D)
	@echo "  FUZZ $@"
	@$(CC) $(CFLAGS_ALL) -fsanitize=fuzzer -D_GNU_SOURCE -Itests/unit $(FUZZ_LINK) -o $@ $< \
		$(call test_libs,$@) $(UNIT_LIBS)

$(REPLAY): $(O)/tests/replay_%: tests/fuzz/fuzz_%.c tests/fuzz/replay.c $$(call test_libs,$$@) Makefile
	@mkdir -p $(@D)
	@echo "  TEST $@"
	@$(CC) $(CFLAGS_ALL) -DCORPUS='"tests/fuzz/corpus/$*"' -D_GNU_SOURCE -Itests/unit $(FUZZ_LINK) -o $@ \
		$< tests/fuzz/replay.c $(call test_libs,$@) $(UNIT_LIBS)

# The simulation: two hosts, a link of lshaper's models. tests/sim/memory.c stands between stacks and malloc.
SIM      := $(O)/tests/sim
SIM_OBJ  := $(patsubst tests/sim/%.c,$(O)/sim/%.o,$(sort $(wildcard tests/sim/*.c)))
SIM_WRAP := -Wl,--wrap=malloc,--wrap=calloc,--wrap=free,--wrap=neigh_table_init
SCENARIOS ?= 1000000

$(O)/sim/%.o: tests/sim/%.c Makefile
	@mkdir -p $(@D)
	@echo "  CC   $<"
	@$(CC) $(CFLAGS_ALL) -D_GNU_SOURCE -c $< -o $@

$(SIM): $(SIM_OBJ) $(O)/lshaper/impair.o $(O)/libpure.a
	@mkdir -p $(@D)
	@echo "  TEST $@"
	@$(CC) $(CFLAGS_ALL) $(SIM_WRAP) -o $@ $^ -lm

# Seeds that nobody has run before, for as long as it takes.
soak: $(SIM)
	$(SIM) --scenarios $(SCENARIOS) --seed $$(date +%s)000 --jobs $$(nproc) --progress

# Programs that the bats tests use: a port at the other end.
TEST_TOOLS := $(patsubst tests/tools/%.c,$(O)/tests/tools/%,$(wildcard tests/tools/*.c))

$(O)/tests/tools/%: tests/tools/%.c $(O)/libdp.a $(O)/libpure.a Makefile
	@mkdir -p $(@D)
	@echo "  LINK $@"
	@$(CC) $(CFLAGS_ALL) -D_GNU_SOURCE $(LINK) -o $@ $< $(O)/libdp.a $(O)/libpure.a $(DPDK_LIBS) $(SYS_LIBS)

# Our TCP against the kernel's (tests/linux): a program for a bats test, too, but without DPDK.
DIFF_OBJ   := $(patsubst %.c,$(O)/%.o,$(sort $(wildcard tests/linux/*.c)))
TEST_TOOLS += $(O)/tests/linux_diff
$(O)/tests/linux/%.o: CFLAGS_ALL += -D_GNU_SOURCE -Itests/unit

$(O)/tests/linux_diff: $(DIFF_OBJ) $(O)/libpure.a
	@mkdir -p $(@D)
	@echo "  LINK $@"
	@$(CC) $(CFLAGS_ALL) -o $@ $^ -lm

.PHONY: unit
unit: $(UNIT) $(REPLAY)
	@scripts/run-tests --unit $(UNIT) $(REPLAY)

test: all $(UNIT) $(REPLAY) $(SIM) $(TEST_TOOLS)
	@BIN=$(BIN) BUILD=$(O) scripts/run-tests --unit $(UNIT) $(REPLAY) --bats tests/bats

# What takes longer, under 80 minutes in all: differences from Linux, the interoperation grid, attacks; unit tests that
# have a SCALE; soak.
SCALE          ?= 10
LONG_SCENARIOS ?= 2000000
.PHONY: check-long
check-long: all $(UNIT) $(TEST_TOOLS)
	@SCALE=$(SCALE) UNIT_LIMIT=1200 scripts/run-tests --unit $(O)/tests/test_tcp_board
	@BIN=$(BIN) BUILD=$(O) BATS_LIMIT=2700 scripts/run-tests --bats tests/long
	@timeout 1200 $(MAKE) --no-print-directory soak SCENARIOS=$(LONG_SCENARIOS)

demo: all
	@BIN=$(BIN) scripts/demo

bench: all
	@BIN=$(abspath $(BIN)) scripts/bench/all

# Every harness of tests/fuzz in turn, under clang's libFuzzer and sanitizers, for so many minutes each.
MINUTES ?= 1
fuzz:
	@O=$(O) scripts/fuzz -t $(MINUTES)

# COVER=1, for scripts/coverage: what of the engine is reached is counted.
ifneq ($(COVER),)
$(O)/common/tcp/%.o $(O)/common/host/%.o: CFLAGS_ALL += -O0 --coverage
$(UNIT) $(REPLAY) $(SIM): private CFLAGS_ALL += --coverage
endif

# What the proof is worth: faults put into the engine, and how much of it the tests reach.
mutate:
	@scripts/mutate

coverage:
	@O=$(O) scripts/coverage

lint:
	@scripts/lint

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/man/man8
	install -m 755 $(TOOLS:%=$(BIN)/%) $(DESTDIR)$(PREFIX)/bin
	install -m 644 man/*.1 $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 man/*.8 $(DESTDIR)$(PREFIX)/share/man/man8

clean:
	rm -rf $(O) $(BIN)

-include $(shell find $(O) -name '*.d' 2>/dev/null)
