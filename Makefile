# lockgate: build, run and test from a checkout.
#   make run    install what is needed, build, start the demo and print what to open
#   make test   install what is needed, pass all tests

ARCH    := $(if $(filter aarch64 arm64,$(shell uname -m)),arm64,x64)
NODE    := node_modules/node-linux-$(ARCH)/bin/node
ESBUILD := node_modules/.bin/esbuild
SOURCES := $(shell find src -type f) package.json
SUDO    := $(if $(filter 0,$(shell id -u)),,sudo)

# Debian packages that the tests drive as real peers: command:package.
TEST_PEERS := nginx:nginx-light openssl:openssl curl:curl dig:bind9-dnsutils dnsmasq:dnsmasq-base unbound:unbound \
              chromium:chromium shellcheck:shellcheck ip:iproute2 unshare:util-linux

.PHONY: run build test lint format docs bench clean peers

run: build
	build/lockgate run --demo

build: build/lockgate

node_modules/.installed: package.json package-lock.json
	npm ci --no-fund --no-audit --loglevel=error
	@touch $@

build/lockgate.cjs: $(SOURCES) node_modules/.installed bundle.ts
	@mkdir -p build
	$(NODE) bundle.ts

build/lockgate: build/lockgate.cjs launcher.sh
	@install -m 755 launcher.sh $@

peers:
	@missing=""; for peer in $(TEST_PEERS); do \
	  PATH="$$PATH:/usr/sbin:/sbin" command -v "$${peer%%:*}" >/dev/null || missing="$$missing $${peer##*:}"; \
	done; \
	if [ -n "$$missing" ]; then \
	  echo "installing test peers:$$missing"; \
	  $(SUDO) apt-get update -qq && DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	fi

test: build peers lint
	PATH="$$PATH:/usr/sbin:/sbin" $(NODE) test/run.ts $(ONLY)

lint: node_modules/.installed
	node_modules/.bin/biome check --error-on-warnings .
	node_modules/.bin/tsc --noEmit -p .

format: node_modules/.installed
	node_modules/.bin/biome check --write .

clean:
	rm -rf build dist coverage
