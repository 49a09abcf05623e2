# The two commands a newcomer needs are `make run` and `make test`; CMake does the work underneath.
.PHONY: all build run test check bench fuzz clean

all: build

build:
	@scripts/install build
	@[ -f build/build.ninja ] || cmake --preset release >/dev/null
	@ninja -C build --quiet

test:
	@scripts/install build test
	@scripts/test

clean:
	rm -rf build build-*
