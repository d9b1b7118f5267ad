# lockgate: build, run and test from a checkout.
#   make run    install what is needed, build, start the demo and print what to open
#   make test   install what is needed, pass all tests

HOST_ARCH := $(if $(filter aarch64 arm64,$(shell uname -m)),arm64,x64)
NODE    := node_modules/node-linux-$(HOST_ARCH)/bin/node
SOURCES := $(shell find src -type f) package.json
# What the bundle may weigh: it stands in a router's flash, and in its memory as text.
MAX_BUNDLE_BYTES := 865000
# As in the packages.
NODE_FLAGS := $(shell grep -oE -- "'--[a-z0-9=-]+'" docker/program/flags.ts | tr -d "'") --disable-warning=ExperimentalWarning
NODE_ENVIRONMENT := $(shell grep -oE "[A-Z_]+: '[0-9]+'" docker/program/flags.ts | tr -d "' " | tr : =)
SUDO    := $(if $(filter 0,$(shell id -u)),,sudo)

# Debian packages that the tests drive as real peers: command:package.
TEST_PEERS := nginx:nginx-light openssl:openssl curl:curl dig:bind9-dnsutils dnsmasq:dnsmasq-base unbound:unbound \
              chromium:chromium h2load:nghttp2-client shellcheck:shellcheck ip:iproute2 unshare:util-linux python3:python3-minimal \
              busybox:busybox-static qemu-aarch64-static:qemu-user-static mksquashfs:squashfs-tools xz:xz-utils \
              miniupnpd:miniupnpd-nftables nft:nftables testssl:testssl.sh pebble:pebble named:bind9

.PHONY: run build test lint format docs bench clean peers

run: build
	build/lockgate run --demo

build: build/lockgate

node_modules/.installed: package.json package-lock.json
	npm ci --no-fund --no-audit --loglevel=error
	@touch $@

# Everything in one file, code split by nothing: what a running gateway does not need is in functions that it never calls. Beside it
# lockgate.cjs, which starts it.
build/bundle.js: $(SOURCES) bundle.ts node_modules/.installed
	@mkdir -p build
	@$(NODE) bundle.ts build/bundle.new build/lockgate.cjs build/bundle.json
	@size=$$(stat -c %s build/bundle.new); echo "bundle: $$size bytes of $(MAX_BUNDLE_BYTES)"; \
	  test $$size -le $(MAX_BUNDLE_BYTES) || { echo "the bundle is over its limit: see build/bundle.json for what grew" >&2; exit 1; }
	@mv build/bundle.new $@

# What V8 compiles of it for a start.
build/bundle.code: build/bundle.js $(wildcard docker/program/code-cache/*.ts)
	@$(NODE) docker/program/code-cache/make.ts build/bundle.js $@

# Starts the bundle on the pinned runtime, from any folder.
define LAUNCHER
#!/bin/sh
here=$$(dirname "$$(readlink -f "$$0")")
export $(NODE_ENVIRONMENT)
exec "$$here/../$(NODE)" $(NODE_FLAGS) "$$here/lockgate.cjs" "$$@"
endef
export LAUNCHER

build/lockgate: build/bundle.code Makefile docker/program/flags.ts
	@printf '%s\n' "$$LAUNCHER" > $@
	@chmod 755 $@

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

# Side by side with HAProxy, nginx, Caddy and dnsmasq; writes docs/performance.md. QUICK=1: a look of a minute and a half, which writes
# nothing; PART=work|growth|memory|start|dns: one part of it.
bench: TEST_PEERS := nginx:nginx-light haproxy:haproxy caddy:caddy wrk:wrk h2load:nghttp2-client openssl:openssl dnsperf:dnsperf dnsmasq:dnsmasq-base
bench: build peers
	PATH="$$PATH:/usr/sbin:/sbin" $(NODE) bench/run.ts $(if $(QUICK),--quick) $(if $(PART),--part=$(PART))

lint: node_modules/.installed
	node_modules/.bin/biome check --error-on-warnings .
	node_modules/.bin/tsc --noEmit -p .

# Pages that are generated from the source; a test fails while one is stale.
docs: node_modules/.installed
	$(NODE) --input-type=module -e "process.stdout.write((await import('./src/config/docs.ts')).renderConfigurationDocs())" > docs/configuration.md

format: node_modules/.installed
	node_modules/.bin/biome check --write .

clean:
	rm -rf build dist coverage

# --- Packages -----------------------------------------------------------------------------------------------------------
# Self-contained programs, and what is made of them: see docker/, openwrt/ and synology/. ARCH may name another machine here.

BUILDER := $(NODE)
# Debian packages that building the packages takes: command:package.
PACKERS := xz:xz-utils mksquashfs:squashfs-tools dpkg-deb:dpkg \
           qemu-aarch64-static:qemu-user-static

.PHONY: sea pins archives image openwrt synology packages release version packers

# The program with a runtime and libraries of its own: make sea ARCH=x64|arm64|armv7 [PREFIX=/opt/lockgate]
sea: PREFIX ?= /opt/lockgate
sea: build/bundle.code
	$(BUILDER) docker/program/sea.ts $(ARCH) $(PREFIX) build/program/$(ARCH)

# After a change of the Node version, or when Debian has replaced a pinned package.
pins: node_modules/.installed
	$(BUILDER) docker/program/make-pins.ts

# dist/lockgate-<version>-linux-<arch>.tar.xz
archives: build/bundle.code packers
	$(BUILDER) docker/program/archive.ts

# dist/lockgate-<version>.oci.tar, and build/image for the Dockerfile.
image: build/bundle.code packers
	$(BUILDER) docker/build.ts

# dist/lockgate_<version>_<arch>.ipk and dist/lockgate-<version>-<arch>.apk
openwrt: build/bundle.code packers
	$(BUILDER) openwrt/build.ts

# dist/lockgate-<version>-<arch>.spk
synology: build/bundle.code packers
	$(BUILDER) synology/build.ts

# Everything into dist/, with a manifest and SHA256SUMS: the same bytes for the same commit.
packages: build/bundle.code packers
	rm -rf dist
	$(MAKE) archives image openwrt synology
	$(BUILDER) docker/program/finish.ts $(if $(COMPLETE),--complete)

# Packages of a commit that passes all tests, and of nothing else, for every machine.
release: test
	@test -z "$$(git status --porcelain)" || { echo "there are changes that are not committed: a release is made of a commit" >&2; exit 1; }
	$(MAKE) packages COMPLETE=1

# make version TO=1.2.3: in package.json, which every other place reads, and where it has to be repeated.
version:
	npm version --no-git-tag-version --allow-same-version "$(TO)" >/dev/null
	sed -i 's|image: lockgate:.*|image: lockgate:$(TO)|' docker/compose/*/compose.yaml
	@echo "next: begin a section \"## $(TO)\" in CHANGELOG.md"

packers:
	@missing=""; for packer in $(PACKERS); do command -v "$${packer%%:*}" >/dev/null || missing="$$missing $${packer##*:}"; done; \
	if [ -n "$$missing" ]; then \
	  echo "installing:$$missing"; \
	  $(SUDO) apt-get update -qq && DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	fi
