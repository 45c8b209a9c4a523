# Deskstream: one makefile, non-recursive, nothing written outside build/ (and var/ by `make run`).
#
# Sources are found by wildcard per room, so a new file needs no edit here. Objects live in
# build/<mode>/; the mode is made of the switches below, so that modes never mix:
#   make ASAN=1 UBSAN=1 DEBUG=1 COV=1 CC=clang        WERROR=1 stops on warnings     V=1 shows commands
# `make help` lists the targets. Libraries that the system lacks come from `make deps` (build/deps).

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-print-directory
# Use every core unless the caller chose; a sub-make shares its parent's jobs.
ifeq ($(MAKELEVEL),0)
ifeq ($(filter -j% --jobserver%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell nproc)
endif
endif

ifeq ($(origin CC),default)
CC := gcc
endif
AR ?= ar

# ---------------------------------------------------------------- mode

CLANG := $(findstring clang,$(CC))
MODE := $(if $(DEBUG),debug,release)$(if $(CLANG),-clang)$(if $(ASAN),-asan)$(if $(UBSAN),-ubsan)$(if $(COV),-cov)$(if $(FUZZ),-fuzz)
B := build/$(MODE)

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-4s %s\n' $(1) $(2))

# ---------------------------------------------------------------- flags

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef -Wwrite-strings \
        -Wformat=2 $(if $(CLANG),-Wno-gnu-zero-variadic-macro-arguments)
FRAME := $(if $(ASAN)$(UBSAN)$(COV)$(FUZZ),,-Wframe-larger-than=8192)
OPT := $(if $(DEBUG),-O0 -g3 -DDEBUG=1,$(if $(COV),-O0 -g,-O2 -g))
HARDEN := $(if $(ASAN)$(DEBUG)$(COV)$(FUZZ),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2) -fstack-protector-strong
SAN := $(if $(ASAN),-fsanitize=address) $(if $(UBSAN),-fsanitize=undefined -fno-sanitize-recover=all) \
       $(if $(COV),--coverage) $(if $(FUZZ),-fsanitize=fuzzer-no-link)

DEPROOT := build/deps/root
SYSINC := $(if $(wildcard $(DEPROOT)/include),-isystem $(DEPROOT)/include) \
          $(if $(wildcard /usr/include/libpq-fe.h),,-isystem $(firstword $(dir $(wildcard /usr/include/postgresql/libpq-fe.h)) /usr/include/postgresql))

CPPFLAGS_ALL = -D_GNU_SOURCE -Isrc $(SYSINC) $(CPPFLAGS)
CFLAGS_ALL = -std=gnu17 $(WARN) $(FRAME) $(OPT) -fno-omit-frame-pointer $(HARDEN) $(SAN) $(EXTRA_CFLAGS) \
             $(if $(WERROR),-Werror)
LDFLAGS_ALL = $(SAN) -Wl,--as-needed -Wl,-z,relro,-z,now -rdynamic \
              $(if $(wildcard $(DEPROOT)/lib),-L$(DEPROOT)/lib) $(LDFLAGS)
LIBS := -lcurl -lpq -lmariadb -lsqlite3 -lxlsxwriter -lllhttp -lyyjson -luv -lssl -lcrypto -lz -lm -lpthread $(EXTRA_LIBS)
TEST_LIBS := -lcmocka

# ---------------------------------------------------------------- what there is

SRC := $(sort $(wildcard src/*.c src/*/*.c src/*/*/*.c))
LIB_SRC := $(filter-out src/main.c src/sandbox/%,$(SRC))
SANDBOX_SRC := $(filter-out src/sandbox/main.c,$(filter src/sandbox/%,$(SRC)))
HDR := $(sort $(wildcard src/*.h src/*/*.h src/*/*/*.h))
SUPPORT_SRC := $(sort $(wildcard tests/support/*.c))
UNIT_SRC := $(sort $(wildcard tests/unit/$(if $(T),$(T),*)/test_*.c))
FLOW_SRC := $(sort $(wildcard tests/flow/$(if $(T),test_$(T),test_*).c))
FUZZ_SRC := $(sort $(wildcard tests/fuzz/fuzz_$(if $(T),$(T),*).c))

# Files compiled into the program: SQL migrations, and the pages and prompts it serves.
SQL := $(sort $(wildcard src/*/*.sql src/*/*/*.sql))
ASSETS := $(sort $(wildcard config/categories.json) \
    $(shell find web config/prompts -type f ! -name '.*' ! -name '*~' 2>/dev/null))
GEN_SRC := $(if $(wildcard src/db/migrate.h),$(B)/gen/migrations.c) \
           $(if $(wildcard src/base/asset.h),$(B)/gen/assets.c)

LIB := $(B)/libdeskstream.a
LIBSANDBOX := $(B)/libsandbox.a
LIBSUPPORT := $(B)/libsupport.a
obj = $(patsubst %.c,$(B)/%.o,$(1))
LIB_OBJ := $(call obj,$(LIB_SRC)) $(GEN_SRC:.c=.o)
SANDBOX_OBJ := $(call obj,$(SANDBOX_SRC))
SUPPORT_OBJ := $(call obj,$(SUPPORT_SRC))
UNIT_BIN := $(patsubst %.c,$(B)/%,$(UNIT_SRC))
FLOW_BIN := $(patsubst %.c,$(B)/%,$(FLOW_SRC))
BENCH_BIN := $(patsubst %.c,$(B)/%,$(wildcard bench/*.c))
FUZZ_BIN := $(patsubst %.c,$(B)/%,$(FUZZ_SRC))
REPLAY_BIN := $(patsubst tests/fuzz/%.c,$(B)/tests/replay/%,$(FUZZ_SRC))
PROGRAMS := $(if $(wildcard src/main.c),$(B)/deskstream) \
            $(if $(wildcard src/sandbox/main.c),$(B)/deskstream-sandbox)

BUILDS := $(filter-out help deps clean distclean run stop test format image-test,$(or $(MAKECMDGOALS),all))
ifneq ($(BUILDS),)
ifeq ($(wildcard $(DEPROOT)/include/yyjson.h /usr/include/yyjson.h /usr/local/include/yyjson.h),)
$(info Some libraries are missing here: `make deps` brings them.)
endif
# What a library is made of, and with which flags: rewritten only when it changed, so that removed
# files and new flags rebuild what they must. Warnings-as-errors and the compiler's name do not count.
keep = $(shell mkdir -p $(B) && printf '%s\n' '$(2)' | cmp -s - $(B)/$(1) || printf '%s\n' '$(2)' >$(B)/$(1))
$(call keep,lib.list,$(LIB_OBJ))
$(call keep,sandbox.list,$(SANDBOX_OBJ))
$(call keep,support.list,$(SUPPORT_OBJ))
$(call keep,sql.list,$(SQL))
$(call keep,assets.list,$(ASSETS))
$(call keep,flags.list,$(CPPFLAGS_ALL) $(filter-out -Werror,$(CFLAGS_ALL)))
endif

# ---------------------------------------------------------------- building

.PHONY: all deps help clean distclean check check-unit check-flow check-corpus torture fuzz e2e browser \
        bench lint format headers compdb run stop test image-test tests

all: $(PROGRAMS) $(LIB) ## build the programs; build/deskstream points at this mode's binary
	$(Q)$(foreach p,$(PROGRAMS),ln -sfn $(MODE)/$(notdir $(p)) build/$(notdir $(p));)

tests: all $(UNIT_BIN) $(FLOW_BIN) $(REPLAY_BIN) ## build the programs and every test, run nothing

$(B)/%.o: %.c $(B)/flags.list
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -c $< -o $@

$(B)/tests/%.o: tests/%.c $(B)/flags.list
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) -Itests $(CFLAGS_ALL) -Wno-frame-larger-than -MMD -MP -c $< -o $@

$(B)/gen/%.o: $(B)/gen/%.c $(B)/flags.list
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -c $< -o $@

$(B)/gen/migrations.c: $(SQL) $(B)/sql.list tools/embed.sh
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)tools/embed.sh migrations $(SQL) >$@

$(B)/gen/assets.c: $(ASSETS) $(B)/assets.list tools/embed.sh
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)tools/embed.sh assets $(ASSETS) >$@

define archive
	$(call say,AR,$@)
	$(Q)rm -f $@
	$(Q)$(AR) rcsD $@ $(filter %.o,$^)
endef

$(LIB): $(LIB_OBJ) $(B)/lib.list
	$(archive)
$(LIBSANDBOX): $(SANDBOX_OBJ) $(B)/sandbox.list
	$(archive)
$(LIBSUPPORT): $(SUPPORT_OBJ) $(B)/support.list
	$(archive)

$(B)/deskstream: $(B)/src/main.o $(LIB)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

$(B)/deskstream-sandbox: $(B)/src/sandbox/main.o $(LIBSANDBOX) $(LIB)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

$(UNIT_BIN) $(FLOW_BIN): %: %.o $(LIBSUPPORT) $(LIBSANDBOX) $(LIB)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(TEST_LIBS) $(LIBS)

$(BENCH_BIN): %: %.o $(LIB)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

# Fuzz targets twice: under libFuzzer (clang), and as plain programs that replay the kept inputs.
$(FUZZ_BIN): %: %.o $(LIBSUPPORT) $(LIBSANDBOX) $(LIB)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -fsanitize=fuzzer -o $@ $^ $(LIBS)

$(REPLAY_BIN): $(B)/tests/replay/%: $(B)/tests/fuzz/%.o $(B)/tools/replay.o $(LIBSUPPORT) $(LIBSANDBOX) $(LIB)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

-include $(shell find $(B) -name '*.d' 2>/dev/null)

deps: ## install what building and running needs (root or sudo); fast when nothing is missing
	$(Q)deps/install.sh run

# ---------------------------------------------------------------- checking

check: tests ## unit and flow tests; the gate before a commit: make check ASAN=1 UBSAN=1
	$(Q)$(MAKE) check-unit
	$(Q)$(MAKE) check-flow
	$(Q)$(MAKE) check-corpus

check-unit: $(UNIT_BIN) ## unit tests; T=room for one room
	$(Q)$(if $(filter %/db %/store %/api %/cli,$(patsubst %/,%,$(dir $(UNIT_BIN)))),tools/with-pg.sh) tools/run-tests.sh unit $(UNIT_BIN)

# The vector suite runs against the real Qdrant engine too, where that can be had.
QDRANT := $(if $(filter %/test_vectors,$(FLOW_BIN)),tests/qdrant/start.sh)
# Chats are read from a real MariaDB, too.
MARIADB := $(if $(filter %/test_chat_source %/test_maria,$(FLOW_BIN)),tests/mariadb/start.sh)

check-flow: $(FLOW_BIN) ## flow tests: services against scripted peers; T=name for tests/flow/test_name.c
	$(Q)$(if $(FLOW_BIN),tools/with-pg.sh $(QDRANT) $(MARIADB)) tools/run-tests.sh flow $(FLOW_BIN)

torture: $(FLOW_BIN) ## flow tests again: each fallible call failing, each wait cancelled, in turn
	$(Q)TORTURE=1 TEST_TIMEOUT=$(or $(TEST_TIMEOUT),1800) $(if $(FLOW_BIN),tools/with-pg.sh $(QDRANT) $(MARIADB)) tools/run-tests.sh torture $(FLOW_BIN)

check-corpus: $(REPLAY_BIN) ## the kept fuzz inputs, replayed without a fuzzer
	$(Q)tools/run-tests.sh corpus $(REPLAY_BIN)

fuzz: ## fuzz every parser of foreign bytes with clang; SECONDS=60 for each, T=name for one
	$(Q)deps/install.sh lint
	$(Q)$(MAKE) fuzz-run CC=clang ASAN=1 UBSAN=1 FUZZ=1

.PHONY: fuzz-run
fuzz-run: $(FUZZ_BIN)
	$(Q)tools/fuzz.sh $(or $(SECONDS),60) $(FUZZ_BIN)

e2e: all ## the real binary against a real PostgreSQL (python3); T=name for tests/e2e/test_name.py
	$(Q)DESKSTREAM_BUILD=$(CURDIR)/$(B) tools/run-e2e.sh $(T)

browser: all ## the page in a real browser (node, chromium)
	$(Q)deps/install.sh test
	$(Q)DESKSTREAM_BUILD=$(CURDIR)/$(B) tools/run-browser.sh $(T)

bench: all $(BENCH_BIN) ## measure; prints the figures; T="relay" for one table
	$(Q)deps/install.sh bench
	$(Q)DESKSTREAM_BUILD=$(B) bench/run.sh $(T)

lint: ## house rules: rooms, banned functions, sizes, headers, format, clang-tidy
	$(Q)CC="$(CC)" CPPFLAGS_ALL="$(CPPFLAGS_ALL)" tools/lint.sh

format: ## rewrite sources the way .clang-format says
	$(Q)tools/format.sh

HEADER_OK := $(patsubst %.h,$(B)/headers/%.ok,$(HDR))
headers: $(HEADER_OK) ## every header compiles alone

$(B)/headers/%.ok: %.h $(B)/flags.list
	$(call say,HDR,$<)
	$(Q)mkdir -p $(@D)
	$(Q)printf '#include "%s"\n' '$(patsubst src/%,%,$<)' | $(CC) $(CPPFLAGS_ALL) \
	    $(filter-out --coverage,$(CFLAGS_ALL)) -Werror -MMD -MP -MT $@ -MF $(@:.ok=.d) \
	    -fsyntax-only -x c - || { echo '$<:1: headers: does not compile alone'; exit 1; }
	$(Q)touch $@

compdb: ## write compile_commands.json into build/
	$(Q)mkdir -p build
	$(Q){ echo '['; sep=; for f in $(SRC) $(SUPPORT_SRC) $(UNIT_SRC) $(FLOW_SRC) $(FUZZ_SRC); do \
	    printf '%s{"directory":"%s","file":"%s","command":"%s -c %s"}' "$$sep" '$(CURDIR)' "$$f" \
	    '$(CC) $(strip $(CPPFLAGS_ALL) -Itests $(CFLAGS_ALL))' "$$f"; sep=',\n'; \
	    printf '%b' ''; done | sed 's/},\\n{/},\n{/g'; echo; echo ']'; } >build/compile_commands.json

image-test: ## build the container image without a daemon and try it
	$(Q)docker/test-image.sh

# ---------------------------------------------------------------- running

run: ## install, build and start everything on http://127.0.0.1:8000; DETACH=1 returns once ready
	$(Q)tools/run.sh start

stop: ## end what `make run` started
	$(Q)tools/run.sh stop

test: ## everything, in one run; the last line is "N passed, N failed"
	$(Q)tools/test.sh

help: ## this list
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo '  modes: ASAN=1 UBSAN=1 DEBUG=1 COV=1 CC=clang WERROR=1; V=1 shows commands'

clean: ## remove what was built; build/deps stays
	$(Q)find build -mindepth 1 -maxdepth 1 ! -name deps ! -name pg ! -name 'pg.*' -exec rm -rf {} + 2>/dev/null || true

distclean: clean ## remove build/ whole
	$(Q)rm -rf build
