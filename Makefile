# Switchboard: `make run` and `make test` are all that a user needs.
#
# Variants: BUILD=asan (sanitizers), CC=clang. Each builds in a folder of its own.
# Filters:  ONLY=name (one test file), SECONDS=n (fuzzing), KILLS=n SEED=n (chaos).

SHELL := /bin/bash
.DEFAULT_GOAL := all
PYTHON := /usr/bin/python3

# --- dependencies: Debian packages, named once ------------------------------------------------------
PACKAGES := gcc make pkg-config libuv1-dev libwebsockets-dev libwebsockets-evlib-uv \
  libmicrohttpd-dev libcurl4-openssl-dev libjansson-dev libhiredis-dev libconfuse-dev \
  libsodium-dev libmagic-dev libsqlite3-dev libgmime-3.0-dev libuchardet-dev libseccomp-dev \
  libidn2-dev libssl-dev redis-server ca-certificates tzdata
TEST_PACKAGES := libcmocka-dev clang clang-tidy clang-format libclang-rt-dev chromium \
  chromium-driver python3-pytest python3-pytest-xdist python3-redis python3-websockets python3-selenium \
  python3-hypothesis python3-jsonschema python3-requests python3-cryptography nginx-light openssl strace procps \
  dovecot-imapd dovecot-lmtpd postfix swaks curl tryton-server tryton-modules-party python3-phonenumbers faketime
BENCH_PACKAGES := nginx-light libnginx-mod-nchan wrk redis-tools isync

LIBS := libuv libmicrohttpd libwebsockets libcurl jansson hiredis libconfuse libsodium libmagic \
  sqlite3 gmime-3.0 uchardet libseccomp libidn2 libcrypto

# --- variants -----------------------------------------------------------------------------------------
CC := gcc
BUILD ?=
OUT := build$(if $(BUILD),/$(BUILD))$(if $(filter clang%,$(CC)),/clang)
GEN := build/gen

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 -Werror
# clang before 16 does not take "zero" without a second option, which later ones do not know.
AUTO_INIT := $(shell $(CC) -ftrivial-auto-var-init=zero -fsyntax-only -x c /dev/null 2>/dev/null && \
  echo -ftrivial-auto-var-init=zero)
HARDEN := -fstack-protector-strong -fstack-clash-protection -fcf-protection=full $(AUTO_INIT) \
  -fno-strict-aliasing -fno-delete-null-pointer-checks
ifeq ($(BUILD),asan)
OPT := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
LDOPT := -fsanitize=address,undefined
else
OPT := -O2 -g -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 $(HARDEN) -fPIE
LDOPT := -pie -Wl,-z,relro,-z,now,-z,noexecstack
endif
CFLAGS = -std=c17 -D_GNU_SOURCE $(OPT) $(WARN) -Igateway -I. $(shell pkg-config --cflags $(LIBS))
LDLIBS = $(shell pkg-config --libs $(LIBS)) -lm

SOURCES := $(wildcard gateway/*.c gateway/*/*.c gateway/core/*/*.c connectors/*.c connectors/*/*.c)
OBJECTS := $(SOURCES:%.c=$(OUT)/%.o) $(OUT)/gen/scripts.o $(OUT)/gen/assets.o
LIBRARY_OBJECTS := $(filter-out $(OUT)/gateway/main.o,$(OBJECTS))

.PHONY: all deps deps-run deps-test run test unit scenario browser shots pictures chaos chaos-can-fail reconnect fuzz bench \
  lint format install clean ui run-telegram-fake run-whatsapp-fake

all: $(OUT)/switchboard

$(OUT)/switchboard: $(OBJECTS)
	$(CC) $(LDOPT) $^ $(LDLIBS) -o $@

$(OUT)/%.o: %.c | $(GEN)/scripts.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -MMD -MP -c $< -o $@

$(OUT)/gen/%.o: $(GEN)/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -c $< -o $@

-include $(OBJECTS:.o=.d)

# --- generated: Lua scripts and pages as C -------------------------------------------------------------
SCRIPTS := $(filter-out %/_common.lua,$(wildcard gateway/store/scripts/*.lua))
LINK_SCRIPT := awk -f gateway/store/scripts/link.awk gateway/store/scripts/_common.lua

$(GEN)/scripts.c: gateway/store/scripts/link.awk gateway/store/scripts/_common.lua $(SCRIPTS)
	@mkdir -p $(GEN)/scripts
	@{ echo '/* made by the Makefile from gateway/store/scripts */'; \
	  echo '#include "store/scripts.h"'; \
	  for f in $(SCRIPTS); do \
	    linked=$(GEN)/scripts/$$(basename $$f); \
	    $(LINK_SCRIPT) $$f > $$linked || exit 1; \
	    echo "const char script_$$(basename $$f .lua)[] = {"; \
	    od -An -v -tu1 $$linked | sed 's/\([0-9][0-9]*\)/\1,/g'; \
	    echo '0};'; \
	  done; } > $@.tmp && mv $@.tmp $@

UI_SOURCES := $(shell find gateway/ui -type f -not -path '*/pictures/*' 2>/dev/null) package-lock.json
API_DOCS := $(wildcard gateway/api/*.json)

build/ui/.done: $(UI_SOURCES)
	@command -v node >/dev/null || { echo 'node is missing: run make deps' >&2; exit 1; }
	@[ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --no-audit --no-fund --loglevel=error
	node gateway/ui/build.mjs
	@touch $@

ui: build/ui/.done

$(GEN)/assets.c: build/ui/.done $(API_DOCS) gateway/ui/assets.sh
	@mkdir -p $(@D)
	@bash gateway/ui/assets.sh build/ui gateway/api > $@.tmp && mv $@.tmp $@

# --- dependencies -----------------------------------------------------------------------------------------
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

# Installs what is missing of the given packages; fast when nothing is. The mail servers among them are
# not started: the tests start their own.
define install_missing
	@missing=; for p in $(1); do \
	  dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; \
	done; \
	if [ -n "$$missing" ]; then \
	  echo "installing:$$missing"; \
	  $(SUDO) apt-get update -q && { \
	    policy=/usr/sbin/policy-rc.d; ours=; \
	    [ -e $$policy ] || { ours=1; printf '#!/bin/sh\nexit 101\n' | $(SUDO) install -m 755 /dev/stdin $$policy; }; \
	    $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $$missing; \
	    rc=$$?; [ -z "$$ours" ] || $(SUDO) rm -f $$policy; exit $$rc; }; \
	fi
endef

deps-run:
	$(call install_missing,$(PACKAGES) $(if $(shell command -v node),,nodejs) \
	  $(if $(shell command -v npm),,npm))

deps-test: deps-run
	$(call install_missing,$(TEST_PACKAGES))

deps: deps-test

# --- running --------------------------------------------------------------------------------------------------
run: deps-run
	@$(MAKE) --no-print-directory all
	$(OUT)/switchboard run --config conf/switchboard.conf

# A stand-in for Telegram with a page to type in as one of its users.
run-telegram-fake: deps-test
	PYTHONPATH=tests $(PYTHON) -m fakes.telegram $(FAKE)

# The same for WhatsApp.
run-whatsapp-fake: deps-test
	PYTHONPATH=tests $(PYTHON) -m fakes.whatsapp $(FAKE)

install: all
	install -D -m 755 build/switchboard $(DESTDIR)/usr/bin/switchboard
	install -D -m 640 conf/switchboard.conf $(DESTDIR)/etc/switchboard/switchboard.conf

# --- tests ----------------------------------------------------------------------------------------------------
# What the tests are linked with: of an archive only what a test needs, and nothing is copied (T).
$(OUT)/library.a: $(LIBRARY_OBJECTS)
	@rm -f $@
	ar rcsT $@ $^

UNIT_TESTS := $(patsubst tests/unit/%.c,$(OUT)/unit/%,$(wildcard tests/unit/*$(ONLY)*_test.c))

$(OUT)/unit/%: tests/unit/%.c $(OUT)/library.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -Wno-missing-prototypes $(LDOPT) $^ $(LDLIBS) -lcmocka -o $@

test: deps-test
	@$(MAKE) --no-print-directory unit scenario browser lint

unit: $(UNIT_TESTS)
	@bash tests/unit/run.sh $(UNIT_TESTS)

# They wait more than they work: five processes a core keep two cores busy.
# Two of them use the programs of unit tests: to compose mails, and to send them.
scenario: all $(OUT)/unit/email_compose_test $(OUT)/unit/net_smtp_client_test
	SWITCHBOARD=$(OUT)/switchboard $(PYTHON) -m pytest -q -n $(if $(ONLY),3,10) --dist loadgroup tests/scenario \
	  $(if $(ONLY),-k $(ONLY))

browser: all
	SWITCHBOARD=$(OUT)/switchboard $(PYTHON) -m pytest -q -n 4 --dist loadgroup tests/browser $(if $(ONLY),-k $(ONLY))

# The walk through all pages, in each language and width: pictures of them in build/shots.
shots: all
	SWITCHBOARD=$(OUT)/switchboard WALK=all $(PYTHON) -m pytest -q -n 2 --dist loadgroup tests/browser/test_walk.py

# The README's pictures, of a made-up shop.
pictures: all
	SWITCHBOARD=$(OUT)/switchboard $(PYTHON) tests/browser/pictures.py gateway/ui/pictures

# ONLY=crm: a CRM's cards instead of screens (CHAOS="--messages 10000").
KILLS ?= 100
chaos: all
ifeq ($(ONLY),crm)
	SWITCHBOARD=$(OUT)/switchboard $(PYTHON) tests/chaos/crm_chaos.py $(if $(SEED),--seed $(SEED)) $(CHAOS)
else
	SWITCHBOARD=$(OUT)/switchboard $(PYTHON) tests/chaos/chaos.py --kills $(KILLS) \
	  $(if $(SEED),--seed $(SEED)) $(CHAOS)
endif

# Agents' pages that lose their network, SCHEDULES of them (SEED: the first one's).
SCHEDULES ?= 1000
reconnect: all
	SWITCHBOARD=$(OUT)/switchboard $(PYTHON) tests/reconnect/run.py --schedules $(SCHEDULES) $(if $(SEED),--seed $(SEED))

# The count is shown to be able to fail: without the recognising of repeats it reports doubles.
chaos-can-fail: all
	@out=$$(SWITCHBOARD=$(OUT)/switchboard $(PYTHON) tests/chaos/chaos.py --no-dedupe --kills 3 \
	  --seed 7 2>&1); printf '%s\n' "$$out"; grep -qE '^accepted .*doubled [1-9]' <<<"$$out"
	@out=$$(SWITCHBOARD=$(OUT)/switchboard $(PYTHON) tests/chaos/crm_chaos.py --no-look --messages 400 \
	  --seed 7 2>&1); printf '%s\n' "$$out"; grep -qE '^accepted .*doubled [1-9]' <<<"$$out"

bench: all
	$(call install_missing,$(BENCH_PACKAGES))
	SWITCHBOARD=$(OUT)/switchboard CC=$(CC) $(PYTHON) tests/bench/bench.py $(if $(ONLY),--only $(ONLY))

FUZZERS := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/*$(ONLY)*_fuzz.c))
SECONDS ?= 60
FUZZ_OBJECTS := $(SOURCES:%.c=build/fuzz/obj/%.o) $(patsubst %,build/fuzz/obj/$(GEN)/%.o,scripts assets)
FUZZ_FLAGS := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined

build/fuzz/obj/%.o: %.c
	@mkdir -p $(@D)
	clang -std=c17 -D_GNU_SOURCE $(FUZZ_FLAGS) -Igateway -I. $(shell pkg-config --cflags $(LIBS)) \
	  -MMD -MP -c $< -o $@

build/fuzz/library.a: $(filter-out build/fuzz/obj/gateway/main.o,$(FUZZ_OBJECTS))
	@rm -f $@
	ar rcsT $@ $^

build/fuzz/%: tests/fuzz/%.c build/fuzz/library.a
	clang -std=c17 -D_GNU_SOURCE $(FUZZ_FLAGS) -fsanitize=fuzzer -Igateway -I. \
	  $(shell pkg-config --cflags $(LIBS)) $^ $(LDLIBS) -o $@

-include $(FUZZ_OBJECTS:.o=.d)
.SECONDARY: $(FUZZ_OBJECTS)

fuzz: $(FUZZERS)
	@bash tests/fuzz/run.sh $(SECONDS) $(FUZZERS)

lint:
	@bash tests/lint/run.sh

format:
	clang-format -i $$(git ls-files '*.c' '*.h')

clean:
	rm -rf build
