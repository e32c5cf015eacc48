# One word for each thing one does with Aldis. The work is in scripts/, which can be called directly too.

.DEFAULT_GOAL := help
.PHONY: help run demo release dev check test battery bench fmt
# Each target is one script that uses all cores by itself.
.NOTPARALLEL:

help: ## list these commands
	@awk 'BEGIN { FS = ":.*## " } /^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## install what is missing, build quickly and serve on http://127.0.0.1:3000
	@scripts/run serve

demo: ## the same, with a demo organization: log in as demo@aldis.test / lamp-signal-2026
	@scripts/run demo

release: ## build the program to deploy: target/release/aldis
	@scripts/build --release

dev: ## rebuild and restart at every change (cargo leptos watch)
	@scripts/run dev

check: ## what to run before each commit: format, lints, architecture rules, unit tests
	@scripts/test --quick

test: ## install what is missing and run every check: format, lints, three databases, browser
	@scripts/test

battery: ## the long forms of the tests, and attacks on a running server (about three hours)
	@scripts/battery

bench: ## measure the release beside its own ceiling
	@scripts/bench

fmt: ## format the Rust code
	@cargo fmt --all
