# Shortcuts for the scripts in scripts/, which can also be run directly.

.DEFAULT_GOAL := help
.PHONY: help run demo release dev check test battery bench fmt
# Each target is one script that already uses all cores.
.NOTPARALLEL:

help: ## list these commands
	@awk 'BEGIN { FS = ":.*## " } /^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## install missing tools, build quickly and serve on http://127.0.0.1:3000
	@scripts/run serve

demo: ## as run, with a demo organization: log in as demo@aldis.test / lamp-signal-2026
	@scripts/run demo

release: ## build the release binary, target/release/aldis
	@scripts/build --release

dev: ## rebuild and restart on every change (cargo leptos watch)
	@scripts/run dev

check: ## quick checks before a commit: format, lints, architecture rules, unit tests
	@scripts/test --quick

test: ## install missing tools and run all checks: format, lints, tests on three databases, browser tests
	@scripts/test

battery: ## long-running tests, and attacks on a running server (about five hours)
	@scripts/battery

bench: ## measure the release against nginx and a bare server: PART=page (about 15 minutes)
	@scripts/bench

fmt: ## format the Rust code
	@cargo fmt --all
