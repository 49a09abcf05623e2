# The two commands a newcomer needs are `make run` and `make test`; CMake does the work underneath.
.PHONY: all build run test check cov format docs bench fuzz soak clean

all: build

build: ## install what is missing, build the release program at build/sluice
	@scripts/install build
	@[ -f build/build.ninja ] || cmake --preset release >/dev/null
	@ninja -C build --quiet sluice

run: build ## mock provider and router, sample requests, the router stays up
	@scripts/run $(RUN)

test: ## install what is missing, run every test, one summary
	@scripts/install build test
	@scripts/test

check: ## format, layers, banned calls, headers
	@scripts/install build test
	@[ -f build/build.ninja ] || cmake --preset release >/dev/null
	@ninja -C build --quiet
	@ctest --test-dir build --output-on-failure -R '^check/'

cov: ## line coverage of unit, command-line and end-to-end tests, a line a room
	@scripts/install build test
	@python3 tests/coverage.py

format: ## format every C file
	@python3 tests/check/format.py . --fix

docs: ## the reference pages that the repository keeps
	@mkdir -p docs/reference
	@python3 tools/metric_ids.py docs/reference/metrics.md spec/metrics.tsv

bench: ## every speed claim, with the rival's figure beside it (BENCH=name for one)
	@scripts/install build bench
	@bench/run $(BENCH)

fuzz: ## every fuzz target for SECONDS each (default 60)
	@scripts/install build test
	@scripts/fuzz $(or $(SECONDS),60)

soak: build ## ten minutes of mixed load; prints the slope of the resident set
	@scripts/install bench
	@bench/soak/run $(or $(MINUTES),10)

clean:
	rm -rf build build-*
