# A thin face on meson. The first command on a fresh Debian 12 installs what is missing (and says what), then builds.
#
#   make          build                     make demo     a simulated shop, a month of plans, and where to look
#   make test     the whole test suite      make bench    figures beside their baselines
#   make tidy     style, checked            make fuzz     the parsers, FUZZ_SECONDS each (60)
#   make install  into PREFIX (/usr/local)  make bench-quality  recommendation quality
#
# make bench BENCH_ARGS=--json BENCH_CUSTOMERS=100000: as JSON, smaller

BUILD ?= build
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 60
JOBS ?= $(shell nproc)
export JOBS

.PHONY: all deps ui build test bench bench-quality tidy fuzz demo install clean

all: build

deps:
	@tools/deps.sh build

ui: deps
	@tools/ui.sh

$(BUILD)/build.ninja: | deps ui
	@meson setup $(BUILD) --prefix=$(PREFIX) -Dwerror=$(if $(CI),true,false) >$(BUILD).log 2>&1 || { cat $(BUILD).log; exit 1; }
	@mv $(BUILD).log $(BUILD)/setup.log

build: deps ui $(BUILD)/build.ninja
	@ninja -C $(BUILD) -j$(JOBS)

test:
	@tools/deps.sh build test $(if $(CI),real)
	@tools/ui.sh
	@tools/test.sh $(BUILD)

bench: build
	@tools/deps.sh bench
	@bench/run.sh $(BUILD) $(BENCH_ARGS)

bench-quality: build
	@tools/deps.sh bench
	@bench/quality.sh $(BUILD)

tidy:
	@tools/deps.sh tidy
	@python3 tools/tidy.py

fuzz:
	@tools/deps.sh build fuzz
	@tools/fuzz.sh $(FUZZ_SECONDS)

demo: build
	@tools/demo.sh $(BUILD)

install: build
	@meson install -C $(BUILD) --no-rebuild

clean:
	@rm -rf $(BUILD) build-san build-fuzz demo
